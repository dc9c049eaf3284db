/**
 * `vectors/symmetric.json`: docs/protocol.md 7.1 and 9. Each value three times: as the file has it,
 * as the code makes it, and as `node:crypto` makes it from the text.
 */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { hex } from "../src/bytes.ts";
import { nobleSuite as suite } from "../src/crypto/noble-suite.ts";
import { PosternError } from "../src/errors.ts";
import { deriveSymmetricKeys, nextKeyCheck } from "../src/exchange/symmetric/keys.ts";
import { encodeSymmetricOuter } from "../src/exchange/symmetric/outer.ts";
import { relayKeyLabels } from "../src/exchange/relay-half.ts";
import {
  receiveMasterKey,
  receiveSymmetricOffer,
  stepSymmetricReceiver,
  type SymmetricReceiverState,
} from "../src/exchange/symmetric/receiver.ts";
import { wrappingSink, wrappingSource } from "../src/exchange/symmetric/wrapped-session-keys.ts";
import { SINGLE_USE_NONCE } from "../src/exchange/transfer-keys.ts";
import { fingerprintOf, identityFromSeed, relayFingerprint } from "../src/identity.ts";
import type { WallMs } from "../src/time.ts";
import { decodeTransferEnvelope, encodeTransferEnvelope } from "../src/transfer/envelope.ts";
import { decodeHeader, encodeHeader, isCurrent } from "../src/transfer/header.ts";
import {
  bytes,
  contextOf,
  coreAnswer,
  coreOpens,
  coreReceipt,
  decryptOaep,
  headerOf,
  plainPartiesOf,
  readVectors,
  type RsaKeyName,
  type VectorParties,
} from "./exchange-vectors.ts";
import { label, party, unhex } from "./plain-crypto.ts";
import { plainSymmetric, type SymmetricExpected, type SymmetricInputs } from "./plain-symmetric.ts";
import { VERDICTS } from "./plain-transfer.ts";

interface Transfer {
  readonly name: string;
  readonly inputs: SymmetricInputs;
  readonly expected: SymmetricExpected;
}

interface Held {
  readonly key: 0 | 1;
  readonly counter: number;
  readonly masterKey: string;
}

interface Refused {
  readonly name: string;
  readonly transfer: number;
  readonly sealed: string;
  readonly outcome: string;
}

interface Vectors {
  readonly parties: VectorParties;
  readonly transfers: readonly Transfer[];
  readonly oaep: readonly {
    readonly hop: string;
    readonly to: RsaKeyName;
    readonly label: string;
    readonly plaintext: string;
    readonly ciphertext: string;
  }[];
  readonly envelopes: readonly ({ readonly bytes: string } & Record<string, string | number>)[];
  readonly clock: readonly (Readonly<Record<"created" | "until" | "now", number>> & {
    readonly name: string;
    readonly current: boolean;
  })[];
  readonly refused: {
    readonly offers: readonly {
      readonly name: string;
      readonly transfer: number;
      readonly held: Held | null;
      readonly envelope: string;
      readonly verdict: string;
    }[];
    readonly answers: readonly Refused[];
    readonly receipts: readonly Refused[];
    readonly sessions: readonly {
      readonly name: string;
      readonly transfer: number;
      readonly j: number;
      readonly body: string;
      readonly outcome: string;
    }[];
    readonly envelopes: readonly Omit<Refused & { readonly bytes: string }, "sealed">[];
  };
}

const vectors = readVectors("symmetric.json") as Vectors;
const { parties, transfers, refused } = vectors;

test("symmetric.json: identities and fingerprints are those of the seeds", () => {
  for (const { seed, id, fingerprint } of [parties.sender, parties.receiver]) {
    const identity = identityFromSeed(suite, bytes(seed));
    assert.deepEqual([hex(identity.id), hex(identity.fingerprint)], [id, fingerprint]);
    assert.equal(hex(fingerprintOf(suite, bytes(id))), fingerprint);
    const plain = party(unhex(seed));
    assert.deepEqual(
      [plain.id.toString("hex"), plain.fingerprint.toString("hex")],
      [id, fingerprint],
    );
  }
  const { seed, publicKey, fingerprint } = parties.relay;
  assert.equal(hex(suite.kemFromSeed(bytes(seed)).publicKey), publicKey);
  assert.equal(hex(relayFingerprint(suite, bytes(publicKey))), fingerprint);
  const plain = createHash("sha256").update(label("relay")).update(unhex(publicKey));
  assert.equal(plain.digest("hex"), fingerprint);
});

