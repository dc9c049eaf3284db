/**
 * Where the entries of a peer's manifest are stored below a directory: each under its safe name.
 * Entries must come in the manifest's order; then the same ones come out each time, which is how a
 * broken transfer finds again what it has stored.
 *
 * @module
 */
import { PosternError } from "@postern/core/errors";
import { STORED_NAME_BYTES_MAX, STORED_NAME_TRIES_MAX } from "@postern/core/limits";
import { foldName, type ManifestEntry } from "@postern/core/transfer";
import { numberedName, safeFileName } from "../safe-name.ts";
import type { DirectoryNode } from "./open-directory.ts";

export interface StoredPlace {
  readonly directory: DirectoryNode;
  readonly name: string;
  /** Of a directory: itself. */
  readonly node: DirectoryNode | undefined;
}

export class StoredTree {
  readonly #directories = new Map<string, DirectoryNode>();
  readonly #longNames = new Set<string>();
  /** Of a long name: no smaller number is free. A thousand alike must not cost a million looks. */
  readonly #nextNumbers = new Map<string, number>();
  readonly #topName: string | undefined;

  /** `topName`: what the one entry at the top is called, if not as in the manifest. */
  constructor(root: DirectoryNode, topName?: string) {
    this.#directories.set("", root);
    this.#topName = topName;
  }

  place({ kind, path }: ManifestEntry): StoredPlace {
    const cut = path.lastIndexOf("/");
    const parent = path.slice(0, Math.max(0, cut));
    const directory = this.#directories.get(parent);
    // The manifest was checked: a directory comes before what is in it.
    if (directory === undefined) throw new PosternError("transfer/invalid", "not in a directory");
    const isTop = cut < 0 && this.#topName !== undefined;
    const name = isTop ? (this.#topName ?? "") : this.#storedName(parent, path.slice(cut + 1));
    if (kind !== "directory") return { directory, name, node: undefined };
    const node = { parent: directory, name, depth: directory.depth + 1 };
    this.#directories.set(path, node);
    return { directory, name, node };
  }

  /** Names that differ may become one when they are shortened. */
  #storedName(parent: string, name: string): string {
    const stored = safeFileName(name);
    if (stored.length * 3 < SHORTENED_BYTES) return stored;
    const alike = `${parent}/${stored}`;
    for (let n = this.#nextNumbers.get(alike) ?? 0; n < STORED_NAME_TRIES_MAX; n++) {
      const candidate = n === 0 ? stored : numberedName(stored, n);
      const folded = `${parent}/${foldName(candidate)}`;
      if (this.#longNames.has(folded)) continue;
      this.#longNames.add(folded);
      this.#nextNumbers.set(alike, n + 1);
      return candidate;
    }
    throw new PosternError("transfer/invalid", "too many names alike", { reason: "names alike" });
  }
}

/** No shortened name has less. */
const SHORTENED_BYTES = STORED_NAME_BYTES_MAX - 64;

/** A link's target with the names that the entries are stored under. */
export function storedTarget(target: string): string {
  const parts = target.split("/");
  return parts.map((part) => (part === ".." ? part : safeFileName(part))).join("/");
}
