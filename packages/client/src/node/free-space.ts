/** Room on the disk, before something is taken that would not fit. @module */
import { statfs } from "node:fs/promises";
import { storeError } from "./fs-error.ts";

/**
 * Bytes that this user can still write where `directory` is; quotas are not seen here.
 *
 * @throws {@link PosternError} `store/failed` (`details.directory`)
 */
export async function freeSpace(directory: string): Promise<number> {
  try {
    const { bavail, bsize } = await statfs(directory, { bigint: true });
    const bytes = bavail * bsize;
    return bytes > MOST ? Number.MAX_SAFE_INTEGER : Number(bytes);
  } catch (error) {
    throw storeError("cannot look at the directory", error, { directory });
  }
}

const MOST = BigInt(Number.MAX_SAFE_INTEGER);
