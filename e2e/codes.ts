/** Codes as people read them from a screen, mishear them, and type them with Tab. @module */
import type { Terminal } from "./terminal.ts";

/** The last code that stands in a text. */
export function codeIn(text: string): string {
  const code = [...text.matchAll(/the code is {2}(\S+)/g)].at(-1)?.[1];
  if (code === undefined) throw new Error(`no code in:\n${text}`);
  return code;
}

/** Another code for the same slot: a person has heard the first word wrong. */
export function misheard(code: string): string {
  const [slot, first, ...rest] = code.split("-");
  return [slot, first === "zoo" ? "zebra" : "zoo", ...rest].join("-");
}

const LETTERS_THAT_TELL = 4;

/**
 * Types a code at the question for it, and lets Tab complete its words, before Enter. Returns the
 * words that Tab made longer.
 */
export async function typeCode(terminal: Terminal, code: string): Promise<string[]> {
  const [slot = "", ...words] = code.split("-");
  const completed: string[] = [];
  let line = `${slot}-`;
  await terminal.type(line);
  for (const [at, word] of words.entries()) {
    const start = word.slice(0, LETTERS_THAT_TELL);
    await terminal.type(start);
    line += word;
    // Only a word of three letters may be the start of others.
    if (start.length === LETTERS_THAT_TELL) {
      await terminal.press("Tab");
      if (at === 0) line += "-";
      await terminal.shows(line);
      if (word !== start) completed.push(word);
    }
    if (at < words.length - 1 && !line.endsWith("-")) {
      line += "-";
      await terminal.type("-");
    }
  }
  await terminal.shows(line);
  await terminal.press("Enter");
  return completed;
}
