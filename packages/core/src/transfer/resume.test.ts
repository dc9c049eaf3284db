/** A transfer that goes on where another one ended. docs/protocol-transfers.md 9. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { contentOf, CONTEXT, secret, TRANSFER } from "../../test/exchange-lab.ts";
import { TwoPeers } from "../../test/two-peers.ts";
import { PosternError, type ErrorCode } from "../errors.ts";
import { ANSWER_TIMEOUT_MS, HELD_CHECK_BYTES_PER_MS } from "../limits.ts";
import type { InstantMs, WallMs } from "../time.ts";
import { sealAnswer } from "./answer.ts";
import type { ContentDescription } from "./header.ts";
import { planSend, startSend, stepSend } from "./send.ts";
import type { HeldPrefix, TransferInput } from "./steps.ts";

const NOW = { instant: 0 as InstantMs, wall: 1_800_000_000_000 as WallMs };

const DIGEST = secret("what is held");
/** Of a hundred seconds' work at the rate that is granted. */
const SLOW = 100_000 * HELD_CHECK_BYTES_PER_MS;

function resumed(held: HeldPrefix, peers = new TwoPeers(), size = 123): TwoPeers {
  peers.held = held;
  peers.listen();
  peers.send(contentOf({ kind: "file", name: "a.txt", size }));
  return peers;
}

/** What a sender does next, or why it fails, when an accepting answer has this offset. */
function answerTo(content: ContentDescription, offset: number): string | undefined {
  const plan = planSend(CONTEXT, { profile: "symmetric", content, sessionSeconds: 5 }, NOW);
  let { state } = startSend(plan, NOW);
  const step = (input: TransferInput) => {
    const next = stepSend(plan, state, input, NOW);
    ({ state } = next);
    return next.effects;
  };
  step({ kind: "pair-key", kept: undefined, counter: 0 });
  step({ kind: "encrypted", ciphertext: new Uint8Array(384) });
  step({ kind: "key-up-result", status: "done" });
  assert.ok(state.kind === "expect-answer");
  const answer = { verdict: "accept", offset, prefixDigest: DIGEST } as const;
  const sealed = sealAnswer(CONTEXT.suite, state.ready.keys.answer, TRANSFER, answer);
  const last = step({
    kind: "envelope",
    envelope: { kind: "answer", transfer: TRANSFER, sealed },
  }).at(-1);
  return last?.kind === "emit" && last.event.kind === "failed" ? last.event.error.code : last?.kind;
}

function failures(peers: TwoPeers): readonly (ErrorCode | undefined)[] {
  return (["alice", "bob"] as const).map((who) => {
    const event = peers.last(who);
    return event?.kind === "failed" ? event.error.code : undefined;
  });
}

test("a receiver that holds a part is asked for the rest alone, once the part was compared", () => {
  for (const offset of [1, 100, 123]) {
    const peers = resumed({ offset, digest: DIGEST });
    assert.deepEqual(peers.compared, [{ offset, digest: DIGEST }]);
    assert.deepEqual(peers.begun, [
      ["bob", offset],
      ["alice", offset],
    ]);
    for (const who of ["alice", "bob"] as const) {
      assert.equal(peers.last(who)?.kind, "done");
      const accepted = peers.events.find(
        (seen) => seen.who === who && seen.event.kind === "accepted",
      );
      assert.deepEqual(accepted?.event, { kind: "accepted", offset });
    }
  }
});

test("C-04 a transfer that goes on has a master key of its own", () => {
  const peers = resumed({ offset: 5, digest: DIGEST });
  const before = peers.keys?.transcript.slice();
  peers.send(undefined, 6);
  assert.notDeepEqual(peers.keys?.transcript, before);
  const sources = peers.events.flatMap(({ event }) =>
    event.kind === "master-key" ? [event.source] : [],
  );
  assert.deepEqual(sources, ["fresh-rsa", "fresh-rsa", "kept", "kept"]);
});

test("nothing is compared when nothing is held", () => {
  const peers = resumed({ offset: 0, digest: new Uint8Array(32) });
  assert.deepEqual(peers.compared, []);
  assert.equal(peers.last("alice")?.kind, "done");
});

test("other content than what is held is not mixed with it: both sides are told", () => {
  const peers = new TwoPeers();
  peers.same = false;
  resumed({ offset: 100, digest: DIGEST }, peers);
  assert.deepEqual(failures(peers), ["transfer/other-content", "transfer/other-content"]);
  assert.deepEqual(peers.begun, []);
});

