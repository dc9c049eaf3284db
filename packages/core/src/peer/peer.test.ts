import assert from "node:assert/strict";
import { test } from "node:test";
import { PosternError } from "@postern/core/errors";
import {
  CONSENT_TIMEOUT_MS,
  HEADER_VALID_MS,
  LOSS_REASON_MS,
  TRANSFERS_OF_PEER_MAX,
} from "@postern/core/limits";
import { SeenTransfers } from "@postern/core/peer";
import type { RelayFrame } from "@postern/core/link";
import type { ContentDescription } from "@postern/core/transfer";
import { contentOf } from "../../test/exchange-lab.ts";
import { TwoPeers, type Name } from "../../test/two-peers.ts";

function failure(peers: TwoPeers, who: Name): string {
  const event = peers.last(who);
  return event?.kind === "failed" ? event.error.code : `${event?.kind}`;
}

test("Peer: a file goes from Alice to Bob with a fresh master key and leaves one for next time", () => {
  const peers = new TwoPeers();
  peers.listen();
  peers.send();
  assert.deepEqual(peers.kinds("alice"), ["master-key", "offered", "accepted", "done"]);
  assert.deepEqual(peers.kinds("bob"), ["master-key", "offer", "accepted", "done"]);
  const done = peers.last("alice");
  assert.ok(done?.kind === "done" && done.nextMasterKey);
  assert.deepEqual(peers.kept.get("alice sending"), peers.kept.get("bob receiving"));
  assert.equal(peers.kept.get("alice sending")?.counter, 1);
});

test("Peer: the next transfer uses the kept key without RSA for it, then keeps another", () => {
  const peers = new TwoPeers();
  peers.listen();
  peers.send();
  const first = peers.kept.get("alice sending")?.key.slice();
  peers.jobs.length = 0;
  peers.send(undefined, 6);
  const done = peers.last("bob");
  assert.ok(done?.kind === "done" && done.nextMasterKey);
  const beforeRecords = peers.jobs.slice(0, peers.jobs.indexOf("alice run-records"));
  assert.ok(!beforeRecords.some((job) => job.endsWith("encrypt-to-relay")));
  assert.ok(beforeRecords.includes("bob drop-pair-key"));
  assert.equal(peers.kept.get("bob receiving")?.counter, 2);
  assert.notDeepEqual(peers.kept.get("bob receiving")?.key, first);
});

test("S-14 Peer: a kept key is deleted before its offer leaves and never used twice", () => {
  const peers = new TwoPeers();
  peers.listen();
  peers.send();
  peers.refuse = (frame) => (frame.kind === "envelope" ? "absent" : undefined);
  peers.send(undefined, 6);
  assert.equal(failure(peers, "alice"), "peer/absent");
  assert.equal(peers.kept.has("alice sending"), false);
  peers.refuse = () => undefined;
  peers.jobs.length = 0;
  peers.send(undefined, 7);
  assert.ok(peers.jobs.includes("alice encrypt-to-relay"));
  assert.equal(peers.last("alice")?.kind, "done");
});

test("Peer: a receiver that lost the kept key gets a fresh one, and the sender says so", () => {
  const peers = new TwoPeers();
  peers.listen();
  peers.send();
  peers.kept.delete("bob receiving");
  peers.send(undefined, 6);
  const kinds = peers.kinds("alice").slice(4);
  assert.deepEqual(kinds, [
    "master-key",
    "offered",
    "key-renewed",
    "master-key",
    "offered",
    "accepted",
    "done",
  ]);
  assert.equal(peers.kept.get("bob receiving")?.counter, 2);
});

test("Peer: kept keys that differ under one counter cost a fresh key, not the transfer", () => {
  const peers = new TwoPeers();
  peers.listen();
  peers.send();
  peers.kept.set("bob receiving", { counter: 1, key: new Uint8Array(32).fill(3) });
  peers.send(undefined, 6);
  assert.ok(peers.kinds("alice").includes("key-renewed"));
  assert.equal(peers.last("alice")?.kind, "done");
  assert.deepEqual(peers.kept.get("alice sending"), peers.kept.get("bob receiving"));
});

test("Peer: key-unknown for a fresh key is a fault of the receiver, not a loop", () => {
  const peers = new TwoPeers();
  peers.listen(1, []);
  peers.tamper = (to, frame) =>
    to === "alice" && frame.kind === "delivery" ? withVerdict(frame, 7) : frame;
  peers.send();
  assert.equal(failure(peers, "alice"), "peer/unexpected-frame");
});

test("Peer: each refusal reaches the sender under its own code", () => {
  const cases = [
    { setUp: (peers: TwoPeers) => peers.listen(1, []), code: "peer/profile-refused" },
    { setUp: (peers: TwoPeers) => peers.listen(0), code: "peer/busy" },
    { setUp: (peers: TwoPeers) => (peers.decision = "decline"), code: "peer/declined" },
    { setUp: (peers: TwoPeers) => (peers.decision = "no-space"), code: "peer/no-space" },
    { setUp: (peers: TwoPeers) => (peers.decision = "too-large"), code: "peer/too-large" },
  ];
  for (const { setUp, code } of cases) {
    const peers = new TwoPeers();
    peers.listen();
    setUp(peers);
    peers.send();
    assert.equal(failure(peers, "alice"), code);
  }
});

