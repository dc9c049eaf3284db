import { PosternError } from "@postern/core/errors";
import type { ContentSource } from "./api.ts";

/**
 * All of a message, to ride in its offer: `source.info.size` bytes, which the caller wipes.
 *
 * @throws {@link PosternError} `transfer/source-changed` when there are fewer
 */
export async function readMessage(source: ContentSource): Promise<Uint8Array> {
  const message = new Uint8Array(source.info.size ?? 0);
  for (let at = 0; at < message.length;) {
    const count = await source.read(message.subarray(at), at);
    if (count === 0) throw new PosternError("transfer/source-changed", "the message ended early");
    at += count;
  }
  return message;
}
