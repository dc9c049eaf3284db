/**
 * What a command touches outside itself, in one place, so that tests can give it streams, a clock
 * and a client of their own.
 *
 * @module
 */
import type { Readable, Writable } from "node:stream";
import type { Backend } from "./backend.ts";
import type { Interrupts } from "./interrupts.ts";
import type { Prompter } from "./terminal/prompter.ts";

export interface Surroundings {
  readonly stdin: Readable & { readonly isTTY?: boolean };
  readonly stdout: TerminalOut;
  readonly stderr: TerminalOut;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** `process.platform` */
  readonly platform: string;
  readonly version: string;
  /** Monotonic milliseconds. */
  readonly now: () => number;
  /** ms since 1970. */
  readonly wallNow: () => number;
  readonly interrupts: Interrupts;
  readonly backend: Backend;
  /** Loads the questions; only asked for when both stdin and stderr are terminals. */
  readonly prompter: () => Promise<Prompter>;
}

export type TerminalOut = Writable & {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
};

/** Whether a person can be asked: two terminals, and nobody forbade it. */
export function canAsk(surroundings: Surroundings, noInput: boolean): boolean {
  const { stderr, env } = surroundings;
  if (noInput || isSet(env["CI"])) return false;
  return stderr.isTTY === true && surroundings.stdin.isTTY === true;
}

export function isSet(value: string | undefined): value is string {
  return value !== undefined && value !== "";
}