test("C-18 Peer: an offer that is older than its life is expired", () => {
  const peers = new TwoPeers();
  peers.listen();
  peers.tamper = (to, frame) => {
    if (to === "bob" && frame.kind === "delivery") peers.jumpWall(HEADER_VALID_MS + 1);
    return frame;
  };
  peers.send();
  assert.equal(failure(peers, "alice"), "transfer/expired");
});

test("C-18 Peer: an offer from a clock that is more than 10 s ahead is expired", () => {
  const peers = new TwoPeers();
  peers.listen();
  peers.tamper = (to, frame) => {
    if (to === "bob" && frame.kind === "delivery") peers.jumpWall(-10_001);
    return frame;
  };
  peers.send();
  assert.equal(failure(peers, "alice"), "transfer/expired");
});

test("C-01 Peer: one flipped bit anywhere in an offer is refused and asks nobody", () => {
  const offer = 1 + 16;
  for (let at = offer; at < 260; at += 1) {
    const peers = new TwoPeers();
    peers.listen();
    let flipped = false;
    peers.tamper = (to, frame) => {
      if (to !== "bob" || frame.kind !== "delivery" || at >= frame.body.length) return frame;
      flipped = true;
      const body = frame.body.slice();
      body[at]! ^= 1;
      return { ...frame, body };
    };
    peers.send();
    if (!flipped) break;
    assert.ok(!peers.kinds("bob").includes("offer"), `byte ${at}`);
  }
});

test("C-01 Peer: one flipped bit in an answer ends the transfer as invalid", () => {
  const peers = new TwoPeers();
  peers.listen();
  peers.tamper = (to, frame) => {
    if (to !== "alice" || frame.kind !== "delivery" || frame.body[0] !== 2) return frame;
    const body = frame.body.slice();
    body[20]! ^= 1;
    return { ...frame, body };
  };
  peers.send();
  assert.equal(failure(peers, "alice"), "transfer/invalid");
  assert.equal(failure(peers, "bob"), "peer/cancelled");
});

test("C-02 Peer: a replayed offer is not offered twice, a reflected one not at all", () => {
  const peers = new TwoPeers();
  const captured: RelayFrame[] = [];
  peers.listen();
  peers.tamper = (to, frame) => {
    if (to === "bob" && (frame.kind === "delivery" || frame.kind === "key-down"))
      captured.push(frame);
    return frame;
  };
  peers.send();
  const offers = (): number => peers.kinds("bob").filter((kind) => kind === "offer").length;
  assert.equal(offers(), 1);
  for (const frame of captured.slice(0, 2)) peers.deliver("bob", frame);
  assert.equal(offers(), 1);
  for (const frame of captured.slice(0, 2)) peers.deliver("alice", frame);
  assert.ok(!peers.kinds("alice").includes("offer"));
});

test("S-14 Peer: a receipt that proves another next key keeps none, and is delivered all the same", () => {
  const peers = new TwoPeers();
  peers.listen();
  peers.tamper = (to, frame) => {
    if (to !== "alice" || frame.kind !== "delivery" || frame.body[0] !== 5) return frame;
    const body = frame.body.slice();
    body[30]! ^= 1;
    return { ...frame, body };
  };
  peers.send();
  const done = peers.last("alice");
  assert.ok(done?.kind === "done" && !done.nextMasterKey);
  assert.equal(peers.kept.has("alice sending"), false);
});

test("Peer: a lost link, a lost peer and a cancel end the transfer on both sides", () => {
  const ends: [(peers: TwoPeers, key: string) => void, string, string][] = [
    [
      (peers, key) => peers.input("alice", key, { kind: "cancel" }),
      "transfer/cancelled",
      "peer/cancelled",
    ],
    [
      (peers) => peers.input("bob", peers.bobKey(), { kind: "cancel" }),
      "peer/cancelled",
      "transfer/cancelled",
    ],
    [
      (peers) => {
        peers.step("bob", { kind: "link-lost", error: new PosternError("link/closed", "test") });
        peers.deliver("alice", { kind: "peer-gone", peer: peers.parties.bob.fingerprint });
      },
      "peer/gone",
      "link/closed",
    ],
  ];
  for (const [end, alice, bob] of ends) {
    const peers = new TwoPeers();
    peers.listen();
    peers.recordsHang = true;
    const key = peers.send();
    end(peers, key);
    assert.equal(failure(peers, "alice"), alice);
    assert.equal(failure(peers, "bob"), bob);
  }
});

