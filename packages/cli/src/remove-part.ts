/** Takes away what was received in part. @module */
import { lstat } from "node:fs/promises";
import { basename } from "node:path";
import { PosternError } from "@postern/core/errors";

/** Only what bears an unfinished name. A link is removed, and not what it leads to. */
export async function removePart(path: string): Promise<void> {
  if (!/^\..*\.part$/su.test(basename(path))) return;
  try {
    if ((await lstat(path).catch(() => undefined)) === undefined) return;
    const { removeTree } = await import("@postern/client/node");
    await removeTree(path);
  } catch (error) {
    throw new PosternError("store/failed", "cannot remove the part", {}, { cause: error });
  }
}