for (const { name, inputs, expected } of transfers) {
  test(`symmetric.json: plain node:crypto makes the bytes of ${name}`, () => {
    assert.deepEqual(plainSymmetric(plainPartiesOf(parties), inputs), expected);
  });

  test(`symmetric.json: the code makes the bytes of ${name}`, () => {
    assertCoreMakes(inputs, expected);
  });

  test(`symmetric.json: the receiver reads ${name}`, async () => {
    const { transfer, key, counter, masterKey } = inputs;
    const state = receive(transfer, { key, counter, masterKey }, expected.offer);
    assert.ok(state.kind === "ready", state.kind);
    assert.deepEqual(decodeHeader(bytes(transfer), state.header), headerOf(inputs.header));
    assert.equal(state.counter, counter);
    inputs.answers.forEach((answer, i) => {
      const opened = coreOpens("answer", state.keys, bytes(transfer), expected.answers[i]!.sealed);
      assert.deepEqual(opened, { ...answer, prefixDigest: bytes(answer.prefixDigest) });
    });
    const receipt = coreOpens("receipt", state.keys, bytes(transfer), expected.receipt.sealed);
    const { nextCounter, nextCheck } = expected;
    const body = { ...inputs.receipt, digest: bytes(inputs.receipt.digest) };
    assert.deepEqual(receipt, { ...body, counter: nextCounter, check: bytes(nextCheck) });
    const sink = wrappingSink(suite, state.keys);
    for (const [i, { j, sessionKey }] of inputs.sessions.entries())
      assert.equal(
        hex((await sink.open(j, bytes(expected.sessions[i]!.body))) ?? bytes("")),
        sessionKey,
      );
  });
}

function assertCoreMakes(inputs: SymmetricInputs, expected: SymmetricExpected): void {
  const context = contextOf(parties, inputs.transfer);
  const { transfer } = context;
  const source = inputs.key === 0 ? "fresh-rsa" : "kept";
  const outer = encodeSymmetricOuter(context, { source, counter: inputs.counter });
  const keys = deriveSymmetricKeys(context, outer, bytes(inputs.masterKey));
  const header = encodeHeader(transfer, headerOf(inputs.header));
  const sealedHeader = suite.seal(keys.header, SINGLE_USE_NONCE, outer, header);
  const offer = encodeTransferEnvelope({
    kind: "offer",
    transfer,
    outer,
    sealedHeader,
    content: new Uint8Array(0),
  });
  const { session: wrap, transcript, ...named } = keys;
  const hexKeys = Object.entries({ ...named, wrap }).map(([name, key]) => [name, hex(key)]);
  const check = nextKeyCheck(context, transcript, bytes(inputs.nextMasterKey));
  const counter = inputs.counter + 1;
  assert.deepEqual(
    {
      oaepLabels: coreLabels(inputs.transfer),
      outer: hex(outer),
      transcript: hex(transcript),
      prk: hex(suite.extract(transcript, bytes(inputs.masterKey))),
      keys: Object.fromEntries(hexKeys),
      header: hex(header),
      sealedHeader: hex(sealedHeader),
      offer: hex(offer),
      answers: inputs.answers.map((answer) => coreAnswer(keys, transfer, answer)),
      sessions: inputs.sessions.map(({ j, sessionKey }) => {
        const random = () => bytes(sessionKey);
        return { body: hex(wrappingSource({ ...suite, random }, keys).next(j).body) };
      }),
      nextCounter: counter,
      nextCheck: hex(check),
      receipt: coreReceipt(keys, transfer, { ...inputs.receipt, counter, check }),
    },
    {
      ...expected,
      answers: expected.answers.map(({ sealed, envelope }) => ({ sealed, envelope })),
      sessions: expected.sessions.map(({ body }) => ({ body })),
      receipt: { sealed: expected.receipt.sealed, envelope: expected.receipt.envelope },
    },
  );
}

function coreLabels(tid: string): SymmetricExpected["oaepLabels"] {
  const { transfer, sender, receiver } = contextOf(parties, tid);
  const ends = [sender.fingerprint, receiver.fingerprint] as const;
  const { up, down } = relayKeyLabels("this", transfer, ...ends);
  const next = relayKeyLabels("next", transfer, ...ends);
  return { up: hex(up), down: hex(down), nextUp: hex(next.up), nextDown: hex(next.down) };
}

test("symmetric.json: answers name every verdict", () => {
  const named = new Set(transfers[0]?.inputs.answers.map(({ verdict }) => verdict));
  assert.deepEqual([...named], Object.keys(VERDICTS));
});

test("symmetric.json: the kept transfer uses the key that the first one left", () => {
  const [first, kept] = transfers;
  assert.equal(kept?.inputs.masterKey, first?.inputs.nextMasterKey);
  assert.equal(kept?.inputs.counter, first?.expected.nextCounter);
});

