/**
 * `vectors/asymmetric.json`: docs/protocol.md 7.2 and 9. Each value three times: as the file has
 * it, as the code makes it, and as `node:crypto` makes it from the text.
 */
import assert from "node:assert/strict";
import { constants, createPublicKey, verify } from "node:crypto";
import { test } from "node:test";
import { equalBytes, hex } from "../src/bytes.ts";
import { nobleSuite as suite } from "../src/crypto/noble-suite.ts";
import { PosternError } from "../src/errors.ts";
import {
  deriveAsymmetricKeys,
  masterKeyLabel,
  signedHeader,
} from "../src/exchange/asymmetric/keys.ts";
import {
  decryptingSink,
  encryptingSource,
  sessionSecretLabel,
} from "../src/exchange/asymmetric/oaep-session-keys.ts";
import { encodeAsymmetricOuter } from "../src/exchange/asymmetric/outer.ts";
import {
  receiveAsymmetricOffer,
  stepAsymmetricReceiver,
  type AsymmetricReceiverState,
} from "../src/exchange/asymmetric/receiver.ts";
import { startAsymmetricSender, stepAsymmetricSender } from "../src/exchange/asymmetric/sender.ts";
import type { ExchangeEffect } from "../src/exchange/steps.ts";
import { decodeRsaCertificate, encodeRsaCertificate, identityFromSeed } from "../src/identity.ts";
import type { WallMs } from "../src/time.ts";
import { decodeTransferEnvelope, encodeTransferEnvelope } from "../src/transfer/envelope.ts";
import { decodeHeader, encodeHeader } from "../src/transfer/header.ts";
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
  rsaKeys,
  type VectorParties,
} from "./exchange-vectors.ts";
import {
  plainAsymmetric,
  type AsymmetricExpected,
  type AsymmetricInputs,
} from "./plain-asymmetric.ts";

interface Vectors {
  readonly parties: VectorParties;
  readonly inputs: AsymmetricInputs;
  readonly expected: AsymmetricExpected;
  readonly verifiedAtMs: number;
  readonly refused: {
    readonly offers: readonly {
      readonly name: string;
      readonly envelope: string;
      readonly verdict: string;
    }[];
    readonly sessions: readonly {
      readonly name: string;
      readonly j: number;
      readonly body: string;
      readonly outcome: string;
    }[];
  };
}

const vectors = readVectors("asymmetric.json") as Vectors;
const { parties, inputs, expected, refused } = vectors;
const context = contextOf(parties, inputs.transfer);
const { transfer } = context;
const senderSpki = bytes(rsaKeys.sender.spki);
const receiverSpki = bytes(rsaKeys.receiver.spki);

test("asymmetric.json: plain node:crypto makes its bytes", () => {
  const plain = {
    ...plainPartiesOf(parties),
    senderSeed: Buffer.from(parties.sender.seed, "hex"),
    senderSpki: Buffer.from(senderSpki),
    receiverSpki: Buffer.from(receiverSpki),
  };
  assert.deepEqual(plainAsymmetric(plain, inputs), expected);
});

test("asymmetric.json: the test keys are what they say", () => {
  for (const name of ["relay", "sender", "receiver"] as const) {
    const key = createPublicKey({ key: bytesOf(rsaKeys[name].spki), format: "der", type: "spki" });
    assert.deepEqual(key.asymmetricKeyDetails, { modulusLength: 3_072, publicExponent: 65_537n });
    const { ciphertext, label } = vectorCiphertext();
    const opened = decryptOaep(name, label, ciphertext);
    assert.equal(opened && hex(opened), name === "receiver" ? inputs.masterKey : undefined, name);
  }
});

test("asymmetric.json: the signature is the sender's PSS over the message", () => {
  assert.ok(verifyPss(senderSpki, bytes(expected.signatureMessage), bytes(inputs.signature)));
  assert.ok(!verifyPss(receiverSpki, bytes(expected.signatureMessage), bytes(inputs.signature)));
});

