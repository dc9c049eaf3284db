/** One line from a terminal, with Tab to complete it. @module */
import { createInterface } from "node:readline/promises";
import type { Readable, Writable } from "node:stream";
import type { CompletedQuestion } from "./prompter.ts";

/** `undefined`: Ctrl-C, the end of the input, or the question was taken back. */
export async function askCompleted(
  question: CompletedQuestion,
  input: Readable,
  output: Writable,
): Promise<string | undefined> {
  const { message, signal, complete } = question;
  const stopped = new AbortController();
  const lines = createInterface({
    input,
    output,
    terminal: true,
    historySize: 0,
    completer: (line: string) => complete(line),
  });
  lines.on("SIGINT", () => stopped.abort());
  lines.on("close", () => stopped.abort());
  const either = signal === undefined ? [stopped.signal] : [stopped.signal, signal];
  try {
    return await lines.question(`${message} `, { signal: AbortSignal.any(either) });
  } catch (error) {
    if (stopped.signal.aborted || signal?.aborted === true) return undefined;
    throw error;
  } finally {
    lines.close();
  }
}
