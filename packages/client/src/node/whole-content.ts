/** A content that stands under its name, and only its sender does not know yet. @module */
import { PosternError } from "@postern/core/errors";
import type { ContentSink, PartJournal } from "../api.ts";

/**
 * Takes nothing, and forgets the note once the sender knows; `size` is all of it.
 *
 * @param finish does before that what is left to do.
 */
export function wholeContent(
  size: number,
  journal: PartJournal,
  finish?: () => Promise<void>,
): Pick<ContentSink, "write" | "commit" | "abandon"> {
  return {
    async write() {
      throw new PosternError("store/failed", "the content was whole");
    },
    async commit(total) {
      if (total !== size)
        throw new PosternError("store/failed", "the content has another length", { size, total });
      await finish?.();
      await journal.drop().catch(() => {});
    },
    async abandon() {},
  };
}
