/**
 * Removes what is kept of a content that its sender has given up for another one, now that all of
 * that is here. A stream's part stays: it may be of use, and only its person knows.
 *
 * @module
 */
import type { Offer, Unfinished, UnfinishedContents } from "@postern/client";
import { contentLabel } from "./content-label.ts";
import type { Context } from "./context.ts";
import { removePart } from "./remove-part.ts";

export async function removeReplaced(
  { output }: Context,
  unfinished: UnfinishedContents,
  offer: Offer,
  isTaken: (one: Unfinished) => boolean,
): Promise<void> {
  for (const one of await unfinished.replacedBy(offer)) {
    if (one.content.kind === "stream" || isTaken(one)) continue;
    for (const path of one.paths) await removePart(path);
    await unfinished.drop(one);
    output.say(`removed what was here of ${contentLabel(one.content)}: it was sent anew`);
    output.event({ type: "replaced", content: one.id, by: offer.contentId });
  }
}
