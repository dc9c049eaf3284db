/**
 * A disk that fails, for one test: the calls of every open file go through what the test says.
 *
 * @module
 */
import fs from "node:fs";
import { open, type FileHandle } from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";
import type { TestContext } from "node:test";

/** An error of the system, as `node:fs` throws it. */
export function systemError(code: string): Error {
  return Object.assign(new Error("of the system"), { code });
}

type Call = "write" | "sync" | "datasync";

/** `fail` is asked before each such call; what it throws the call rejects with. */
export async function failCalls(
  t: TestContext,
  call: Call,
  fail: (handle: FileHandle, ...given: unknown[]) => unknown,
): Promise<void> {
  const some = await open(import.meta.filename);
  const calls: FileHandle = Object.getPrototypeOf(some);
  await some.close();
  const real = calls[call];
  t.mock.method(calls, call, async function (this: FileHandle, ...given: unknown[]) {
    const instead = await fail(this, ...given);
    return instead ?? (await Reflect.apply(real, this, given));
  });
}

/** While `work` runs, synchronous writes write nothing. @returns how many were tried */
export async function whileNothingIsWritten(
  t: TestContext,
  work: () => void | Promise<void>,
): Promise<number> {
  let tried = 0;
  const write = (): number => {
    if (++tried > 10) throw new Error("for ever");
    return 0;
  };
  await whileReplaced(t, "writeSync", write, work);
  return tried;
}

/** While `work` runs, synchronous syncs fail. */
export async function whileNothingIsSynced(
  t: TestContext,
  work: () => void | Promise<void>,
): Promise<void> {
  const sync = (): never => {
    throw systemError("EIO");
  };
  await whileReplaced(t, "fdatasyncSync", sync, work);
}

async function whileReplaced(
  t: TestContext,
  call: "writeSync" | "fdatasyncSync",
  instead: () => number,
  work: () => void | Promise<void>,
): Promise<void> {
  const { mock } = t.mock.method(fs, call, instead);
  // Who has imported it by name.
  syncBuiltinESMExports();
  try {
    await work();
  } finally {
    mock.restore();
    syncBuiltinESMExports();
  }
}
