/** A command of the person's own, by the shell. @module */
import { spawn } from "node:child_process";
import type { CommandEnd, CommandOptions } from "./backend.ts";

const STDERR = 2;

/** What it prints goes to stderr: stdout is for messages and events. */
export async function runCommand(
  command: string,
  { env, input }: CommandOptions,
): Promise<CommandEnd> {
  const child = spawn(command, {
    shell: true,
    env: { ...env },
    stdio: [input === undefined ? "ignore" : "pipe", STDERR, STDERR],
  });
  // It may end without having read what it was given.
  child.stdin?.on("error", () => {});
  child.stdin?.end(input);
  return await new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) =>
      resolve({ code: code ?? undefined, signal: signal ?? undefined }),
    );
  });
}
