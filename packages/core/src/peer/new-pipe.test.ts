/** A pipe breaks while both clients and the relay are there (docs/protocol.md 8.1, 9). */
import assert from "node:assert/strict";
import { test } from "node:test";
import { PosternError, type ErrorCode } from "@postern/core/errors";
import { ANSWER_TIMEOUT_MS, CLOSING_TIMEOUT_MS } from "@postern/core/limits";
import { TwoPeers, type Name } from "../../test/two-peers.ts";
import { nobleSuite as suite } from "../crypto/noble-suite.ts";
import { sealReceipt } from "../transfer/answer.ts";
import { encodeTransferEnvelope } from "../transfer/envelope.ts";
import type { TransferInput } from "../transfer/steps.ts";

const TOTAL = 123;
const DIGEST = new Uint8Array(32).fill(9);
const DONE: TransferInput = { kind: "records-done", total: TOTAL, digest: DIGEST };

function broken(code: ErrorCode = "transfer/pipe-lost"): TransferInput {
  return { kind: "pipe-broken", error: new PosternError(code, "from the test") };
}

/** A transfer whose records are under way. */
function underWay() {
  const peers = new TwoPeers();
  peers.listen();
  peers.recordsHang = true;
  const alice = peers.send();
  const bob = peers.bobKey();
  const count = (job: string): number => peers.jobs.filter((each) => each === job).length;
  const failure = (who: Name): string => {
    const event = peers.last(who);
    return event?.kind === "failed" ? event.error.code : `${event?.kind}`;
  };
  const opened = (): number => peers.sent.filter(({ frame }) => frame.kind === "open-pipe").length;
  return { peers, alice, bob, count, failure, opened };
}

test("Peer: a pipe that breaks is replaced on both sides, and the transfer ends as if nothing was", () => {
  for (const order of ["sender first", "receiver first", "sender alone"]) {
    const { peers, alice, bob, count, opened } = underWay();
    if (order === "receiver first") peers.input("bob", bob, broken("transfer/framing"));
    assert.equal(opened(), 1);
    peers.input("alice", alice, broken());
    assert.equal(opened(), 2);
    assert.equal(count("alice replace-pipe"), 1, order);
    assert.equal(count("bob replace-pipe"), 1, order);
    peers.input("bob", bob, DONE);
    peers.input("alice", alice, DONE);
    assert.equal(peers.last("alice")?.kind, "done");
    assert.equal(peers.last("bob")?.kind, "done");
  }
});

test("Peer: one break asks for one pipe, however often it is told", () => {
  const { peers, alice, opened } = underWay();
  peers.tamper = (_to, frame) => (frame.kind === "pipe-ticket" ? undefined : frame);
  peers.input("alice", alice, broken());
  peers.input("alice", alice, broken());
  assert.equal(opened(), 2);
});

test("Peer: a receiver that has told `done` takes the sender's new pipe, to tell it again", () => {
  const { peers, alice, bob, count } = underWay();
  peers.input("bob", bob, DONE);
  peers.input("alice", alice, broken());
  assert.equal(count("bob replace-pipe"), 1);
  assert.equal(count("alice replace-pipe"), 1);
  peers.input("alice", alice, DONE);
  const done = peers.last("bob");
  assert.ok(done?.kind === "done" && done.nextMasterKey);
});

test("Peer: a receipt serves for a `done` that is slow, or was lost with its pipe", () => {
  const transfer = new Uint8Array(16).fill(5);
  for (const when of ["pipe in use", "pipe broken", "pipe replaced"]) {
    const { peers, alice, count } = underWay();
    if (when === "pipe broken")
      peers.tamper = (_to, frame) => (frame.kind === "pipe-ticket" ? undefined : frame);
    if (when !== "pipe in use") peers.input("alice", alice, broken());
    const receipt = { total: TOTAL, digest: DIGEST, counter: 0, check: new Uint8Array(32) };
    const sealed = sealReceipt(suite, peers.keys!.receipt, transfer, receipt);
    const body = encodeTransferEnvelope({ kind: "receipt", transfer, sealed });
    const { id } = peers.parties.bob;
    peers.deliver("alice", { kind: "delivery", from: id, name: "bob", body });
    assert.equal(count("alice confirm-records"), 1, when);
    peers.input("alice", alice, DONE);
    peers.advance(CLOSING_TIMEOUT_MS);
    assert.equal(peers.last("alice")?.kind, "done");
  }
});

