/** What the size of an offer tells a relay of a name or a text: next to nothing. C-15. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { contextOf, NOW } from "../../../test/channel-lab.ts";
import { pair, transfer } from "../../../test/channel-steps.ts";
import { contentOf, expectKind } from "../../../test/exchange-lab.ts";
import { encodeTransferEnvelope } from "../../transfer/envelope.ts";
import { encodeHeader, type ContentDescription } from "../../transfer/header.ts";
import type { WallMs } from "../../time.ts";

const until = (NOW + 60_000) as WallMs;

/** Of the whole envelope, as a relay sees it, in an `OPEN` or an `INIT`. */
function offerBytes(
  type: "open" | "init",
  content: ContentDescription,
  message?: Uint8Array,
): number {
  const { alice, bob } = pair();
  if (type === "open") transfer(alice, bob, 1);
  const context = contextOf(alice, bob, 2);
  const { transfer: id } = context;
  const header = encodeHeader(id, { content, created: NOW, until, sessionSeconds: 5 });
  const job = { kind: "seal-offer", header, message } as const;
  const { ready } = expectKind(
    alice.perform(job, context, () => bob.offerPackage()),
    "offer-sealed",
  );
  const { outer, sealedHeader, inChannel } = ready;
  const sealed = { outer, sealedHeader, content: inChannel!.content };
  return encodeTransferEnvelope({ kind: "offer", transfer: id, ...sealed }).length;
}

test("C-15 file names of many lengths, and any size of a file, make offers of one size", () => {
  const file = (name: string, size = 5) => contentOf({ kind: "file", name, size });
  for (const [type, nameBytesMax] of [
    ["open", 12],
    ["init", 196],
  ] as const) {
    const bytes = offerBytes(type, file("f"));
    for (const length of [2, 3, 10, 11, 12, nameBytesMax])
      assert.equal(offerBytes(type, file("n".repeat(length))), bytes, `${type} ${length}`);
    assert.equal(offerBytes(type, file("f", 2 ** 53 - 1)), bytes);
    for (const length of [1, 2, 255, 256])
      assert.equal(offerBytes(type, file("n".repeat(nameBytesMax + length))), bytes + 256);
  }
});

test("C-15 nothing compresses: what repeats itself takes the room of what does not", () => {
  const noise = Uint8Array.from({ length: 512 }, (_, i) => (i * 167 + (i >> 3) * 59) & 255);
  const content = contentOf({ kind: "message", name: "", size: noise.length });
  const [plain, repeated] = [noise, new Uint8Array(512)].map((message) =>
    offerBytes("open", content, message),
  );
  assert.equal(plain, repeated);
  const half = offerBytes("open", { ...content, size: 256 }, new Uint8Array(256));
  assert.equal(plain! - half, 256, "each byte of the padded content is a byte on the way");
});
