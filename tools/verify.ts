/**
 * `npm run verify`: the gate. The checks that only read run side by side, then the fast tests; what
 * failed is printed whole.
 */
import { spawn } from "node:child_process";
import process from "node:process";

const READERS = ["types", "lint", "format:check", "unused"] as const;

const failed = (await Promise.all(READERS.map((script) => check(script)))).includes(false);
process.exitCode = failed || !(await run("node", ["tools/run-tests.ts", "--fast"])) ? 1 : 0;

async function check(script: string): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const child = spawn("npm", ["run", "--silent", script], { shell: process.platform === "win32" });
  const output: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => output.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => output.push(chunk));
  child.on("close", (code) => {
    process.stdout.write(`${code === 0 ? "ok" : "FAILED"}: ${script}\n`);
    if (code !== 0) process.stdout.write(Buffer.concat(output));
    resolve(code === 0);
  });
  return promise;
}

async function run(command: string, args: readonly string[]): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const child = spawn(command, args, { stdio: "inherit" });
  child.on("close", (code) => resolve(code === 0));
  return promise;
}
