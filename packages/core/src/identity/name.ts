import { NAME_BYTES_MAX } from "../limits.ts";

/** One name has one spelling: no case, no other scripts, nothing that a terminal interprets. */
const NAME = /^[a-z0-9._-]+$/;

/** Whether `text` is a client's name: 1-32 of `a-z 0-9 . _ -` (docs/protocol.md 3). */
export function isName(text: string): boolean {
  return text.length <= NAME_BYTES_MAX && NAME.test(text);
}
