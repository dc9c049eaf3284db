/**
 * Rehearses the bundle: a file and a message go from one `postern` to another one, so that V8's
 * code of what that takes can be kept (`rehearsed-command.ts`). One after another: each run adds to
 * what those before it left.
 *
 * @module
 */
import { spawn, type ChildProcessByStdio } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { PROJECT_ROOT } from "./sources.ts";

type Child = ChildProcessByStdio<null, Readable, null>;

const LAUNCHER = join(PROJECT_ROOT, "packages/cli/bin/postern.js");
const REHEARSED = join(import.meta.dirname, "rehearsed-command.ts");
/** For all of it, on a slow machine. */
const REHEARSAL_MS = 60_000;
const ENDING_SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Whether it went to its end. Without its code the bundle only starts more slowly. */
export async function rehearse(): Promise<boolean> {
  const folder = await mkdtemp(join(tmpdir(), "postern-rehearsal-"));
  const running = new Set<Child>();
  const stop = setTimeout(() => stopAll(running), REHEARSAL_MS);
  // Nobody else knows of the relay, which would run for ever.
  let ending: NodeJS.Signals | undefined;
  const end = (signal: NodeJS.Signals): void => {
    ending = signal;
    stopAll(running);
  };
  for (const signal of ENDING_SIGNALS) process.once(signal, end);
  try {
    await perform(folder, running);
    return true;
  } catch {
    return false;
  } finally {
    clearTimeout(stop);
    stopAll(running);
    await Promise.all(Array.from(running, gone));
    await rm(folder, { recursive: true, force: true });
    for (const signal of ENDING_SIGNALS) process.off(signal, end);
    if (ending !== undefined) process.kill(process.pid, ending);
  }
}

async function perform(folder: string, running: Set<Child>): Promise<void> {
  const start = (program: string, ...args: readonly string[]): Child => {
    const child = spawn(process.execPath, [program, ...args, "--json", "--quiet"], {
      cwd: folder,
      stdio: ["ignore", "pipe", "ignore"],
    });
    running.add(child);
    return child;
  };
  const relay = start(LAUNCHER, "relay", "--listen", "127.0.0.1:0", "--data", `${folder}/relay`);
  const { address } = await event(relay, "relay");
  const common = ["--relay", String(address), "--home", `${folder}/home`];
  const receive = ["receive", "--once", "--accept", "all", "-o", folder, "--name", "b", ...common];
  const send = ["send", "--to", "b", "--name", "a", ...common];
  const file = join(import.meta.dirname, "rehearsal.ts");
  for (const [receiver, sender, content] of [
    [REHEARSED, LAUNCHER, [file]],
    [LAUNCHER, REHEARSED, [file]],
    [LAUNCHER, REHEARSED, ["--text", "hi"]],
  ] as const) {
    const receiving = start(receiver, ...receive);
    await event(receiving, "waiting");
    await Promise.all([ended(receiving), ended(start(sender, ...send, ...content))]);
  }
}

async function event(child: Child, type: string): Promise<Readonly<Record<string, unknown>>> {
  for await (const line of createInterface(child.stdout)) {
    const said: unknown = JSON.parse(line);
    if (typeof said === "object" && said !== null && "type" in said && said.type === type)
      return { ...said };
  }
  throw new Error(`ended without ${type}`);
}

async function ended(child: Child): Promise<void> {
  child.stdout.resume();
  const code = await new Promise((resolve) => child.once("exit", resolve));
  if (code !== 0) throw new Error(`ended with ${String(code)}`);
}

async function gone(child: Child): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
}

function stopAll(running: ReadonlySet<Child>): void {
  for (const child of running) child.kill("SIGKILL");
}
