/** What is wrong with a pipe alone, so that another may serve. @module */
import { PosternError } from "@postern/core/errors";

/** Nothing can be read here any more, and nothing is known to be wrong with the transfer. */
export function isBroken(error: unknown): error is PosternError {
  if (!(error instanceof PosternError)) return false;
  const { code } = error;
  return (
    code === "transfer/framing" || code === "transfer/truncated" || code === "transfer/pipe-lost"
  );
}

export function cutOff(): PosternError {
  return new PosternError("transfer/truncated", "the pipe ended before the last record");
}

export function pipeLost(message: string): PosternError {
  return new PosternError("transfer/pipe-lost", message);
}
