/**
 * The id of a content that is sent in place of another one, which its sender has given up
 * (docs/protocol-transfers.md 9.1): by it alone a receiver knows what it need not keep any more.
 *
 * @module
 */
import { equalBytes } from "../bytes/equal.ts";
import { CONTENTS_REPLACED_MAX } from "../limits.ts";

/** That of the replaced one and 1, as a number whose first byte is its lowest. */
export function replacingId(contentId: Uint8Array): Uint8Array {
  const id = contentId.slice();
  for (let at = 0; at < id.length; at++) {
    const byte = (id[at] ?? 0) + 1;
    id[at] = byte;
    if (byte <= 255) break;
  }
  return id;
}

/** Whether `by` was sent in place of `contentId`, or of what was sent in place of that. */
export function isReplacedBy(contentId: Uint8Array, by: Uint8Array): boolean {
  let id = contentId;
  for (let i = 0; i < CONTENTS_REPLACED_MAX; i++) {
    id = replacingId(id);
    if (equalBytes(id, by)) return true;
  }
  return false;
}
