/**
 * A folder for each sender: `NAME-FINGERPRINT`, the name as of the first time and 16 characters of
 * the fingerprint. Who sent something decides by key where it lands: neither a renamed contact nor
 * a namesake changes that.
 *
 * Invariant: what is returned is a real folder inside the one given, made by this device.
 *
 * @module
 */
import { lstat, mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { PosternError } from "@postern/core/errors";
import { isName } from "@postern/core/identity";
import type { PeerName } from "@postern/client";

/** 80 bits: nobody finds a key for somebody else's folder. */
const FINGERPRINT_CHARACTERS = 16;

/** @throws PosternError `store/failed` when it is a link or a file, or cannot be made. */
export async function senderFolder(directory: string, from: PeerName): Promise<string> {
  const mark = `-${from.fingerprint.slice(0, FINGERPRINT_CHARACTERS)}`;
  try {
    const known = (await readdir(directory)).find((name) => isMarked(name, mark));
    const path = join(directory, known ?? `${plainName(from.name)}${mark}`);
    if (known === undefined) await mkdir(path, { mode: 0o700 }).catch(unlessThere);
    if ((await lstat(path)).isDirectory()) return path;
  } catch (error) {
    throw new PosternError("store/failed", "no folder for this sender", {}, { cause: error });
  }
  throw new PosternError("store/failed", "the sender's folder is not one", { errno: "ENOTDIR" });
}

function isMarked(name: string, mark: string): boolean {
  return (
    name.endsWith(mark) && plainName(name.slice(0, -mark.length)) === name.slice(0, -mark.length)
  );
}

/** Without dots: none is hidden, none a device of Windows or a path. */
function plainName(name: string): string {
  return isName(name) ? name.replaceAll(".", "_") : "sender";
}

function unlessThere(error: unknown): void {
  const isThere = error instanceof Error && "code" in error && error.code === "EEXIST";
  if (!isThere) throw error;
}
