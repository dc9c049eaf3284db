/** An output whose lines say who speaks: for several parties in one terminal. @module */
import type { Output } from "./output.ts";

export function labelledOutput(output: Output, label: string, hasProgress: boolean): Output {
  const labelled = (line: string): string => `${output.paint("dim", `${label} |`)} ${line}`;
  return {
    ...output,
    say: (line) => output.say(labelled(line)),
    warn: (line) => output.warn(labelled(line)),
    // Two lines cannot be redrawn in one place.
    progress: (text) => (hasProgress ? output.progress(text) : { update() {}, clear() {} }),
  };
}