test("asymmetric.json: the code makes its bytes", () => {
  const identity = identityFromSeed(suite, bytes(parties.sender.seed));
  const notAfter = inputs.notAfter as WallMs;
  const certificate = encodeRsaCertificate(suite, identity, senderSpki, notAfter);
  const ciphertext = bytes(inputs.masterKeyCiphertext);
  const outer = encodeAsymmetricOuter(context, { certificate, ciphertext });
  const keys = deriveAsymmetricKeys(context, outer, receiverSpki, bytes(inputs.masterKey));
  const { transcript, ...named } = keys;
  const header = encodeHeader(transfer, headerOf(inputs.header));
  const counter = 0;
  const check = new Uint8Array(32);
  assert.deepEqual(
    {
      oaepLabels: {
        masterKey: hex(masterKeyLabel(transfer)),
        session: hex(sessionSecretLabel(transfer)),
      },
      certificate: hex(certificate),
      outer: hex(outer),
      transcript: hex(transcript),
      prk: hex(suite.extract(transcript, bytes(inputs.masterKey))),
      keys: Object.fromEntries(Object.entries(named).map(([name, key]) => [name, hex(key)])),
      header: hex(header),
      signatureMessage: hex(signedHeader(context, transcript, header, ciphertext)),
      answers: inputs.answers.map((answer) => coreAnswer(keys, transfer, answer)),
      sessionKeys: inputs.sessions.map(({ j, secret, body }) => {
        const take = () => ({ secret: bytes(secret), body: bytes(body) });
        return hex(encryptingSource(suite, keys, take).next(j).key);
      }),
      receipt: coreReceipt(keys, transfer, { ...inputs.receipt, counter, check }),
    },
    expectedOfCode(),
  );
});

test("asymmetric.json: the sender's exchange makes the offer", () => {
  const masterKey = bytes(inputs.masterKey);
  const header = bytes(expected.header);
  const sending = { ...context, header, suite: { ...suite, random: () => masterKey } };
  const start = startAsymmetricSender(sending);
  assert.equal(hex(effectOf(start.effects, "seal-to-peer").plaintext), inputs.masterKey);
  const sealed = stepAsymmetricSender(sending, start.state, {
    kind: "sealed-to-peer",
    ciphertext: bytes(inputs.masterKeyCiphertext),
    ownCertificate: bytes(expected.certificate),
    peerSpki: receiverSpki,
  });
  assert.equal(hex(effectOf(sealed.effects, "sign").message), expected.signatureMessage);
  const signature = bytes(inputs.signature);
  const { state } = stepAsymmetricSender(sending, sealed.state, { kind: "signed", signature });
  assert.ok(state.kind === "ready");
  const { outer, sealedHeader } = state;
  assert.equal(hex(sealedHeader), expected.sealedHeader);
  const offer = encodeTransferEnvelope({
    kind: "offer",
    transfer,
    outer,
    sealedHeader,
    content: new Uint8Array(0),
  });
  assert.equal(hex(offer), expected.offer);
});

test("asymmetric.json: the receiver reads the offer, answers, receipt and session keys", async () => {
  const state = receive(expected.offer);
  assert.ok(state.kind === "ready", state.kind);
  assert.deepEqual(decodeHeader(transfer, state.header), headerOf(inputs.header));
  for (const [i, answer] of inputs.answers.entries())
    assert.deepEqual(coreOpens("answer", state.keys, transfer, expected.answers[i]!.sealed), {
      ...answer,
      prefixDigest: bytes(answer.prefixDigest),
    });
  assert.deepEqual(coreOpens("receipt", state.keys, transfer, expected.receipt.sealed), {
    total: inputs.receipt.total,
    digest: bytes(inputs.receipt.digest),
    counter: 0,
    check: new Uint8Array(32),
  });
  const sink = sinkOf(state.keys);
  for (const [i, { j, body }] of inputs.sessions.entries())
    assert.equal(hex((await sink.open(j, bytes(body)))!), expected.sessionKeys[i]);
});

