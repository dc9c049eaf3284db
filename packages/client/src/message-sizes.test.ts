/** What the size of a message's offer tells a relay of its text: next to nothing. C-15. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeTransferEnvelope } from "@postern/core/transfer";
import { answer, ChannelPerson, contextOf } from "../test/channel-person.ts";
import { messageSource } from "./message.ts";

/** A channel seals it as it is: a message's header has the same length whatever its text. */
const HEADER = new Uint8Array(48);
const SMALLEST_BYTES = 256;
const LENGTH_BYTES = 4;

/** Offers of a new pair: each text is the first that it says. */
class Offers {
  readonly #bob = new ChannelPerson(2);

  /** Bytes of the envelope, as the relay sees it. */
  async bytes(text: string): Promise<number> {
    const ann = new ChannelPerson(1);
    ann.fetch = async () => await this.#bob.package();
    const source = messageSource(text);
    const message = new Uint8Array(source.info.size ?? 0);
    await source.read(message, 0);
    const context = contextOf(ann, this.#bob, 1);
    const sealing = await ann.run({ kind: "seal-offer", header: HEADER, message }, context);
    const { outer, sealedHeader, inChannel } = answer("offer-sealed", sealing).ready;
    const { content } = inChannel!;
    const offer = { transfer: context.transfer, outer, sealedHeader, content };
    return encodeTransferEnvelope({ kind: "offer", ...offer }).length;
  }
}

test("C-15 messages of 1 to 252 bytes make offers of one size, then of powers of two", async () => {
  const offers = new Offers();
  const smallest = await offers.bytes("x");
  for (let length = 2; length <= SMALLEST_BYTES - LENGTH_BYTES; length++)
    assert.equal(await offers.bytes("x".repeat(length)), smallest, `${length}`);
  for (let padded = 2 * SMALLEST_BYTES; padded <= 16_384; padded *= 2) {
    const room = padded - LENGTH_BYTES;
    for (const length of [room / 2, room - 1, room])
      assert.equal(
        (await offers.bytes("x".repeat(length))) - smallest,
        padded - SMALLEST_BYTES,
        `${length}`,
      );
  }
});

test("C-15 nothing compresses: only the length of a text counts, not what is in it", async () => {
  const offers = new Offers();
  const [lead, secret] = ["a".repeat(300), "password=hunter2 "];
  const noise = Array.from({ length: 1_000 }, (_, i) =>
    String.fromCodePoint(33 + ((i * 53 + (i >> 4) * 31) % 90)),
  ).join("");
  // CRIME: a guess beside the secret that it repeats, and one that it does not.
  const sizes = await Promise.all(
    [
      secret.repeat(58).padEnd(1_000),
      "z".repeat(1_000),
      noise,
      `${lead}${secret}${secret}`.padEnd(1_000, noise),
    ].map(async (text) => await offers.bytes(text)),
  );
  assert.equal(new Set(sizes).size, 1);
});
