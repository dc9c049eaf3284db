/**
 * Going on with a content of which a part has come (docs/protocol.md 9): what the receiver says it
 * holds, and what the sender makes of it.
 *
 * @module
 */
import { equalBytes } from "@postern/core/bytes";
import type { Sha256Stream, Suite } from "@postern/core/crypto";
import { RECORD_BYTES_MAX } from "@postern/core/limits";
import type { HeldPrefix } from "@postern/core/transfer";
import type { ContentSink, ContentSource } from "./api.ts";

/** What to tell the sender; `undefined`: it begins at the beginning. */
export function heldPrefix({ held }: ContentSink): HeldPrefix | undefined {
  if (held === undefined || held.offset === 0) return undefined;
  return { offset: held.offset, digest: held.hashed.copy().digest() };
}

export interface Beginning {
  readonly same: boolean;
  /** Over it; `undefined` when the source has only said its digest. */
  readonly hashed: Sha256Stream | undefined;
}

/**
 * Whether the content begins with what the receiver holds: reads that much, unless the source knows
 * by heart what it was.
 *
 * @throws {@link PosternError} `signal.reason`, `transfer/source-unreadable`
 */
export async function compareBeginning(
  suite: Pick<Suite, "sha256Stream">,
  source: ContentSource,
  { offset, digest }: HeldPrefix,
  signal: AbortSignal,
): Promise<Beginning> {
  if (source.digestTo !== undefined) {
    const known = await source.digestTo(offset);
    return { same: known !== undefined && equalBytes(known, digest), hashed: undefined };
  }
  const hashed = suite.sha256Stream();
  const block = new Uint8Array(Math.min(RECORD_BYTES_MAX, offset));
  for (let at = 0; at < offset;) {
    signal.throwIfAborted();
    const count = await source.read(block.subarray(0, Math.min(block.length, offset - at)), at);
    // Shorter than what is held: something else.
    if (count === 0) return { same: false, hashed: undefined };
    hashed.update(block.subarray(0, count));
    at += count;
  }
  return { same: equalBytes(hashed.copy().digest(), digest), hashed };
}