test("asymmetric.json: refused offers get their verdict (C-01, C-12, C-18, S-01, S-10)", () => {
  for (const { name, envelope, verdict } of refused.offers)
    assert.equal(verdictOf(receive(envelope)), verdict, name);
});

test("asymmetric.json: refused session bodies do not open (C-12, S-01)", async () => {
  const { keys } = keysOf();
  for (const { name, j, body, outcome } of refused.sessions) {
    const key = await sinkOf(keys).open(j, bytes(body));
    assert.equal(key === undefined ? "does not open" : "opens", outcome, name);
  }
});

test("asymmetric.json: a session secret of somebody else gives a key nobody else has", async () => {
  const { j, body } = inputs.sessions[0]!;
  const withoutSessionKey = await sinkOf({ session: new Uint8Array(32) }).open(j, bytes(body));
  assert.ok(withoutSessionKey !== undefined);
  assert.notEqual(hex(withoutSessionKey), expected.sessionKeys[0]);
});

function expectedOfCode() {
  const { signed, sealedHeader, offer, ...values } = expected;
  assert.ok(signed.startsWith(expected.header) && offer.endsWith(sealedHeader));
  const { sealed, envelope } = expected.receipt;
  return {
    ...values,
    answers: expected.answers.map((answer) => ({
      sealed: answer.sealed,
      envelope: answer.envelope,
    })),
    receipt: { sealed, envelope },
  };
}

function keysOf() {
  const outer = bytes(expected.outer);
  return { keys: deriveAsymmetricKeys(context, outer, receiverSpki, bytes(inputs.masterKey)) };
}

function sinkOf(keys: { readonly session: Uint8Array }) {
  return decryptingSink(suite, keys, async (body) =>
    decryptOaep("receiver", sessionSecretLabel(transfer), body),
  );
}

/** The receiver's exchange with the RSA work done by `node:crypto`. */
function receive(envelope: string): AsymmetricReceiverState {
  const offer = decodeTransferEnvelope(bytes(envelope));
  assert.ok(offer.kind === "offer" && equalBytes(offer.transfer, transfer));
  let step = receiveAsymmetricOffer(context, { kind: "idle" }, offer);
  for (let effect = step.effects[0]; effect !== undefined; effect = step.effects[0])
    step = stepAsymmetricReceiver(context, step.state, perform(effect));
  return step.state;
}

function perform(effect: ExchangeEffect) {
  if (effect.kind === "decrypt") {
    const plaintext = decryptOaep("receiver", effect.label, effect.ciphertext);
    return { kind: "decrypted", plaintext, ownSpki: receiverSpki } as const;
  }
  assert.ok(effect.kind === "verify", effect.kind);
  const now = vectors.verifiedAtMs as WallMs;
  const certified = decodeRsaCertificate(suite, context.sender.id, effect.certificate, now);
  const valid =
    certified !== undefined && verifyPss(certified.spki, effect.message, effect.signature);
  return { kind: "verified", valid } as const;
}

function verifyPss(spki: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  const key = createPublicKey({ key: Buffer.from(spki), format: "der", type: "spki" });
  const padding = constants.RSA_PKCS1_PSS_PADDING;
  return verify("sha256", message, { key, padding, saltLength: 32 }, signature);
}

function verdictOf(state: AsymmetricReceiverState): string {
  if (state.kind !== "ready") return state.kind;
  try {
    decodeHeader(transfer, state.header);
    return "ready";
  } catch (error) {
    assert.ok(error instanceof PosternError && error.code === "peer/malformed");
    return "invalid";
  }
}

function effectOf<K extends ExchangeEffect["kind"]>(effects: readonly ExchangeEffect[], kind: K) {
  const effect = effects.find((each) => each.kind === kind);
  return effect as Extract<ExchangeEffect, { readonly kind: K }>;
}

function vectorCiphertext() {
  return {
    label: bytes(expected.oaepLabels.masterKey),
    ciphertext: bytes(inputs.masterKeyCiphertext),
  };
}

function bytesOf(text: string): Buffer {
  return Buffer.from(text, "hex");
}
