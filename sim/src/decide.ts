/**
 * What the people of a run say to offers, and what they send.
 *
 * @module
 */
import { concat, utf8 } from "@postern/core/bytes";
import { CONTENT_ID_BYTES, type ContentDescription, type Decision } from "@postern/core/transfer";
import { MARK } from "./checkers.ts";
import type { ClientDriver, Outgoing } from "./client-driver.ts";
import type { Prng } from "./prng.ts";
import type { Weather } from "./weather.ts";
import type { World } from "./world.ts";

const MESSAGE_BYTES_MAX = 400;
/** Some take long enough to break in the middle. */
const CONTENT_BYTES_MAX = [400, 400, 4_000] as const;

/** The person at `client` is asked about an offer. */
export function decide(
  { world, weather }: { readonly world: World; readonly weather: Weather },
  client: ClientDriver,
  answer: (decision: Decision) => void,
): void {
  const decision = weather.accepts()
    ? "accept"
    : world.prng.pick(["decline", "no-space", "too-large", "never"]);
  if (decision === "never") return;
  client.later(world.prng.below(300), () => answer(decision));
}

/** Anything a person may send. */
export function something(prng: Prng): Omit<Outgoing, "to"> {
  const kind = prng.pick(["file", "message", "stream"]);
  const mark = utf8(MARK);
  const content =
    prng.below(8) === 0
      ? new Uint8Array(0)
      : concat(mark, tail(prng, prng.pick(CONTENT_BYTES_MAX)), mark);
  const size = kind === "stream" && prng.chance(500) ? undefined : content.length;
  const name = kind === "message" ? "" : `${MARK}.txt`;
  const description = describe(prng, { kind, name, size });
  const recordBytes = prng.pick([32, 96, 256]);
  return { content, description, recordBytes, sessionMs: prng.pick([5, 20, 100]) };
}

/** A message that rides in its offer. */
export function message(prng: Prng): Omit<Outgoing, "to"> {
  const content = concat(utf8(MARK), tail(prng, MESSAGE_BYTES_MAX));
  const description = describe(prng, { kind: "message", name: "", size: content.length });
  return { content, description, recordBytes: 256, sessionMs: 100 };
}

function describe(
  prng: Prng,
  told: Pick<ContentDescription, "kind" | "name" | "size">,
): ContentDescription {
  const contentId = prng.bytes(CONTENT_ID_BYTES);
  return { ...told, contentId, signed: false, manifest: undefined };
}

function tail(prng: Prng, bytesMax: number): Uint8Array {
  return prng.bytes(prng.below(bytesMax));
}
