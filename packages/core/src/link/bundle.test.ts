import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { LinkPair, type End } from "../../test/link-pair.ts";
import { withToyKem } from "../../test/toy-kem.ts";
import { ByteWriter, concat } from "../bytes.ts";
import { nobleSuite } from "../crypto/noble-suite.ts";
import { LINK_FRAME_BYTES_MAX } from "../limits.ts";
import { encodeLinkFrame, linkQueuedBytes, type LinkFrame } from "../link.ts";
import { BUNDLE_TYPE, bundleFrames, framesOf } from "./bundle.ts";

const PLAINTEXT_BYTES_MAX = LINK_FRAME_BYTES_MAX - 16;

function bundled(frames: readonly Uint8Array[]): readonly Uint8Array[] {
  return bundleFrames(
    frames.map((frame) => new ByteWriter().raw(frame)),
    (plaintext) => plaintext.slice(),
  );
}
const RESULT: LinkFrame = { kind: "result", request: 1, status: "done" };
const OTHER: LinkFrame = { kind: "result", request: 2, status: "absent" };
const PING: LinkFrame = { kind: "ping", token: 7 };

const anyFrame = fc
  .uint8Array({ minLength: 1, maxLength: 40_000, size: "max" })
  .filter(([type]) => type !== BUNDLE_TYPE);

test("bundleFrames() and framesOf() keep frames and their order, within the bound", () => {
  fc.assert(
    fc.property(fc.array(anyFrame, { maxLength: 12 }), (frames) => {
      const bundles = bundled(frames);
      assert.ok(bundles.every(({ length }) => length <= PLAINTEXT_BYTES_MAX));
      assert.deepEqual(bundles.flatMap(framesOf), frames);
    }),
  );
});

test("bundleFrames() changes no frame that is alone, and fills a bundle to its last byte", () => {
  const full = new Uint8Array(PLAINTEXT_BYTES_MAX).fill(1);
  assert.deepEqual(bundled([]), []);
  assert.deepEqual(bundled([full]), [full]);
  const small = Uint8Array.of(1);
  const rest = new Uint8Array(PLAINTEXT_BYTES_MAX - 1 - 3 - 2).fill(2);
  assert.deepEqual(
    bundled([small, rest]).map(({ length }) => length),
    [PLAINTEXT_BYTES_MAX],
  );
  assert.equal(bundled([small, concat(rest, small)]).length, 2);
});

test("framesOf() gives a small frame bytes of its own, so that one kept keeps no bundle", () => {
  const sizes = [2, 5_000, 20_000, 30_000];
  const [bundle] = bundled(sizes.map((size) => new Uint8Array(size).fill(1)));
  const held = framesOf(bundle!).map(({ buffer }) => buffer.byteLength);
  assert.deepEqual(held, [2, 5_000, bundle!.length, bundle!.length]);
});

test("stepLink() answers all pings of a bundle as one", () => {
  const { client, relay } = new LinkPair({ clientSuite: withToyKem(nobleSuite) }).establish();
  client.step({ kind: "flush" }, 0);
  const [pings] = bundled(Array.from({ length: 5_000 }, () => encodeLinkFrame(PING)));
  sealRaw(client, pings!, relay);
  assert.equal(relay.state.kind, "established");
  assert.equal(relay.written.length, 1);
});

const MALFORMED: readonly (readonly [string, readonly number[]])[] = [
  ["nothing in it", []],
  ["half a length", [0]],
  ["a frame without a type", [0, 0]],
  ["a frame that is cut", [0, 3, 0x42, 0]],
  ["a bundle in it", [0, 1, BUNDLE_TYPE]],
  ["bytes behind the last frame", [0, 1, 0x80, 9]],
];

for (const [what, body] of MALFORMED)
  test(`P-04 a bundle with ${what} ends its link, and none of it counts`, () => {
    const { client, relay } = new LinkPair({ clientSuite: withToyKem(nobleSuite) }).establish();
    const first = encodeLinkFrame(RESULT);
    sealRaw(relay, Uint8Array.of(BUNDLE_TYPE, 0, first.length, ...first, ...body), client);
    if (body.length > 0) {
      assert.equal(client.error?.code, "link/malformed");
      assert.deepEqual(client.frames, []);
      return;
    }
    assert.deepEqual(client.frames, [RESULT]);
    sealRaw(relay, Uint8Array.of(BUNDLE_TYPE), client);
    assert.equal(client.error?.code, "link/malformed");
  });

test("stepLink() seals what was queued as one, in its order, and nothing twice", () => {
  const linked = new LinkPair({ clientSuite: withToyKem(nobleSuite) }).establish();
  const { client, relay } = linked;
  relay.step({ kind: "flush" }, 0);
  for (const frame of [RESULT, PING, OTHER]) relay.step({ kind: "queue", frame }, 0);
  assert.deepEqual(relay.written, []);
  assert.equal(linkQueuedBytes(relay.state), 6 + 9 + 6);
  relay.step({ kind: "flush" }, 0);
  assert.equal(relay.written.length, 1);
  assert.equal(linkQueuedBytes(relay.state), 0);
  linked.carry("relay");
  assert.deepEqual(client.frames, [RESULT, OTHER]);
  // The ping among them was answered.
  linked.carry("client");
  assert.equal(relay.state.kind, "established");
  relay.step({ kind: "flush" }, 0);
  assert.deepEqual(relay.written, []);
});

test("stepLink() ignores unknown types from 0x80 on in a bundle, and refuses others", () => {
  const { client, relay } = new LinkPair({ clientSuite: withToyKem(nobleSuite) }).establish();
  const known = encodeLinkFrame(RESULT);
  const bundleWith = (type: number): Uint8Array => {
    const [bundle] = bundled([Uint8Array.of(type, 1, 2), known]);
    return bundle!;
  };
  sealRaw(relay, bundleWith(0x80), client);
  assert.deepEqual(client.frames, [RESULT]);
  sealRaw(relay, bundleWith(0x7f), client);
  assert.equal(client.error?.code, "link/unexpected-frame");
});

function sealRaw({ state }: End, plaintext: Uint8Array, to: End): void {
  if (state.kind !== "established") throw new Error(`the link is ${state.kind}`);
  to.receive(state.channel.seal(plaintext), 0);
}
