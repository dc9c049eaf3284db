/**
 * One running `postern`, as a test sees it: what it has said so far, and ways to wait for more.
 * Every wait is bounded and fails with all that the program said.
 *
 * @module
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import process from "node:process";
import type { Writable } from "node:stream";

export const BIN = join(import.meta.dirname, "..", "packages", "cli", "bin", "postern.js");

/** For what takes milliseconds, on a machine that has a lot else to do. */
const WAIT_MS = 60_000;

/** One line of `--json`. */
export type EventLine = Readonly<Record<string, unknown>> & { readonly type: string };

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface ProgramOptions {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
}

export class Program {
  readonly args: readonly string[];
  readonly #child: ChildProcess;
  readonly #out: Buffer[] = [];
  readonly #err: Buffer[] = [];
  readonly #closed: Promise<Ended>;
  #ended: Ended | undefined;
  #changed = Promise.withResolvers<void>();

  constructor(args: readonly string[], options: ProgramOptions) {
    this.args = args;
    const child = spawn(process.execPath, [BIN, ...args], { ...options, stdio: "pipe" });
    this.#child = child;
    RUNNING.add(child);
    for (const [stream, into] of [
      [child.stdout, this.#out],
      [child.stderr, this.#err],
    ] as const)
      stream.on("data", (bytes: Buffer) => {
        into.push(bytes);
        this.#wake();
      });
    // A program that has ended does not read any more.
    child.stdin.on("error", () => {});
    this.#closed = once(child, "close").then(([code, signal]: unknown[]) => {
      RUNNING.delete(child);
      this.#ended = { code: code as Ended["code"], signal: signal as Ended["signal"] };
      this.#wake();
      return this.#ended;
    });
  }

  get stdin(): Writable {
    return this.#child.stdin!;
  }

  get pid(): number {
    return this.#child.pid!;
  }

  get isRunning(): boolean {
    return this.#ended === undefined;
  }

  stdout(): Buffer {
    return Buffer.concat(this.#out);
  }

  stderr(): string {
    return Buffer.concat(this.#err).toString();
  }

  /** Whole lines of stdout so far. @throws when one of them is no event. */
  events(): EventLine[] {
    const lines = this.stdout().toString().split("\n").slice(0, -1);
    return lines.map(parseEvent);
  }

  /** The first event of this type that fits, when it is there. */
  async event(
    type: string,
    fits: (event: EventLine) => boolean = () => true,
    waitMs = WAIT_MS,
  ): Promise<EventLine> {
    return await this.anyEvent((event) => event.type === type && fits(event), type, waitMs);
  }

  /** The first event of any type that fits. */
  async anyEvent(
    fits: (event: EventLine) => boolean,
    what = "that fits",
    waitMs = WAIT_MS,
  ): Promise<EventLine> {
    return await this.#until(() => this.events().find(fits), `event ${what}`, waitMs);
  }

  /** When stderr has said it. */
  async said(pattern: RegExp, waitMs = WAIT_MS): Promise<RegExpExecArray> {
    return await this.#until(() => pattern.exec(this.stderr()) ?? undefined, `${pattern}`, waitMs);
  }

  /** When stdout holds it. */
  async printed(text: string, waitMs = WAIT_MS): Promise<void> {
    const find = (): true | undefined => this.stdout().includes(text) || undefined;
    await this.#until(find, `"${text}" on stdout`, waitMs);
  }

  async ended(waitMs = WAIT_MS): Promise<Ended> {
    return await this.#until(() => this.#ended, "its end", waitMs);
  }

  /** Ends it by a signal, if it still runs. */
  async kill(signal: NodeJS.Signals): Promise<Ended> {
    this.signal(signal);
    return await this.#closed;
  }

  signal(signal: NodeJS.Signals): void {
    if (this.#ended === undefined) this.#child.kill(signal);
  }

  async #until<T>(find: () => T | undefined, what: string, waitMs: number): Promise<T> {
    const late = AbortSignal.timeout(waitMs);
    for (;;) {
      const changed = this.#changed.promise;
      const found = find();
      if (found !== undefined) return found;
      if (this.#ended !== undefined) throw this.#missing(`ended without ${what}`);
      if (late.aborted) throw this.#missing(`no ${what} within ${waitMs} ms`);
      await Promise.race([changed, aborted(late)]);
    }
  }

  #wake(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }

  #missing(what: string): Error {
    const end = this.#ended === undefined ? "" : `; exit ${this.#ended.code ?? this.#ended.signal}`;
    const said = `stdout:\n${this.stdout().toString()}\nstderr:\n${this.stderr()}`;
    return new Error(`postern ${this.args.join(" ")}: ${what}${end}\n${said}`);
  }
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, "abort");
}

function parseEvent(line: string): EventLine {
  const event: unknown = JSON.parse(line);
  if (typeof event === "object" && event !== null && "type" in event)
    if (typeof event.type === "string") return event as EventLine;
  throw new Error(`not an event: ${line}`);
}

/** Nothing outlives the tests, even if they are broken off. */
const RUNNING = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of RUNNING) child.kill("SIGKILL");
});
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => process.exit(1));
