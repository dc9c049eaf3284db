/**
 * Errors of the file system as ours. The message holds the system's code alone; paths are in the
 * cause, which is for this device's own logs.
 *
 * @module
 */
import { PosternError, type ErrorDetails } from "@postern/core/errors";

/** `ENOSPC` and the like; `unknown` for an error without one. */
export function errnoOf(error: unknown): string {
  return error instanceof Error && "code" in error && typeof error.code === "string"
    ? error.code
    : "unknown";
}

/** The disk is full, the quota is, or the file system or a limit allows no file of this length. */
const NO_SPACE: ReadonlySet<string> = new Set(["ENOSPC", "EDQUOT", "EFBIG"]);

/** `store/no-space` when there is no room for more bytes, `store/failed` otherwise. */
export function storeError(what: string, cause: unknown, details: ErrorDetails = {}): PosternError {
  if (cause instanceof PosternError) return cause;
  const errno = errnoOf(cause);
  const code = NO_SPACE.has(errno) ? "store/no-space" : "store/failed";
  return new PosternError(code, `${what}: ${errno}`, { ...details, errno }, { cause });
}

/** `transfer/source-unreadable` */
export function sourceError(what: string, cause: unknown): PosternError {
  if (cause instanceof PosternError) return cause;
  const errno = errnoOf(cause);
  return new PosternError("transfer/source-unreadable", `${what}: ${errno}`, { errno }, { cause });
}
