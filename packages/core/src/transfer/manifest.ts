/**
 * The list of a directory's entries, with which its content begins. docs/protocol-manifest.md.
 *
 * ```text
 *   manifest  version u8 (1) | entries u32 | entry*
 *   entry     kind u8 | lv(path) | of it
 *     1 file       size u64 | mode u16 | modified u64
 *     2 directory  mode u16 | modified u64
 *     3 link       lv(target)
 * ```
 *
 * Invariants of a decoded manifest: each part of a path is a name and nothing else; every entry
 * but those at the top stands in a directory that came before it; no two entries of one directory
 * have names that some file system takes for one; no link leads out of its own entry at the top.
 * It exists as a whole or not at all, and nothing is allocated from a claim in it.
 *
 * @module
 */
import { utf8 } from "../bytes/writer.ts";
import { PosternError } from "../errors.ts";
import {
  FILE_NAME_BYTES_MAX,
  MANIFEST_BYTES_MAX,
  MANIFEST_DEPTH_MAX,
  MANIFEST_ENTRIES_MAX,
  MANIFEST_LINK_BYTES_MAX,
  MANIFEST_PATH_BYTES_MAX,
  MODIFIED_MS_MAX,
} from "../limits.ts";
import { foldName, linkLeavesTop, nameFault } from "./manifest-names.ts";

export interface Manifest {
  /** A directory comes before what is in it. */
  readonly entries: readonly ManifestEntry[];
}

export type ManifestEntry = ManifestFile | ManifestDirectory | ManifestLink;

export interface ManifestFile {
  readonly kind: "file";
  /** Names joined by `/`; hostile text, but each of them is one name. */
  readonly path: string;
  readonly size: number;
  /** Permission bits of Unix, at most 0o777. */
  readonly mode: number;
  /** ms since 1970 */
  readonly modifiedMs: number;
}

export interface ManifestDirectory {
  readonly kind: "directory";
  readonly path: string;
  readonly mode: number;
  readonly modifiedMs: number;
}

export interface ManifestLink {
  readonly kind: "link";
  readonly path: string;
  /** Relative; any `..` stand at its beginning. */
  readonly target: string;
}

const VERSION = 1;
const KIND = { file: 1, directory: 2, link: 3 } as const;
const HEAD_BYTES = 5;
/** A link with a path and a target of one byte each. */
const ENTRY_BYTES_MIN = 11;

/**
 * The bytes of a manifest.
 *
 * @throws {@link PosternError} `transfer/invalid` as {@link decodeManifest} would.
 */
export function encodeManifest(manifest: Manifest): Uint8Array {
  const { entries } = manifest;
  if (entries.length > MANIFEST_ENTRIES_MAX) throw invalid("too many entries");
  const checks = new EntryChecks();
  const out = new GrowingBytes();
  out.number(VERSION, 1);
  out.number(entries.length, 4);
  for (const entry of entries) {
    checks.expect(entry);
    out.number(KIND[entry.kind], 1);
    out.text(entry.path);
    if (entry.kind === "link") out.text(entry.target);
    else {
      if (entry.kind === "file") out.number(entry.size, 8);
      out.number(entry.mode, 2);
      out.number(entry.modifiedMs, 8);
    }
    if (out.length > MANIFEST_BYTES_MAX) throw invalid("too long");
  }
  return out.bytes();
}

/**
 * A manifest as a peer sent it.
 *
 * @throws {@link PosternError} `transfer/invalid`; `details.reason` says what is wrong and
 * `details.entry` with which entry, counted from 1.
 */
export function decodeManifest(bytes: Uint8Array): Manifest {
  if (bytes.length > MANIFEST_BYTES_MAX) throw invalid("too long");
  const reader = new EntryReader(bytes);
  if (reader.number(1) !== VERSION) throw invalid("another version");
  const count = reader.number(4);
  if (count > MANIFEST_ENTRIES_MAX) throw invalid("too many entries");
  if (count * ENTRY_BYTES_MIN > bytes.length - HEAD_BYTES) throw invalid("cut off");
  const entries: ManifestEntry[] = [];
  const checks = new EntryChecks();
  for (let n = 0; n < count; n++) {
    const entry = readEntry(reader, n + 1);
    checks.expect(entry);
    entries.push(entry);
  }
  if (!reader.isAtEnd) throw invalid("bytes behind its end");
  return { entries };
}

function readEntry(reader: EntryReader, number: number): ManifestEntry {
  reader.entry = number;
  const kind = reader.number(1);
  if (kind < KIND.file || kind > KIND.link) throw invalid("no such kind", number);
  const path = reader.text(MANIFEST_PATH_BYTES_MAX);
  if (kind === KIND.link)
    return { kind: "link", path, target: reader.text(MANIFEST_LINK_BYTES_MAX) };
  const size = kind === KIND.file ? reader.number(8) : 0;
  const mode = reader.number(2);
  const modifiedMs = reader.number(8);
  if (kind === KIND.directory) return { kind: "directory", path, mode, modifiedMs };
  return { kind: "file", path, size, mode, modifiedMs };
}

interface DirectoryAt {
  /** Its path as {@link foldName} gives it, part by part. */
  readonly folded: string;
  readonly depth: number;
}