test("Peer: a pipe that ends early waits for the relay to say who is gone", () => {
  for (const code of ["transfer/pipe-lost", "transfer/truncated"] as const) {
    const peers = new TwoPeers();
    peers.listen();
    peers.recordsHang = true;
    peers.send();
    const cut = { kind: "records-failed", error: new PosternError(code, "test") } as const;
    peers.input("bob", peers.bobKey(), cut);
    assert.notEqual(peers.last("bob")?.kind, "failed");
    peers.deliver("bob", { kind: "peer-gone", peer: peers.parties.alice.fingerprint });
    assert.equal(failure(peers, "bob"), "peer/gone");
  }
});

test("Peer: a pipe that ends early with nobody gone ends the transfer on both sides", () => {
  const peers = new TwoPeers();
  peers.listen();
  peers.recordsHang = true;
  peers.send();
  const error = new PosternError("transfer/truncated", "test");
  peers.input("bob", peers.bobKey(), { kind: "records-failed", error });
  peers.advance(LOSS_REASON_MS);
  assert.equal(failure(peers, "bob"), "transfer/truncated");
  assert.equal(failure(peers, "alice"), "transfer/pipe-lost");
});

test("S-17 Peer: a receiver whose transfer ended is free again, whatever ended it", () => {
  const peers = new TwoPeers();
  peers.listen();
  peers.recordsHang = true;
  const key = peers.send();
  const presence = (): readonly number[] =>
    peers.sent.flatMap(({ frame }) => (frame.kind === "presence" ? [frame.free] : []));
  assert.equal(presence().at(-1), 0);
  peers.input("alice", key, { kind: "cancel" });
  assert.equal(presence().at(-1), 1);
});

test("S-17 Peer: a receiver is free again before the sender hears how it ended", () => {
  const peers = new TwoPeers();
  peers.listen();
  peers.decision = "decline";
  peers.send();
  assert.equal(failure(peers, "alice"), "peer/declined");
  const answerAt = peers.sent.findLastIndex(
    ({ from, frame }) => from === "bob" && frame.kind === "envelope",
  );
  const freeAt = peers.sent.findLastIndex(
    ({ frame }) => frame.kind === "presence" && frame.free === 1,
  );
  assert.ok(answerAt > freeAt && freeAt > 0, `${answerAt} > ${freeAt}`);
});

test("Peer: nobody decides about an offer for ever", () => {
  const peers = new TwoPeers();
  peers.listen();
  peers.decision = undefined;
  peers.send();
  peers.advance(CONSENT_TIMEOUT_MS);
  assert.equal(failure(peers, "alice"), "peer/timed-out");
  assert.equal(peers.last("bob")?.kind, "failed");
});

test("Peer: a second offer to a receiver with room for one is answered busy", () => {
  const peers = new TwoPeers();
  peers.listen();
  peers.decision = undefined;
  peers.send(contentWith(5), 5);
  peers.send(contentWith(6), 6);
  assert.equal(failure(peers, "alice"), "peer/busy");
});

test("T-01 Peer: a content that is offered again needs no place but the one it has", () => {
  for (const isTaken of [false, true]) {
    const peers = new TwoPeers();
    peers.listen();
    peers.recordsHang = true;
    if (!isTaken) peers.decision = undefined;
    const offers = (): number => peers.kinds("bob").filter((kind) => kind === "offer").length;
    peers.send(contentWith(5), 5);
    peers.send(contentWith(5), 6);
    assert.equal(offers(), 2);
    peers.send(contentWith(6), 7);
    assert.equal(failure(peers, "alice"), "peer/busy");
    assert.equal(offers(), 2);
  }
});

function contentWith(id: number): ContentDescription {
  const contentId = new Uint8Array(16).fill(id);
  return contentOf({ kind: "file", name: "a.txt", size: 123, contentId });
}

function withVerdict(
  frame: Extract<RelayFrame, { kind: "delivery" }>,
  verdict: number,
): RelayFrame {
  const body = frame.body.slice(0, 19);
  body[0] = 2;
  body[17] = 0;
  body[18] = verdict;
  return { ...frame, body };
}

test("R-03 Peer: a peer that fills its share is told busy, and no offer goes unanswered", () => {
  const peers = new TwoPeers();
  peers.listen(64);
  peers.decision = undefined;
  for (let id = 1; id <= TRANSFERS_OF_PEER_MAX; id++) peers.send(contentWith(id), id);
  assert.equal(peers.kinds("bob").filter((kind) => kind === "offer").length, TRANSFERS_OF_PEER_MAX);
  peers.kept.set("alice sending", { counter: 1, key: new Uint8Array(32).fill(4) });
  peers.send(undefined, 200);
  assert.equal(failure(peers, "alice"), "peer/busy");
});

test("C-02 Peer: what was offered on an earlier link is a replay on the next one", () => {
  const seen = new SeenTransfers();
  const first = new TwoPeers(seen);
  const captured: RelayFrame[] = [];
  first.listen();
  first.tamper = (to, frame) => {
    if (to === "bob" && (frame.kind === "delivery" || frame.kind === "key-down"))
      captured.push(frame);
    return frame;
  };
  first.send();
  const again = new TwoPeers(seen);
  again.listen();
  for (const frame of captured.slice(0, 2)) again.deliver("bob", frame);
  assert.ok(!again.kinds("bob").includes("offer"));
});
