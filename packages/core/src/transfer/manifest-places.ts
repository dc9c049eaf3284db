/**
 * Where the files of a directory are in its content: the manifest comes first, then each file at
 * once behind the one before.
 *
 * @module
 */
import type { Manifest, ManifestFile } from "./manifest.ts";

export class ManifestPlaces {
  readonly files: readonly ManifestFile[];
  /** Bytes of the whole content. */
  readonly size: number;
  readonly #starts: Float64Array;

  /** `listBytes`: of the manifest as it is encoded. */
  constructor(manifest: Manifest, listBytes: number) {
    this.files = manifest.entries.filter((entry) => entry.kind === "file");
    this.#starts = new Float64Array(this.files.length);
    let end = listBytes;
    for (const [at, { size }] of this.files.entries()) {
      this.#starts[at] = end;
      end += size;
    }
    this.size = end;
  }

  /** Where the file of this number begins, counted from 0. */
  start(file: number): number {
    return this.#starts[file] ?? this.size;
  }

  /** The first file that ends behind `offset`; as many as there are when none does. */
  fileAt(offset: number): number {
    let low = 0;
    let high = this.files.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.start(middle) + (this.files[middle]?.size ?? 0) > offset) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
