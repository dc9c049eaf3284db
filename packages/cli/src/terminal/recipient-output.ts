/** An output for one of several receivers: its lines and events say which. @module */
import type { About } from "./describe.ts";
import type { Output } from "./output.ts";
import { padWidth } from "./width.ts";

/** @param columns of the longest name: lines stand below each other */
export function recipientOutput(output: Output, name: string, columns: number): Output {
  let known: Partial<About> = {};
  const label = padWidth(name, columns);
  const labelled = (line: string): string => `${output.paint("dim", `${label} |`)} ${line}`;
  return {
    ...output,
    // What is known of one receiver must not get into another one's sentences.
    about: (more) => void (known = { ...known, ...more }),
    say: (line) => output.say(labelled(line)),
    warn: (line) => output.warn(labelled(line)),
    event: (event) => output.event({ ...event, to: name }),
    progress: (text) => output.progress(`${label} | ${text}`),
    fail: (error, about) => {
      const of = { label: labelled, to: name };
      return output.fail(error, { ...known, ...about }, of);
    },
  };
}
