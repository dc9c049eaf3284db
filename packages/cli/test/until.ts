/** Waits for what a test brought about, however long its modules take to load. @module */
import assert from "node:assert/strict";

const LIMIT_MS = 10_000;

export async function until(isSo: () => boolean): Promise<void> {
  const start = performance.now();
  while (!isSo()) {
    assert.ok(performance.now() - start < LIMIT_MS, `never happened: ${isSo.toString()}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Lets everything that is ready run. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 8; i++) await new Promise((resolve) => setImmediate(resolve));
}
