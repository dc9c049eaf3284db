import assert from "node:assert/strict";
import { test } from "node:test";
import { nobleSuite as suite } from "@postern/core/crypto/noble";
import { Peer } from "@postern/core/peer";
import type { RelayFrame } from "@postern/core/link";
import { encodeTransferEnvelope, type TransferEnvelope } from "@postern/core/transfer";
import type { InstantMs, WallMs } from "../time.ts";
import { Device } from "../../test/channel-lab.ts";

const NOW = { instant: 0 as InstantMs, wall: 1_800_000_000_000 as WallMs };
const BYTES = new Uint8Array(40).fill(5);
const transfer = new Uint8Array(16).fill(1);
const [alice, bob] = [new Device(1).party, new Device(2).party];

function delivery(envelope: TransferEnvelope): RelayFrame {
  return { kind: "delivery", from: bob.id, name: "bob", body: encodeTransferEnvelope(envelope) };
}

const LEFT_OF_ENDED: readonly TransferEnvelope[] = [
  { kind: "close", transfer, outer: BYTES, sealedHeader: BYTES },
  { kind: "receipt", transfer, sealed: BYTES },
  { kind: "resync", transfer, resync: BYTES },
];

for (const envelope of LEFT_OF_ENDED)
  test(`Peer gives its driver a ${envelope.kind} of a transfer that has ended`, () => {
    const peer = new Peer({ suite, self: alice, relayFingerprint: BYTES.subarray(0, 32) });
    const effects = peer.step({ kind: "frame", frame: delivery(envelope) }, NOW);
    assert.deepEqual(effects, [{ kind: "stray", party: bob, envelope }]);
  });

test("Peer lets everything else of a transfer that has ended pass", () => {
  const others: readonly TransferEnvelope[] = [
    { kind: "answer", transfer, sealed: BYTES },
    { kind: "refusal", transfer, verdict: "decline" },
    { kind: "withdraw", transfer, reason: 1 },
    { kind: "content", transfer, frames: BYTES },
    { kind: "reverse", transfer, frames: BYTES },
  ];
  const peer = new Peer({ suite, self: alice, relayFingerprint: BYTES.subarray(0, 32) });
  for (const envelope of others)
    assert.deepEqual(peer.step({ kind: "frame", frame: delivery(envelope) }, NOW), []);
});