test("symmetric.json: both hops of both master keys open under their labels alone (S-01)", () => {
  const labels = vectors.oaep.map((hop) => hop.label);
  assert.equal(new Set(labels).size, 4);
  assert.deepEqual(labels, Object.values(coreLabels(transfers[0]!.inputs.transfer)));
  for (const { to, plaintext, ciphertext, ...hop } of vectors.oaep)
    for (const each of labels) {
      const opened = decryptOaep(to, bytes(each), bytes(ciphertext));
      assert.equal(opened && hex(opened), each === hop.label ? plaintext : undefined, hop.hop);
    }
});

test("symmetric.json: envelopes are written and read", () => {
  for (const { bytes: expected, ...fields } of vectors.envelopes) {
    const binary = ["transfer", "frames"];
    const entries = Object.entries(fields).map(([name, value]) => [
      name,
      binary.includes(name) ? bytes(`${value}`) : value,
    ]);
    const envelope = decodeTransferEnvelope(bytes(expected));
    assert.deepEqual(envelope, Object.fromEntries(entries));
    assert.equal(hex(encodeTransferEnvelope(envelope)), expected);
  }
});

test("symmetric.json: isCurrent() judges the times at their borders (C-18)", () => {
  for (const { name, created, until, now, current } of vectors.clock) {
    const header = headerOf({ ...transfers[0]!.inputs.header, created, until });
    assert.equal(isCurrent(header, now as WallMs), current, name);
  }
});

test("symmetric.json: refused offers get their verdict (C-01, C-02, C-12, S-01)", () => {
  for (const { name, transfer, held, envelope, verdict } of refused.offers) {
    const tid = transfers[transfer]!.inputs.transfer;
    const state = receive(tid, held, envelope);
    assert.equal(verdictOf(bytes(tid), state), verdict, name);
  }
});

for (const what of ["answer", "receipt"] as const)
  test(`symmetric.json: refused ${what}s are refused as it says (C-01, C-12)`, () => {
    for (const { name, transfer, sealed, outcome } of refused[`${what}s`]) {
      const { inputs } = transfers[transfer]!;
      const keys = keysOf(inputs);
      const tid = bytes(inputs.transfer);
      assert.equal(
        outcomeOf(() => coreOpens(what, keys, tid, sealed)),
        outcome,
        name,
      );
    }
  });

test("symmetric.json: refused session bodies do not open (C-02, S-14)", async () => {
  for (const { name, transfer, j, body, outcome } of refused.sessions) {
    const sink = wrappingSink(suite, keysOf(transfers[transfer]!.inputs));
    const key = await sink.open(j, bytes(body));
    assert.equal(
      outcomeOf(() => key),
      outcome,
      name,
    );
  }
});

test("symmetric.json: refused envelopes are malformed (P-01, P-03)", () => {
  for (const each of refused.envelopes)
    assert.equal(
      outcomeOf(() => decodeTransferEnvelope(bytes(each.bytes))),
      each.outcome,
      each.name,
    );
});

function keysOf({ transfer, key, counter, masterKey }: SymmetricInputs) {
  const context = contextOf(parties, transfer);
  const source = key === 0 ? "fresh-rsa" : "kept";
  const outer = encodeSymmetricOuter(context, { source, counter });
  return deriveSymmetricKeys(context, outer, bytes(masterKey));
}

/** The receiver's exchange after an offer, with a master key from the relay or a kept one. */
function receive(transfer: string, held: Held | null, envelope: string): SymmetricReceiverState {
  const context = contextOf(parties, transfer);
  const offer = decodeTransferEnvelope(bytes(envelope));
  assert.ok(offer.kind === "offer");
  assert.equal(hex(offer.transfer), transfer);
  const key = bytes(held?.masterKey ?? "");
  if (held?.key === 0) {
    const { state } = receiveMasterKey(context, { kind: "idle" }, new Uint8Array(384));
    const input = { kind: "decrypted", plaintext: key, ownSpki: new Uint8Array(0) } as const;
    const holding = stepSymmetricReceiver(context, state, input);
    return receiveSymmetricOffer(context, holding.state, offer).state;
  }
  const { state } = receiveSymmetricOffer(context, { kind: "idle" }, offer);
  const kept = held === null ? undefined : { counter: held.counter, key };
  const input = { kind: "pair-key", kept, counter: held?.counter ?? 0 } as const;
  return stepSymmetricReceiver(context, state, input).state;
}

function verdictOf(transfer: Uint8Array, state: SymmetricReceiverState): string {
  if (state.kind !== "ready") return state.kind;
  const outcome = outcomeOf(() => decodeHeader(transfer, state.header));
  return outcome === "peer/malformed" ? "invalid" : "ready";
}

function outcomeOf(decode: () => unknown): string {
  try {
    return decode() === undefined ? "does not open" : "opens";
  } catch (error) {
    assert.ok(error instanceof PosternError);
    return error.code;
  }
}
