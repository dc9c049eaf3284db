/**
 * Programs that some tests need and not every machine has. A test says
 * `test(name, needsProgram("tmux"), ...)` and is skipped, visibly, where the program is missing.
 * With POSTERN_TEST_ALL=1 nothing is skipped: a missing program then fails the test that needs it.
 *
 * @module
 */
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import process from "node:process";

export function needsProgram(name: string): { skip?: string } {
  if (process.env["POSTERN_TEST_ALL"] === "1" || hasProgram(name)) return {};
  return { skip: `${name} is not installed` };
}

export function hasProgram(name: string, searchPath = process.env["PATH"] ?? ""): boolean {
  return searchPath.split(delimiter).some((folder) => isExecutable(join(folder, name)));
}

/** The names that `text`, the source of a test, asks for. */
export function programsNeededBy(text: string): string[] {
  return [...text.matchAll(/\bneedsProgram\("([\w.+-]+)"\)/g)].map((match) => match[1] ?? "");
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
