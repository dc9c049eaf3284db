import { PosternError } from "@postern/core/errors";

const SQLITE_BUSY = 5;
const SQLITE_LOCKED = 6;
const SQLITE_IOERR = 10;
const SQLITE_FULL = 13;

/** An error of SQLite or of the file system as one of the `store/...` codes. */
export function storeError(error: unknown, directory: string): PosternError {
  if (error instanceof PosternError) return error;
  const result = resultOf(error);
  if (result === SQLITE_BUSY || result === SQLITE_LOCKED)
    return new PosternError("store/in-use", "another relay has this data directory", { directory });
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const details = { directory, reason: result === SQLITE_IOERR ? "EIO" : code };
  if (result === SQLITE_FULL || code === "ENOSPC")
    return new PosternError("store/no-space", "no space for the store", details, { cause: error });
  return new PosternError("store/failed", "cannot use the store", details, { cause: error });
}

/** SQLite's primary result code, without its extension. */
function resultOf(error: unknown): number | undefined {
  return error instanceof Error && "errcode" in error && typeof error.errcode === "number"
    ? error.errcode & 0xff
    : undefined;
}