/** What must hold between an entry and those before it. */
class EntryChecks {
  readonly #directories = new Map<string, DirectoryAt>();
  readonly #taken = new Set<string>();
  #number = 0;
  #bytes = 0;
  /** None yet: the empty path is nobody's. */
  #lastParent: string | undefined;
  #last: DirectoryAt = TOP;

  expect(entry: ManifestEntry): void {
    this.#number += 1;
    const { path } = entry;
    const cut = path.lastIndexOf("/");
    const name = path.slice(cut + 1);
    const parent = cut < 0 ? TOP : this.#parent(path.slice(0, cut));
    const fault = this.#nameFault(path, name);
    if (fault !== undefined) this.#refuse(fault);
    if (parent.depth >= MANIFEST_DEPTH_MAX) this.#refuse("too deep");
    const folded = `${parent.folded}/${foldName(name)}`;
    if (this.#taken.has(folded)) this.#refuse("two entries of one name");
    this.#taken.add(folded);
    if (entry.kind === "link") return this.#expectLink(entry.target, parent.depth);
    if (entry.mode > 0o777) this.#refuse("mode");
    if (entry.modifiedMs > MODIFIED_MS_MAX) this.#refuse("time");
    if (entry.kind === "directory")
      this.#directories.set(path, { folded, depth: parent.depth + 1 });
    else this.#add(entry.size);
  }

  #parent(path: string): DirectoryAt {
    // Entries of one directory mostly follow each other.
    if (path === this.#lastParent) return this.#last;
    const parent = this.#directories.get(path);
    if (parent === undefined) return this.#refuse("not in a directory");
    this.#lastParent = path;
    this.#last = parent;
    return parent;
  }

  /** The parts before the last one were names of entries already. */
  #nameFault(path: string, name: string): string | undefined {
    const fault = nameFault(name);
    if (fault !== undefined) return fault;
    if (name.length * 3 > FILE_NAME_BYTES_MAX && utf8(name).length > FILE_NAME_BYTES_MAX)
      return `name over ${FILE_NAME_BYTES_MAX} bytes`;
    if (path.length * 3 > MANIFEST_PATH_BYTES_MAX && utf8(path).length > MANIFEST_PATH_BYTES_MAX)
      return `path over ${MANIFEST_PATH_BYTES_MAX} bytes`;
    return undefined;
  }

  #expectLink(target: string, depth: number): void {
    if (depth === 0) this.#refuse("a link at the top");
    if (target.length > MANIFEST_LINK_BYTES_MAX) this.#refuse("link too long");
    if (linkLeavesTop(target, depth)) this.#refuse("a link that leads elsewhere");
  }

  #add(size: number): void {
    this.#bytes += size;
    if (!Number.isSafeInteger(this.#bytes + MANIFEST_BYTES_MAX)) this.#refuse("too large");
  }

  #refuse(reason: string): never {
    throw invalid(reason, this.#number);
  }
}

const TOP: DirectoryAt = { folded: "", depth: 0 };

/** A reader that makes no object for a field: there may be millions of them. */
class EntryReader {
  entry = 0;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  number(bytes: 1 | 2 | 4 | 8): number {
    const at = this.#advance(bytes);
    if (bytes === 1) return this.#view.getUint8(at);
    if (bytes === 2) return this.#view.getUint16(at);
    const first = this.#view.getUint32(at);
    if (bytes === 4) return first;
    if (first >= 2 ** 21) throw invalid("a number out of range", this.entry);
    return first * 2 ** 32 + this.#view.getUint32(at + 4);
  }

  text(bytesMax: number): string {
    const length = this.number(4);
    if (length > bytesMax) throw invalid(`text over ${bytesMax} bytes`, this.entry);
    const at = this.#advance(length);
    try {
      return this.#text.decode(this.#bytes.subarray(at, at + length));
    } catch {
      throw invalid("not UTF-8", this.entry);
    }
  }

  #advance(length: number): number {
    const at = this.#at;
    if (length > this.#bytes.length - at) throw invalid("cut off", this.entry);
    this.#at = at + length;
    return at;
  }
}

/** A writer that makes no object for a field. */
class GrowingBytes {
  length = 0;
  #bytes = new Uint8Array(65_536);
  #view = new DataView(this.#bytes.buffer);
  readonly #text = new TextEncoder();

  number(value: number, bytes: 1 | 2 | 4 | 8): void {
    this.#reserve(bytes);
    const at = this.length;
    if (bytes === 1) this.#view.setUint8(at, value);
    else if (bytes === 2) this.#view.setUint16(at, value);
    else if (bytes === 4) this.#view.setUint32(at, value);
    else this.#view.setBigUint64(at, BigInt(value));
    this.length += bytes;
  }

  text(value: string): void {
    this.#reserve(4 + value.length * 3);
    const space = this.#bytes.subarray(this.length + 4);
    const { written } = this.#text.encodeInto(value, space);
    this.number(written, 4);
    this.length += written;
  }

  bytes(): Uint8Array {
    return this.#bytes.slice(0, this.length);
  }

  #reserve(more: number): void {
    if (this.length + more <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(this.length + more, this.#bytes.length * 2));
    grown.set(this.#bytes.subarray(0, this.length));
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
  }
}

function invalid(reason: string, entry?: number): PosternError {
  const where = entry === undefined ? "" : `entry ${entry}: `;
  return new PosternError("transfer/invalid", `manifest: ${where}${reason}`, {
    reason,
    ...(entry !== undefined && entry > 0 && { entry }),
  });
}
