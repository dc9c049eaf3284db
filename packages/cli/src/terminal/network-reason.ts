/** The operating system's word for a failure (`ECONNREFUSED`), in words. @module */
import type { PosternError } from "@postern/core/errors";

/** Of a socket, or of a pipe whose reader has ended. */
export const PIPE_CLOSED = "connection closed";

export const TOO_MANY_FILES = "too many open files";

const WORDS: Readonly<Record<string, string>> = {
  EACCES: "permission denied",
  EADDRINUSE: "address already in use",
  EADDRNOTAVAIL: "no such address on this machine",
  EAI_AGAIN: "name lookup failed",
  ECONNABORTED: "connection aborted",
  ECONNREFUSED: "connection refused",
  ECONNRESET: "connection reset",
  EDQUOT: "the quota is used up",
  EFBIG: "no larger file is allowed here",
  EHOSTUNREACH: "host unreachable",
  EIO: "the disk reports an error",
  EISDIR: "it is a directory",
  ELOOP: "too many symbolic links",
  EMFILE: TOO_MANY_FILES,
  ENAMETOOLONG: "the name is too long",
  ENETUNREACH: "network unreachable",
  ENFILE: "too many open files on this computer",
  ENOENT: "no such file or directory",
  ENOMEM: "not enough memory",
  ENOSPC: "no space left on the disk",
  ENOTDIR: "not a directory",
  ENOTFOUND: "no such host",
  EPERM: "operation not permitted",
  EPIPE: PIPE_CLOSED,
  EROFS: "read-only file system",
  ETIMEDOUT: "timed out",
};

/** From the details, else from the chain of causes; `undefined` when none is known. */
export function systemReason(error: PosternError): string | undefined {
  for (const value of Object.values(error.details)) {
    const words = wordsFor(value);
    if (words !== undefined) return words;
  }
  let cause: unknown = error.cause;
  for (let depth = 0; depth < 4 && cause instanceof Error; depth++) {
    const words = "code" in cause ? wordsFor(cause.code) : undefined;
    if (words !== undefined) return words;
    cause = cause instanceof AggregateError ? cause.errors[0] : cause.cause;
  }
  return undefined;
}

function wordsFor(value: unknown): string | undefined {
  return typeof value === "string" && Object.hasOwn(WORDS, value) ? WORDS[value] : undefined;
}
