/** Where a comparison keeps its files, what is sent, and whether that is what arrived. @module */
import { createHash, randomFillSync, type Hash } from "node:crypto";
import { createReadStream, existsSync, readFileSync, rmSync, statfsSync } from "node:fs";
import { mkdir, mkdtemp, open, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";

import { removePlacesWith } from "./endings.ts";

const BLOCK_BYTES = 1_048_576;
const MEMORY_FOLDER = "/dev/shm";
const FILES_PER_FOLDER = 100;

/** In memory when there is room for the file, its copy and some more: disks differ too much. */
export async function makeScratch(fileBytes: number): Promise<string> {
  return await makeTemporary(hasMemoryFor(fileBytes) ? MEMORY_FOLDER : tmpdir());
}

export async function makeDiskScratch(): Promise<string> {
  return await makeTemporary(tmpdir());
}

async function makeTemporary(parent: string): Promise<string> {
  const path = await mkdtemp(join(parent, "postern-bench-"));
  SCRATCH.add(path);
  return path;
}

export async function removeScratch(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true, ...RETRIES });
  SCRATCH.delete(path);
}

/** Programs that were killed a moment ago may still be writing there. */
const RETRIES = { maxRetries: 5, retryDelay: 50 };
const SCRATCH = new Set<string>();
removePlacesWith(() => {
  for (const path of SCRATCH) rmSync(path, { recursive: true, force: true, ...RETRIES });
});

export function hasMemoryFor(fileBytes: number): boolean {
  return existsSync(MEMORY_FOLDER) && hasRoomFor(MEMORY_FOLDER, fileBytes);
}

/** Whether a folder's disk takes the bytes twice, and some more. */
export function hasRoomFor(folder: string, bytes: number): boolean {
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize > 2.5 * bytes;
}

/** Random bytes: nothing on the way can make them smaller. */
export async function writeRandomFile(path: string, bytes: number): Promise<void> {
  const block = new Uint8Array(BLOCK_BYTES);
  await using file = await open(path, "wx");
  for (let written = 0; written < bytes; written += BLOCK_BYTES)
    await file.writeFile(randomFillSync(block).subarray(0, Math.min(BLOCK_BYTES, bytes - written)));
}

/** A new folder of random files, a hundred to a folder below it. */
export async function writeRandomFolder(path: string, count: number, bytes: number): Promise<void> {
  await mkdir(path);
  const content = new Uint8Array(bytes);
  for (let at = 0; at < count; at++) {
    const folder = join(path, String(Math.floor(at / FILES_PER_FOLDER)));
    if (at % FILES_PER_FOLDER === 0) await mkdir(folder);
    await writeFile(join(folder, `${at}.bin`), randomFillSync(content));
  }
}

/** SHA-256 of the one file or folder in a folder; of a folder, with the names of what is in it. */
export async function hashOnlyEntry(folder: string): Promise<string> {
  const entries = await readdir(folder, { withFileTypes: true });
  const [entry] = entries;
  if (entry === undefined || entries.length > 1)
    throw new Error(`one thing was to arrive, there are ${entries.length}`);
  const path = join(folder, entry.name);
  const hash = createHash("sha256");
  if (entry.isDirectory()) await hashFolder(path, hash);
  else await hashFile(path, hash);
  return hash.digest("hex");
}

async function hashFolder(path: string, hash: Hash): Promise<void> {
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  const paths = files.map(({ parentPath, name }) => relative(path, join(parentPath, name)));
  for (const each of paths.toSorted()) {
    hash.update(`${each}\0`);
    // There may be a hundred thousand, all of them small.
    hash.update(readFileSync(join(path, each)));
  }
}

async function hashFile(path: string, hash: Hash): Promise<void> {
  for await (const part of createReadStream(path)) hash.update(part as Buffer);
}
