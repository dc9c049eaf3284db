/** Whatever comes in whatever state: no exception, and nobody paired. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  codeOf,
  contextOf,
  greeting,
  joiner,
  opener,
  type PairingSide,
} from "../../test/pairing-lab.ts";
import { PosternError } from "../errors.ts";
import { PAIR_MESSAGE_BYTES_MAX } from "../limits.ts";
import { completeWord, parseCode } from "./code.ts";
import { decodePairingMessage, encodePairingMessage } from "./messages.ts";
import type { PairingInput } from "./steps.ts";

const u32 = fc.integer({ min: 0, max: 0xffff_ffff });
const status = fc.constantFrom("done", "unknown", "overloaded", "absent", "");

/** Anything the relay and the driver can say, a body of nearly the right form among it. */
const input: fc.Arbitrary<PairingInput> = fc.oneof(
  fc.record({ kind: fc.constant("slot" as const), slot: u32, validMs: u32 }),
  fc.record({ kind: fc.constant("slot-refused" as const), status }),
  fc.record({ kind: fc.constant("join-result" as const), status }),
  fc.constant({ kind: "joined" as const }),
  fc.record({
    kind: fc.constant("message" as const),
    body: fc.oneof(
      fc.uint8Array({ maxLength: PAIR_MESSAGE_BYTES_MAX }),
      fc
        .constantFrom([1, 17], [2, 84], [3, 68], [4, 124], [5, 124])
        .chain(([type, length]) =>
          fc
            .uint8Array({ minLength: length, maxLength: length })
            .map((body) => Uint8Array.of(type, ...body.subarray(1))),
        ),
    ),
  }),
  fc.record({
    kind: fc.constant("closed" as const),
    reason: fc.constantFrom("other-end" as const, "expired" as const, "gone" as const),
  }),
  fc.constant({ kind: "cancel" as const }),
  fc.constant({ kind: "woke" as const }),
  fc.constant({ kind: "link-lost" as const, error: new PosternError("link/closed", "gone") }),
);

/** A side after so many honest messages. */
function sideAfter(said: number): PairingSide {
  const a = opener();
  const b = joiner(codeOf(a));
  let heard = said === 0 ? undefined : greeting(a);
  let to = b;
  for (let n = 1; n < said; n++, to = to === a ? b : a) heard = to.hear(heard);
  return to === a ? b : a;
}

test("C-14 stepPairing() never throws and never pairs, whatever comes after an honest start", () => {
  const inputs = fc.array(input, { minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 4 }), inputs, (said, coming) => {
      const side = sideAfter(said);
      const ended = new Set<string>();
      for (const each of coming) {
        side.step(each);
        assert.notEqual(side.outcome, "paired");
        if (side.state.kind === "failed") ended.add(side.outcome);
      }
      assert(ended.size <= 1, "an end is final");
    }),
    { numRuns: 250 },
  );
});

test("C-14 stepPairing() never pairs by a mutated message", () => {
  const changes = fc.array(fc.tuple(fc.nat(200), fc.integer({ min: 1, max: 255 })), {
    minLength: 1,
    maxLength: 3,
  });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 4 }), changes, (n, bytes) => {
      const a = opener();
      const b = joiner(codeOf(a));
      let heard = greeting(a);
      for (let said = 1, to = b; heard !== undefined; said++, to = to === a ? b : a) {
        const body = heard.slice();
        if (said === n) for (const [at, by] of bytes) body[at % body.length]! ^= by;
        // Two changes may undo each other.
        if (said === n && Buffer.compare(body, heard) === 0) return;
        heard = to.hear(body);
      }
      assert.notEqual(a.outcome, "paired");
      assert.notEqual(b.outcome, "paired");
    }),
    { numRuns: 100 },
  );
});

test("decodePairingMessage() takes what encodePairingMessage() makes, and nothing longer or shorter", () => {
  const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
  const id = fc.constant(contextOf("alice").self.id);
  const card = fc.uint8Array({ minLength: 85, maxLength: 116 });
  const message = fc.oneof(
    fc.record({ kind: fc.constant("nonce" as const), nonce: bytes(16) }),
    fc.record({
      kind: fc.constant("joiner-share" as const),
      nonce: bytes(16),
      id,
      share: bytes(32),
    }),
    fc.record({ kind: fc.constant("opener-share" as const), id, share: bytes(32) }),
    fc.record({
      kind: fc.constantFrom("joiner-confirmation" as const, "opener-confirmation" as const),
      confirmation: bytes(32),
      card,
    }),
  );
  fc.assert(
    fc.property(message, (sent) => {
      const body = encodePairingMessage(sent);
      assert.deepEqual({ ...decodePairingMessage(sent.kind, body) }, { ...sent });
      if ("card" in sent) return;
      assert.equal(decodePairingMessage(sent.kind, body.subarray(1)), undefined);
      assert.equal(decodePairingMessage(sent.kind, body.subarray(0, -1)), undefined);
      assert.equal(decodePairingMessage(sent.kind, Uint8Array.of(...body, 0)), undefined);
    }),
  );
});

test("parseCode() and completeWord() answer any text, and only with words of the list", () => {
  const words = completeWord("");
  const known = new Set(words);
  const text = fc.oneof(
    fc.string({ unit: "binary", maxLength: 200 }),
    fc
      .tuple(fc.nat(), fc.array(fc.constantFrom(...words, "zo", "crossbow"), { maxLength: 8 }))
      .map(([slot, list]) => [slot, ...list].join("-")),
  );
  fc.assert(
    fc.property(text, (typed) => {
      assert(completeWord(typed).every((word) => known.has(word)));
      try {
        const code = parseCode(typed);
        assert(code.words.every((word) => known.has(word)));
        assert(code.slot >= 0 && code.slot <= 0xffff_ffff);
      } catch (error) {
        assert(error instanceof PosternError, String(error));
        assert.equal(error.code, "pairing/invalid-code");
      }
    }),
    { numRuns: 500 },
  );
});
