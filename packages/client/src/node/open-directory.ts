/**
 * A directory that is held open, and the names in it. On Linux a name is looked up in the open
 * directory itself, as openat(2) does: through `/proc/self/fd/N/NAME`. Where the directory's path
 * leads meanwhile does not matter. Elsewhere its path is used, and the directory compared with the
 * one that was opened after every step: a swapped one ends the work.
 *
 * Invariant: no link is followed, neither as a directory's name nor as a file's.
 *
 * @module
 */
import {
  chmodSync,
  closeSync,
  constants,
  existsSync,
  fchmodSync,
  fstatSync,
  futimesSync,
  lstatSync,
  openSync,
  utimesSync,
} from "node:fs";

/** Windows has neither; there a link cannot be made without a privilege. */
const NO_FOLLOW = constants.O_NOFOLLOW ?? 0;
const DIRECTORY = constants.O_DIRECTORY ?? 0;
/** Opening a FIFO must not wait for its other end. */
const NO_HANG = constants.O_NONBLOCK ?? 0;

const HAS_OPEN_FILES = existsSync("/proc/self/fd");

export class OpenDirectory {
  readonly device: number;
  readonly inode: number;
  readonly #path: string;
  readonly #fd: number | undefined;

  /** @throws an error of the system: `ENOTDIR` or `ELOOP` when its last name is a link. */
  constructor(path: string) {
    this.#fd = HAS_OPEN_FILES ? openSync(path, NO_FOLLOW | DIRECTORY) : undefined;
    this.#path = this.#fd === undefined ? path : `/proc/self/fd/${this.#fd}`;
    const stats = this.#fd === undefined ? lstatSync(path) : fstatSync(this.#fd);
    if (!stats.isDirectory()) throw systemError("ENOTDIR");
    this.device = stats.dev;
    this.inode = stats.ino;
  }

  /**
   * For calls that look the name itself up and follow no link.
   *
   * @throws `ESTALE` as {@link expectSame}.
   */
  at(name: string): string {
    this.expectSame();
    return `${this.#path}/${name}`;
  }

  /** For listing it. */
  get path(): string {
    return this.#path;
  }

  directory(name: string): OpenDirectory {
    const found = new OpenDirectory(this.at(name));
    try {
      this.expectSame();
    } catch (error) {
      found.close();
      throw error;
    }
    return found;
  }

  /** A descriptor of the caller's. @throws an error of the system, `ELOOP` for a link. */
  openFile(name: string, flags: number, mode?: number): number {
    const fd = openSync(this.at(name), flags | NO_FOLLOW | NO_HANG, mode);
    try {
      this.expectSame();
    } catch (error) {
      closeSync(fd);
      throw error;
    }
    return fd;
  }

  /** Permission bits, and the time of its last change in seconds. */
  setAttributes(mode: number, time: number): void {
    if (this.#fd === undefined) {
      this.expectSame();
      chmodSync(this.#path, mode);
      utimesSync(this.#path, time, time);
    } else {
      fchmodSync(this.#fd, mode);
      futimesSync(this.#fd, time, time);
    }
  }

  /** @throws `ESTALE` when its path leads to another directory by now, where that matters. */
  expectSame(): void {
    if (this.#fd !== undefined) return;
    const { dev, ino } = lstatSync(this.#path);
    if (dev !== this.device || ino !== this.inode) throw systemError("ESTALE");
  }

  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
  }
}

/** A directory below another one, or the first of all. */
export interface DirectoryNode {
  readonly parent: DirectoryNode | undefined;
  /** In its parent; without one the absolute path, resolved. */
  readonly name: string;
  /** How many are above it. */
  readonly depth: number;
  /** What it must be when it is opened again; absent: whatever stands there. */
  readonly identity?: { readonly device: number; readonly inode: number };
}

/** Open directories along one path: a step to a neighbour opens little. */
export class OpenChain {
  readonly #open: { readonly node: DirectoryNode; readonly directory: OpenDirectory }[] = [];

  /** Valid until the next call. @throws an error of the system; `ESTALE`: it is another one. */
  enter(node: DirectoryNode): OpenDirectory {
    const last = this.#open.at(-1);
    if (last?.node === node) return last.directory;
    const missing: DirectoryNode[] = [];
    let above: DirectoryNode | undefined = node;
    while (above !== undefined && this.#open[above.depth]?.node !== above) {
      missing.push(above);
      above = above.parent;
    }
    this.#closeFrom(above === undefined ? 0 : above.depth + 1);
    for (const next of missing.toReversed()) this.#push(next);
    const entered = this.#open.at(-1);
    if (entered === undefined) throw systemError("ENOENT");
    return entered.directory;
  }

  close(): void {
    this.#closeFrom(0);
  }

  #push(node: DirectoryNode): void {
    const above = this.#open.at(-1)?.directory;
    const directory = above?.directory(node.name) ?? new OpenDirectory(node.name);
    this.#open.push({ node, directory });
    const { identity } = node;
    if (identity === undefined) return;
    if (identity.device !== directory.device || identity.inode !== directory.inode)
      throw systemError("ESTALE");
  }

  #closeFrom(depth: number): void {
    for (const { directory } of this.#open.splice(depth).toReversed()) directory.close();
  }
}

function systemError(code: string): Error {
  return Object.assign(new Error(code), { code });
}
