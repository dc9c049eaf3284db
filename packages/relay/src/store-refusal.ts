/**
 * What a client hears of what the relay's disk did not take. Its link stays: it may do all else,
 * and would come back at once with the same.
 *
 * @module
 */
import { RETRY_AFTER_MS } from "@postern/core/limits";
import type { SwitchboardEffect, SwitchboardInput } from "./switchboard-io.ts";

/** `undefined` for an input that is no request of what is stored. */
export function storeRefusal(input: SwitchboardInput): SwitchboardEffect | undefined {
  const status = "overloaded";
  if (input.kind === "login")
    return { kind: "decide", link: input.link, status, retryAfterMs: RETRY_AFTER_MS };
  if (input.kind !== "frame") return undefined;
  const { link, frame } = input;
  if (frame.kind !== "publish-packages" && frame.kind !== "fetch-package") return undefined;
  return { kind: "send", link, frame: { kind: "result", request: frame.request, status } };
}
