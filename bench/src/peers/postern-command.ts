/** The `postern` command with its costs and the events of its `--json`. @module */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import process from "node:process";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";

import { startMeasured, type MeasuredProcess } from "../measure/measured-process.ts";

const COMMAND = join(import.meta.dirname, "../../../packages/cli/bin/postern.js");
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

/**
 * What is measured is what people start: the bundle, made of the sources as they are now. Where it
 * cannot be made, as on a full disk, the command runs from the one it has, or from the sources.
 *
 * @returns what a reader of the numbers should know of it
 */
export function bundlePostern(): string | undefined {
  const { status, stderr } = spawnSync(process.execPath, [BUNDLE], { encoding: "utf8" });
  if (status === 0) return stderr === "" ? undefined : stderr.trim();
  const why = /^\w*Error: (.*)$/m.exec(stderr)?.[1] ?? `its maker ended with ${status}`;
  return `the bundle could not be made anew: ${why}`;
}

/** The person's own settings, such as a passphrase, are not what is measured. */
const ENVIRONMENT = Object.fromEntries(
  Object.keys(process.env)
    .filter((name) => name.startsWith("POSTERN_"))
    .map((name) => [name, undefined]),
);

/** `prefix` is a program that starts it, such as `ip netns exec NAME`. */
export function startPostern(
  args: readonly string[],
  prefix: readonly string[] = [],
): PosternCommand {
  const command = [...prefix, process.execPath, COMMAND, ...args, "--json"];
  const child = startMeasured(command, { env: ENVIRONMENT });
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
