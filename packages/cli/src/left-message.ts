/**
 * A message that has left and whose receipt did not come. End-to-end it rides in its offer, so the
 * other person may have read it, whatever ended the transfer here.
 *
 * @module
 */
import type { PosternError } from "@postern/core/errors";
import { MESSAGE_INLINE_BYTES_MAX } from "@postern/core/limits";
import type { Transfer } from "@postern/client";
import type { Context } from "./context.ts";
import { safeText } from "./terminal/safe-text.ts";

/** It rode in its offer, and nobody has refused that. */
export function mayHaveArrived(
  { content, profile }: Pick<Transfer, "content" | "profile">,
  error: PosternError,
): boolean {
  const { kind, size = 0 } = content;
  const isInOffer = kind === "message" && size <= MESSAGE_INLINE_BYTES_MAX;
  return isInOffer && profile === "end-to-end" && error.details["verdict"] === undefined;
}

export function warnLeft(
  { output }: Context,
  { peer }: Pick<Transfer, "peer">,
  isByCode: boolean,
): void {
  const name = safeText(peer.name);
  output.warn(`the message had left: ${name} may have read it, though no receipt came`);
  if (!isByCode) output.warn(`  the next transfer to ${name} asks for its receipt first`);
}
