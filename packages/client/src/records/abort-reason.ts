import { PosternError } from "@postern/core/errors";

/** Why a signal was aborted, as one of Postern's own errors. */
export function abortReason(signal: AbortSignal): PosternError {
  const reason: unknown = signal.reason;
  if (reason instanceof PosternError) return reason;
  return new PosternError("transfer/cancelled", "cancelled", {}, { cause: reason });
}
