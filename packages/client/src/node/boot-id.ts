/**
 * Which start of this computer it is: what a program wrote and did not flush is still there after
 * the program was killed, and may be gone after a new start.
 *
 * @module
 */
import { readFile } from "node:fs/promises";
import { uptime } from "node:os";

/** A minute: clocks are set while a computer runs, and a wrong guess only costs bytes. */
const ROUNDED_TO_S = 60;

export async function bootId(): Promise<string> {
  try {
    const text = (await readFile("/proc/sys/kernel/random/boot_id", "latin1")).trim();
    if (/^[0-9a-f-]{1,64}$/u.test(text)) return text;
  } catch {
    // Only Linux has it.
  }
  const startedAt = Date.now() / 1_000 - uptime();
  return `started-${Math.round(startedAt / ROUNDED_TO_S)}`;
}
