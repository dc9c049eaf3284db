/** Files too large for memory: made, hashed and watched while they come in. @module */
import { createCipheriv, createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { open, stat } from "node:fs/promises";
import { setTimeout as wait } from "node:timers/promises";

const PIECE_BYTES = 16 * 1_048_576;

/** Writes `bytes` that do not compress, the same ones for the same seed; returns their SHA-256. */
export async function writeLarge(path: string, bytes: number, seed: number): Promise<string> {
  const key = Buffer.alloc(32);
  key.writeUInt32BE(seed >>> 0);
  const stream = createCipheriv("aes-256-ctr", key, Buffer.alloc(16));
  const hash = createHash("sha256");
  const zeros = Buffer.alloc(PIECE_BYTES);
  const file = await open(path, "wx");
  try {
    for (let done = 0; done < bytes; done += PIECE_BYTES) {
      const piece = stream.update(zeros.subarray(0, Math.min(PIECE_BYTES, bytes - done)));
      hash.update(piece);
      await file.write(piece);
    }
  } finally {
    await file.close();
  }
  return hash.digest("hex");
}

export async function hashLarge(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const piece of createReadStream(path, { highWaterMark: 1_048_576 }))
    hash.update(piece as Buffer);
  return hash.digest("hex");
}

/** 0 for what is not there. */
export async function sizeOf(path: string): Promise<number> {
  return await stat(path).then(
    ({ size }) => size,
    () => 0,
  );
}

/** Looks every few milliseconds. @throws when `what` is not so in time */
export async function eventually(
  what: string,
  isSo: () => boolean | Promise<boolean>,
  waitMs = 60_000,
): Promise<void> {
  const deadline = performance.now() + waitMs;
  while (!(await isSo())) {
    if (performance.now() > deadline) throw new Error(`not within ${waitMs} ms: ${what}`);
    await wait(4);
  }
}
