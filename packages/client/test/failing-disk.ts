/**
 * A disk that fails, for one test: the calls of every open file go through what the test says.
 *
 * @module
 */
import { open, type FileHandle } from "node:fs/promises";
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
