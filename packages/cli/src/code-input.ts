/**
 * Where a code to join comes from: the argument, `POSTERN_CODE`, or a question whose words Tab
 * completes.
 *
 * @module
 */
import { PosternError } from "@postern/core/errors";
import type { Context } from "./context.ts";
import { usageFailure } from "./failures.ts";
import { isSet } from "./surroundings.ts";

export interface CodeFlags {
  /** Ask for it. */
  readonly code?: boolean;
}

/**
 * `undefined`: no code was given, and none asked for.
 *
 * @throws PosternError `pairing/invalid-code`, before anybody is bothered with it
 */
export async function readCode(
  context: Context,
  argument: string | undefined,
  flags: CodeFlags,
): Promise<string | undefined> {
  const given = argument ?? context.surroundings.env["POSTERN_CODE"];
  const code = isSet(given) ? given : await askedCode(context, flags);
  if (code === undefined) return undefined;
  const { parseCode } = await import("@postern/core/pairing");
  parseCode(code);
  return code;
}

async function askedCode(context: Context, flags: CodeFlags): Promise<string | undefined> {
  if (flags.code !== true) return undefined;
  if (!context.canAsk)
    throw usageFailure(
      "the code is missing",
      "there is no terminal to ask at",
      "write it behind the command, or put it into POSTERN_CODE",
    );
  const code = await askCode(context);
  if (code !== undefined) return code;
  throw usageFailure("no code", "none was typed", "ask the other person for it");
}

/** Asks until it is a code. `undefined`: the person went back. */
export async function askCode(context: Context): Promise<string | undefined> {
  const { completeWord, formatCode, parseCode } = await import("@postern/core/pairing");
  const prompter = await context.surroundings.prompter();
  for (;;) {
    const typed = await prompter.completed({
      message: "Code (Tab completes its words):",
      complete: (line) => completeCode(line, completeWord),
      signal: context.interrupted.signal,
    });
    if (typed === undefined || typed.trim() === "") return undefined;
    try {
      return formatCode(parseCode(typed));
    } catch (error) {
      if (!(error instanceof PosternError)) throw error;
      const { word } = error.details;
      context.output.warn(
        word === undefined
          ? "a code is a number and two to six words, such as 37-crystal-velvet"
          : `word ${word} is none of the list: Tab shows which there are`,
      );
    }
  }
}

/** For `readline`: the candidates, and the end of the line that they replace. */
export function completeCode(
  line: string,
  completeWord: (prefix: string) => readonly string[],
): [candidates: string[], replaced: string] {
  const parts = line.split(/[\s-]+/);
  const word = parts.at(-1) ?? "";
  if (parts.length < 2 || word === "") return [[], word];
  // A code has two words at least: only after the first is it known that another one follows.
  const end = parts.length === 2 ? "-" : "";
  return [completeWord(word.toLowerCase()).map((found) => found + end), word];
}
