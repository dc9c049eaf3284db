/** Starts `postern` in this process. See `run.ts`. @module */
import { readFileSync } from "node:fs";
import type { Writable } from "node:stream";
import { EXIT } from "./exit-codes.ts";
import { interruptsOf } from "./interrupts.ts";
import { nodeBackend } from "./node-backend.ts";
import { run } from "./run.ts";
import { isReaderGone, outputExplanation } from "./terminal/output-failure.ts";
import { safeText } from "./terminal/safe-text.ts";

/** `performance` says the same, and would load all that measures a program. */
const now = (): number => process.uptime() * 1_000;

/** Whoever writes what nobody takes gets time to say so to the other side. */
const OUTPUT_LOST_MS = 500;
let outputLost: Error | undefined;
process.stdout.on("error", (error) => {
  outputLost ??= error;
  setTimeout(() => endWithout(error), OUTPUT_LOST_MS);
});
// What cannot be said is no reason to stop: a full disk under a log, a terminal that is gone.
process.stderr.on("error", (error) => {
  if (isReaderGone(error)) setTimeout(() => process.exit(EXIT.failed), OUTPUT_LOST_MS);
});
// Node would open its debugger to all who are on this computer, keys and all.
process.on("SIGUSR1", () => {});

process.on("uncaughtException", (error) => {
  const detail = process.env["POSTERN_DEBUG"] ? `\n${error.stack}` : "";
  process.stderr.write(`postern: unexpected failure: ${safeText(error.message)}${detail}\n`);
  process.exit(EXIT.failed);
});

// Until something else is said: what has nothing left to do, yet did not end, has failed.
process.exitCode = EXIT.failed;
// No `await` here: the bundle is of scripts, which V8 keeps compiled (tools/bundle.ts).
void main();

async function main(): Promise<void> {
  const exitCode = await run(process.argv.slice(2), {
    // Made when it is first asked for.
    get stdin() {
      return process.stdin;
    },
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
    platform: process.platform,
    version: ownVersion(),
    now,
    wallNow: Date.now,
    interrupts: interruptsOf(process, now),
    backend: nodeBackend,
    async prompter() {
      const { clackPrompter } = await import("./terminal/clack-prompter.ts");
      return clackPrompter();
    },
  });
  await Promise.all([flushed(process.stdout), flushed(process.stderr)]);
  // What failed in the last write is told some ticks later.
  await new Promise(setImmediate);
  const lost = outputLost;
  if (exitCode === EXIT.done && lost !== undefined && !isReaderGone(lost)) endWithout(lost);
  process.exit(exitCode);
}

function endWithout(error: Error): never {
  if (!isReaderGone(error)) {
    const { what, why, next } = outputExplanation(error);
    process.stderr.write(`postern: ${what}\n  why:  ${why}\n  next: ${next}\n`);
  }
  process.exit(EXIT.failed);
}

async function flushed(stream: Writable): Promise<void> {
  if (stream.destroyed || stream.writableLength === 0) return;
  await new Promise<void>((resolve) => stream.write("", () => resolve()));
}

function ownVersion(): string {
  const file = new URL("../package.json", import.meta.url);
  const description: unknown = JSON.parse(readFileSync(file, "utf8"));
  const hasVersion =
    typeof description === "object" && description !== null && "version" in description;
  return hasVersion ? String(description.version) : "0";
}