test("P-03 an offset beyond the content is malformed to its sender, and nothing is read", () => {
  const file = contentOf({ kind: "file", name: "a.txt", size: 123 });
  assert.equal(answerTo(file, 123), "check-held");
  assert.equal(answerTo(file, 124), "peer/malformed");
  assert.equal(answerTo(file, 2 ** 53 - 1), "peer/malformed");
  const stream = contentOf({ kind: "stream", name: "", size: undefined });
  assert.equal(answerTo(stream, 2 ** 53 - 1), "check-held", "nobody knows where it ends");
});

test("P-03 an offset into a message that rides in envelopes is malformed", () => {
  const message = contentOf({ kind: "message", name: "", size: 123 });
  assert.equal(answerTo(message, 0), "run-records");
  assert.equal(answerTo(message, 1), "peer/malformed");
  assert.equal(answerTo({ ...message, signed: true }, 1), "check-held", "a signed one does not");
});

test("a receiver that holds more than the content is long says that it is another", () => {
  const peers = resumed({ offset: 124, digest: DIGEST });
  assert.deepEqual(failures(peers), ["transfer/other-content", "transfer/other-content"]);
});

test("what is held of a message in envelopes counts for nothing", () => {
  const peers = new TwoPeers();
  peers.held = { offset: 5, digest: DIGEST };
  peers.listen();
  peers.send(contentOf({ kind: "message", name: "", size: 123 }));
  assert.deepEqual(peers.compared, []);
  assert.equal(peers.last("alice")?.kind, "done");
});

test("comparing may take its time on both sides, and no longer", () => {
  const peers = new TwoPeers();
  peers.same = undefined;
  resumed({ offset: SLOW, digest: DIGEST }, peers, SLOW);
  peers.advance(100_000 + ANSWER_TIMEOUT_MS - 1);
  assert.deepEqual(failures(peers), [undefined, undefined]);
  peers.advance(1);
  assert.deepEqual(failures(peers), ["transfer/source-unreadable", "transfer/source-unreadable"]);
});

test("a receiver whose sender never comes back from comparing gives up by itself", () => {
  const peers = new TwoPeers();
  peers.same = undefined;
  resumed({ offset: SLOW, digest: DIGEST }, peers, SLOW);
  peers.tamper = (to, frame) => (to === "bob" && frame.kind === "delivery" ? undefined : frame);
  peers.advance(100_000 + 2 * ANSWER_TIMEOUT_MS - 1);
  assert.deepEqual(failures(peers), ["transfer/source-unreadable", undefined]);
  peers.advance(1);
  assert.deepEqual(failures(peers)[1], "peer/timed-out");
});

test("a source that cannot be read to compare ends the transfer for both", () => {
  const peers = new TwoPeers();
  peers.same = undefined;
  resumed({ offset: 5, digest: DIGEST }, peers);
  const error = new PosternError("transfer/source-unreadable", "scripted");
  peers.input("alice", peers.aliceKey(), { kind: "records-failed", error });
  assert.deepEqual(failures(peers), ["transfer/source-unreadable", "transfer/source-unreadable"]);
});

test("a person may cancel while parts are compared; the answer that comes late counts no more", () => {
  for (const [who, codes] of [
    ["alice", ["transfer/cancelled", "peer/cancelled"]],
    ["bob", ["peer/cancelled", "transfer/cancelled"]],
  ] as const) {
    const peers = new TwoPeers();
    peers.same = undefined;
    resumed({ offset: 5, digest: DIGEST }, peers);
    peers.input(who, who === "alice" ? peers.aliceKey() : peers.bobKey(), { kind: "cancel" });
    peers.input("alice", peers.aliceKey(), { kind: "held-checked", same: true });
    assert.deepEqual(failures(peers), codes);
    assert.deepEqual(peers.begun, []);
  }
});

test("both ends hold a directory at the end of its list, unless more than that is held already", () => {
  const manifest = { entries: 3, bytes: 50 };
  const directory = contentOf({ kind: "directory", name: "photos", size: 123, manifest });
  for (const [offset, holdAt] of [
    [0, 50],
    [1, 50],
    [49, 50],
    [50, undefined],
    [123, undefined],
  ] as const) {
    const peers = new TwoPeers();
    peers.held = { offset, digest: DIGEST };
    peers.listen();
    peers.send(directory);
    assert.deepEqual(peers.holds, [holdAt, holdAt], `${offset}`);
    assert.equal(peers.last("alice")?.kind, "done");
  }
  const file = new TwoPeers();
  file.listen();
  file.send();
  assert.deepEqual(file.holds, [undefined, undefined]);
});

test("a person who declines what a list names is a no to the sender", () => {
  const peers = new TwoPeers();
  peers.recordsHang = true;
  peers.listen();
  peers.send();
  const error = new PosternError("transfer/declined", "the person said no");
  peers.input("bob", peers.bobKey(), { kind: "records-failed", error });
  assert.deepEqual(failures(peers), ["peer/declined", "transfer/declined"]);
});
