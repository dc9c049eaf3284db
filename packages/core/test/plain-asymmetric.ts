/**
 * One transfer of the asymmetric profile written out from docs/protocol.md 7.2 with
 * `plain-crypto.ts`, as hexadecimal. `vectors/asymmetric.json` holds the same. What RSA makes by
 * chance, ciphertexts and the signature, is an input.
 *
 * @module
 */
import { certificate, hkdf, label, lv, seal, sha256, uint, unhex } from "./plain-crypto.ts";
import { extract, ZERO_NONCE } from "./plain-crypto.ts";
import type { PlainParties } from "./plain-symmetric.ts";
import {
  plainAnswer,
  plainHeader,
  plainOffer,
  plainReceipt,
  type AnswerInputs,
  type HeaderInputs,
  type ReceiptInputs,
  type SealedUnit,
} from "./plain-transfer.ts";

export interface AsymmetricParties extends PlainParties {
  readonly senderSeed: Buffer;
  readonly senderSpki: Buffer;
  readonly receiverSpki: Buffer;
}

export interface AsymmetricInputs {
  readonly transfer: string;
  readonly notAfter: number;
  readonly masterKey: string;
  readonly masterKeyCiphertext: string;
  readonly header: HeaderInputs;
  readonly signature: string;
  readonly answers: readonly AnswerInputs[];
  readonly sessions: readonly {
    readonly j: number;
    readonly secret: string;
    readonly body: string;
  }[];
  readonly receipt: ReceiptInputs;
}

export interface AsymmetricExpected {
  readonly oaepLabels: Readonly<Record<"masterKey" | "session", string>>;
  readonly certificate: string;
  readonly outer: string;
  readonly transcript: string;
  readonly prk: string;
  readonly keys: Readonly<Record<"header" | "answer" | "receipt" | "reverse" | "session", string>>;
  readonly header: string;
  readonly signed: string;
  readonly signatureMessage: string;
  readonly sealedHeader: string;
  readonly offer: string;
  readonly answers: readonly SealedUnit[];
  readonly sessionKeys: readonly string[];
  readonly receipt: SealedUnit;
}

export function plainAsymmetric(
  parties: AsymmetricParties,
  inputs: AsymmetricInputs,
): AsymmetricExpected {
  const tid = unhex(inputs.transfer);
  const ct = unhex(inputs.masterKeyCiphertext);
  const certified = certificate(parties.senderSeed, parties.senderSpki, inputs.notAfter);
  const outer = plainAsymmetricOuter(parties, tid, certified, ct);
  const th = plainAsymmetricTranscript(parties, outer);
  const mk = unhex(inputs.masterKey);
  const key = (name: string): Buffer => hkdf(th, mk, label(`asymmetric ${name}`));
  const header = plainHeader(tid, inputs.header);
  const signed = plainSigned(parties, header, ct);
  const inner = Buffer.concat([lv(header), unhex(inputs.signature)]);
  const sealedHeader = seal(key("header"), ZERO_NONCE, outer, inner);
  const names = ["header", "answer", "receipt", "reverse", "session"] as const;
  return {
    oaepLabels: {
      masterKey: Buffer.concat([label("asym-master"), tid]).toString("hex"),
      session: Buffer.concat([label("asym-session"), tid]).toString("hex"),
    },
    certificate: certified.toString("hex"),
    outer: outer.toString("hex"),
    transcript: th.toString("hex"),
    prk: extract(th, mk).toString("hex"),
    keys: Object.fromEntries(
      names.map((name) => [name, key(name).toString("hex")]),
    ) as AsymmetricExpected["keys"],
    header: header.toString("hex"),
    signed: signed.toString("hex"),
    signatureMessage: plainSignatureMessage(th, signed).toString("hex"),
    sealedHeader: sealedHeader.toString("hex"),
    offer: plainOffer(tid, outer, sealedHeader).toString("hex"),
    answers: inputs.answers.map((answer) => plainAnswer(key("answer"), tid, answer)),
    sessionKeys: inputs.sessions.map(({ j, secret }) => {
      const info = Buffer.concat([label("asymmetric session key"), uint(j, 4)]);
      return hkdf(key("session"), unhex(secret), info).toString("hex");
    }),
    receipt: plainReceipt(key("receipt"), tid, inputs.receipt, 0, Buffer.alloc(32)),
  };
}

function plainAsymmetricOuter(
  { sender, receiver }: PlainParties,
  tid: Buffer,
  certified: Buffer,
  ciphertext: Buffer,
): Buffer {
  const start = [uint(1, 1), uint(1, 2), uint(2, 1), tid, sender.fingerprint];
  return Buffer.concat([...start, receiver.fingerprint, lv(certified), ciphertext]);
}

function plainAsymmetricTranscript(
  { sender, receiver, receiverSpki, relayFingerprint }: AsymmetricParties,
  outer: Buffer,
): Buffer {
  const fields = [relayFingerprint, outer, sender.id, receiver.id, receiverSpki];
  return sha256(label("asymmetric transfer"), ...fields.map(lv));
}

function plainSigned(
  { sender, receiver }: PlainParties,
  header: Buffer,
  ciphertext: Buffer,
): Buffer {
  const ends = [sender.fingerprint, receiver.fingerprint];
  return Buffer.concat([header, ...ends, uint(2, 1), sha256(ciphertext)]);
}

function plainSignatureMessage(th: Buffer, signed: Buffer): Buffer {
  return Buffer.concat([label("asym header"), th, sha256(signed)]);
}
