/**
 * What an unfinished file or folder is called while it stands beside its place: `.NAME.TAG.part`.
 *
 * Invariant: no two parts ever had one name. A note may outlive its part: what came there later, of
 * another content, is not taken for it, neither to be gone on with nor to be removed.
 *
 * @module
 */
import { randomUUID } from "node:crypto";
import { STORED_NAME_BYTES_MAX } from "@postern/core/limits";
import { shortenName } from "../safe-name.ts";

/** So many hexadecimal digits of chance: notes are few hundreds, and nobody chooses them. */
const TAG_DIGITS = 8;

/** For a file or folder of this name. Made to be new; whoever makes it sees whether it is. */
export function newPartName(name: string): string {
  const end = `.${randomUUID().slice(0, TAG_DIGITS)}.part`;
  return `.${shortenName(name, STORED_NAME_BYTES_MAX - 1 - end.length)}${end}`;
}
