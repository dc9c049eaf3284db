/** Where a comparison keeps its files, and the file that is sent. @module */
import { createHash, randomFillSync } from "node:crypto";
import { createReadStream, existsSync, statfsSync } from "node:fs";
import { mkdtemp, open, readdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";

const BLOCK_BYTES = 1_048_576;
const MEMORY_FOLDER = "/dev/shm";

/** In memory when there is room for the file, its copy and some more: disks differ too much. */
export async function makeScratch(fileBytes: number): Promise<string> {
  const parent = hasRoom(MEMORY_FOLDER, 2.5 * fileBytes) ? MEMORY_FOLDER : tmpdir();
  return await mkdtemp(join(parent, "postern-bench-"));
}

function hasRoom(folder: string, bytes: number): boolean {
  if (!existsSync(folder)) return false;
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize > bytes;
}

/** Random bytes: nothing on the way can make them smaller. Returns their SHA-256. */
export async function writeRandomFile(path: string, bytes: number): Promise<string> {
  const hash = createHash("sha256");
  const block = new Uint8Array(BLOCK_BYTES);
  await using file = await open(path, "wx");
  for (let written = 0; written < bytes; written += BLOCK_BYTES) {
    const part = randomFillSync(block).subarray(0, Math.min(BLOCK_BYTES, bytes - written));
    hash.update(part);
    await file.writeFile(part);
  }
  return hash.digest("hex");
}

/** SHA-256 of the one file in a folder. */
export async function hashOnlyFile(folder: string): Promise<string> {
  const names = await readdir(folder);
  const [name] = names;
  if (name === undefined || names.length > 1)
    throw new Error(`one file was to arrive, there are ${names.length}: ${names.join(", ")}`);
  const hash = createHash("sha256");
  await pipeline(createReadStream(join(folder, name)), hash);
  return hash.digest("hex");
}
