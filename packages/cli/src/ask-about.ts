/** The question about an offer: who, what, how much, where to. @module */
import { groupBase32 } from "@postern/core/bytes";
import type { Manifest, ManifestSummary, Offer } from "@postern/client";
import { contentSentence } from "./content-label.ts";
import type { Context } from "./context.ts";
import { tellAllNames } from "./folder-preview.ts";
import { knownLabel, type Acquaintance } from "./people.ts";
import type { Decision } from "./receive-policy.ts";
import { safeText } from "./terminal/safe-text.ts";

export interface Asked {
  readonly offer: Offer;
  /** A folder, or `-`. */
  readonly out: string;
  readonly signal: AbortSignal;
  readonly known: Acquaintance;
}

export async function askAbout(
  context: Context,
  { offer, out, signal, known }: Asked,
): Promise<Decision> {
  const { output, surroundings } = context;
  output.say(`  from fingerprint ${groupBase32(safeText(offer.from.fingerprint))}`);
  const target = offer.content.kind === "message" ? "shown here" : `into ${safeText(placeOf(out))}`;
  const content = contentSentence(offer.content);
  const prompter = await surroundings.prompter();
  const answer = await output.during(async () =>
    prompter.confirm({
      message: `Accept ${content} from ${knownLabel(known, offer.from)}, ${target}?`,
      signal,
    }),
  );
  if (answer === true) return "accept";
  // Ctrl-C at the question is a no; only a question that was taken back has no answer.
  return answer === undefined && signal.aborted ? "gone" : "declined";
}

export interface AskedFolder extends Asked {
  readonly manifest: Manifest;
  readonly summary: ManifestSummary;
  readonly where: string;
}

/** After its preview. Every name of it is shown to whoever wants to see them. */
export async function askAboutFolder(
  context: Context,
  { offer, out, signal, known, manifest, summary }: AskedFolder,
): Promise<boolean> {
  const { output, surroundings } = context;
  const prompter = await surroundings.prompter();
  const message =
    `Accept ${contentSentence(offer.content)} from ${knownLabel(known, offer.from)}, ` +
    `into ${safeText(placeOf(out))}?`;
  for (;;) {
    const answer = await output.during(async () =>
      prompter.select({
        message,
        options: [
          { value: "yes", label: "1  yes" },
          { value: "no", label: "2  no" },
          { value: "all", label: "3  show every name first" },
        ],
        signal,
      }),
    );
    if (answer !== "all") return answer === "yes";
    tellAllNames(output, manifest, summary);
  }
}

function placeOf(out: string): string {
  if (out === "-") return "the standard output";
  return out === "." ? "this folder" : out;
}
