/** The `postern` command with its costs and the events of its `--json`. @module */
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";

import { startMeasured, type MeasuredProcess } from "../measure/measured-process.ts";

const COMMAND = join(import.meta.dirname, "../../../packages/cli/bin/postern.js");
const PROGRAM = join(import.meta.dirname, "../../../packages/cli/src/main.ts");
const BUNDLE = join(import.meta.dirname, "../../../tools/bundle.ts");

export interface PosternCommand extends MeasuredProcess {
  /**
   * The first event of this type, and when it came by this process's clock.
   *
   * @throws what the program said when it ended without one
   */
  event(type: string): Promise<PosternEvent>;
}

export interface PosternEvent {
  readonly type: string;
  readonly atMs: number;
  readonly address?: string;
  readonly code?: string;
}

/** What is measured is what people start: the bundle, made of the sources as they are now. */
export function bundlePostern(): void {
  if (existsSync(BUNDLE)) execFileSync(process.execPath, [BUNDLE]);
}

export const posternAbsence = (): string | undefined =>
  existsSync(PROGRAM) ? undefined : "packages/cli is not there";

/** `prefix` is a program that starts it, such as `ip netns exec NAME`. */
export function startPostern(
  args: readonly string[],
  prefix: readonly string[] = [],
): PosternCommand {
  const child = startMeasured([...prefix, process.execPath, COMMAND, ...args, "--json"]);
  const events = watchEvents(child.stdout);
  const expect = async (type: string): Promise<PosternEvent> => {
    const event = await events(type);
    if (event !== undefined) return event;
    await child.ended;
    throw new Error(`the program ended without the event "${type}"`);
  };
  return { ...child, event: (type) => heard(expect(type)) };
}

/** Often asked for early and awaited late, or by nobody once another part has failed. */
function heard<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  return promise;
}

/** Why this profile cannot be measured, asked of the program itself; nobody is connected to. */
export async function profileAbsence(profile: string): Promise<string | undefined> {
  const args = ["send", "--text", "x", "--to", "x", "--profile", profile, "--no-input"];
  return (await usageRefusal(args)) ? "the profile is not there yet" : undefined;
}

/** Why a folder cannot be sent. */
export async function folderAbsence(folder: string): Promise<string | undefined> {
  const refused = await usageRefusal(["send", folder, "--to", "x", "--no-input"]);
  return refused ? "folders are not yet supported" : undefined;
}

/** Nothing answers at port 1: what gets so far was understood. */
async function usageRefusal(args: readonly string[]): Promise<boolean> {
  const child = startPostern([...args, "--relay", "127.0.0.1:1", "--timeout", "2s"]);
  const error = await child.event("error").catch(() => undefined);
  await child.ended.catch(() => undefined);
  return error?.code?.startsWith("usage/") === true;
}

function watchEvents(stdout: Readable): (type: string) => Promise<PosternEvent | undefined> {
  const first = new Map<string, PosternEvent>();
  const waiting = new Map<string, ((event: PosternEvent | undefined) => void)[]>();
  let ended = false;
  const lines = createInterface({ input: stdout });
  lines.on("line", (line) => {
    const event = { ...parse(line), atMs: performance.now() };
    if (first.has(event.type)) return;
    first.set(event.type, event);
    for (const resolve of waiting.get(event.type) ?? []) resolve(event);
  });
  lines.on("close", () => {
    ended = true;
    for (const resolves of waiting.values()) for (const resolve of resolves) resolve(undefined);
  });
  return async (type) =>
    await new Promise((resolve) => {
      const event = first.get(type);
      if (event !== undefined || ended) resolve(event);
      else waiting.set(type, [...(waiting.get(type) ?? []), resolve]);
    });
}

/** Something else than an event is an event that nobody waits for. */
function parse(line: string): Omit<PosternEvent, "atMs"> {
  try {
    return JSON.parse(line) as Omit<PosternEvent, "atMs">;
  } catch {
    return { type: "" };
  }
}
