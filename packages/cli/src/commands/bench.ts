/** `postern bench`: the benchmark, a program of its own with options of its own. @module */
import { spawn } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import { benchmarkProgram } from "../benchmark-program.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";

const ABSENT = `postern: there is no benchmark here
  why:  it comes with the sources of Postern, not with the program alone
  next: get the sources, run "npm ci" there, then "npx postern bench"
`;

/** Exit 0: all was measured; 1: something failed; 2: the arguments are wrong. */
export async function bench(args: readonly string[]): Promise<ExitCode> {
  const program = benchmarkProgram();
  if (program === undefined) {
    process.stderr.write(ABSENT);
    return EXIT.environment;
  }
  const child = spawn(process.execPath, [program, ...args], { stdio: "inherit" });
  // It cleans up behind itself, and its end is waited for.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
    process.on(signal, () => child.kill(signal));
  const [code]: unknown[] = await once(child, "exit");
  if (code === 0) return EXIT.done;
  return code === 2 ? EXIT.usage : EXIT.failed;
}