test("C-01 Peer: a receipt that does not open serves for nothing", () => {
  const transfer = new Uint8Array(16).fill(5);
  const { peers, alice, count, opened } = underWay();
  const sealed = new Uint8Array(96);
  const body = encodeTransferEnvelope({ kind: "receipt", transfer, sealed });
  const { id } = peers.parties.bob;
  peers.deliver("alice", { kind: "delivery", from: id, name: "bob", body });
  peers.input("alice", alice, broken());
  assert.equal(count("alice confirm-records"), 0);
  assert.equal(opened(), 2);
});

test("Peer: no pipe to a receiver that is gone; the person reads peer/gone", () => {
  const { peers, alice, failure, count } = underWay();
  peers.refuse = (frame) => (frame.kind === "open-pipe" ? "absent" : undefined);
  peers.input("alice", alice, broken());
  assert.equal(failure("alice"), "peer/gone");
  assert.equal(count("alice stop-records"), 1);
  const other = underWay();
  other.peers.refuse = (frame) => (frame.kind === "open-pipe" ? "refused" : undefined);
  other.peers.input("alice", other.alice, broken());
  assert.equal(other.failure("alice"), "relay/refused");
  assert.equal(other.failure("bob"), "peer/cancelled");
});

test("Peer: whatever ends a transfer ends it while it waits for a pipe, and stops the records", () => {
  const lost = new PosternError("link/closed", "from the test");
  const ends: [(peers: TwoPeers, who: Name, key: string) => void, string][] = [
    [(peers, who, key) => peers.input(who, key, { kind: "cancel" }), "transfer/cancelled"],
    [(peers, who) => peers.step(who, { kind: "link-lost", error: lost }), "link/closed"],
    [
      (peers, who) => {
        const { fingerprint } = peers.parties[who === "alice" ? "bob" : "alice"];
        peers.deliver(who, { kind: "peer-gone", peer: fingerprint });
      },
      "peer/gone",
    ],
    [
      (peers, who) => {
        const [other, key] =
          who === "alice"
            ? (["bob", peers.bobKey()] as const)
            : (["alice", peers.aliceKey()] as const);
        peers.input(other, key, { kind: "cancel" });
      },
      "peer/cancelled",
    ],
    [
      (peers, who, key) => {
        const error = new PosternError("store/no-space", "from the test");
        peers.input(who, key, { kind: "records-failed", error });
      },
      "store/no-space",
    ],
  ];
  for (const who of ["alice", "bob"] as const)
    for (const [end, code] of ends) {
      const { peers, alice, bob, failure, count } = underWay();
      const key = who === "alice" ? alice : bob;
      peers.tamper = (_to, frame) => (frame.kind === "pipe-ticket" ? undefined : frame);
      peers.input(who, key, broken());
      end(peers, who, key);
      assert.equal(failure(who), code, who);
      if (code !== "store/no-space") assert.equal(count(`${who} stop-records`), 1);
    }
});

test("Peer: nobody waits for a new pipe for ever; what broke the old one is said", () => {
  for (const who of ["alice", "bob"] as const) {
    const { peers, alice, bob, failure } = underWay();
    peers.tamper = (_to, frame) => (frame.kind === "pipe-ticket" ? undefined : frame);
    peers.input(who, who === "alice" ? alice : bob, broken("transfer/framing"));
    peers.advance(ANSWER_TIMEOUT_MS - 1);
    assert.notEqual(peers.last(who)?.kind, "failed");
    peers.advance(1);
    assert.equal(failure(who), "transfer/framing");
  }
});

test("S-17 Peer: a receiver that waits for a pipe is not free, and is free when the wait is over", () => {
  const { peers, bob } = underWay();
  const free = (): number | undefined =>
    peers.sent.flatMap(({ frame }) => (frame.kind === "presence" ? [frame.free] : [])).at(-1);
  peers.input("bob", bob, broken());
  assert.equal(free(), 0);
  peers.advance(ANSWER_TIMEOUT_MS);
  assert.equal(free(), 1);
});
