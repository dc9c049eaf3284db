/**
 * All the memory that this process can write, as Linux shows it: also what is free again.
 *
 * @module
 */
import { closeSync, openSync, readFileSync, readSync } from "node:fs";
import { setTimeout as wait } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

const PIECE_BYTES = 262_144;
/** What lies across the border of two pieces is in both. */
const OVERLAP_BYTES = 128;
/** Several times what the young generation holds. */
const YOUNG_ARRAYS = 1_000_000;
const WRITABLE = /^([0-9a-f]+)-([0-9a-f]+) rw/;

/**
 * V8 moves what is young, and leaves what it moved where it was until something else comes there:
 * that is out of a program's reach, and passes soon.
 */
export async function collectGarbage(): Promise<void> {
  setFlagsFromString("--expose-gc");
  const collect: unknown = runInNewContext("gc");
  for (let round = 0; round < 2; round++) {
    for (let i = 0; i < YOUNG_ARRAYS; i++) new Uint8Array(1 + (i % 64)).fill(i);
    if (typeof collect === "function") collect();
    await wait(20);
  }
}

/** The bytes of each piece are valid until the next one is asked for. */
export function* writableMemory(): Generator<Uint8Array, void> {
  const memory = openSync("/proc/self/mem", "r");
  const piece = Buffer.alloc(PIECE_BYTES + OVERLAP_BYTES);
  const nothing = Buffer.alloc(piece.length);
  try {
    for (const line of readFileSync("/proc/self/maps", "latin1").split("\n")) {
      const [, start = "", end = ""] = WRITABLE.exec(line) ?? [];
      if (start === "") continue;
      const last = Number.parseInt(end, 16);
      for (let at = Number.parseInt(start, 16); at < last; at += PIECE_BYTES) {
        const length = readAt(memory, piece, at, Math.min(piece.length, last - at));
        const read = piece.subarray(0, length);
        if (!read.equals(nothing.subarray(0, length))) yield read;
        // Else the next search of this very memory finds what was found before.
        read.fill(0);
      }
    }
  } finally {
    closeSync(memory);
  }
}

function readAt(file: number, into: Uint8Array, at: number, length: number): number {
  try {
    return readSync(file, into, 0, length, at);
  } catch {
    // Mapped, but nothing stands behind it.
    return 0;
  }
}
