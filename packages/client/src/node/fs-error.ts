/**
 * Errors of the file system as ours. The message holds the system's code alone; paths are in the
 * cause, which is for this device's own logs.
 *
 * @module
 */
import { constants } from "node:os";
import { PosternError, type ErrorDetails } from "@postern/core/errors";

/** `ENOSPC` and the like; `unknown` for an error without one. */
export function errnoOf(error: unknown): string {
  if (!(error instanceof Error) || !("code" in error) || typeof error.code !== "string")
    return "unknown";
  if (!NAMELESS.test(error.code)) return error.code;
  return nameOf("errno" in error ? error.errno : undefined) ?? "unknown";
}

/** Node has no word for some, a used-up quota among them; `writeSync` says so in another way. */
const NAMELESS = /^(?:UNKNOWN$|Unknown system error)/u;

function nameOf(errno: unknown): string | undefined {
  return Object.entries(constants.errno).find(([, number]) => -number === errno)?.[0];
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

/** Some file systems say so instead of why, and would do it for ever. */
export function nothingWritten(): PosternError {
  return new PosternError("store/failed", "the file system writes nothing", { errno: "EIO" });
}
