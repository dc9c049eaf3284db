/**
 * One transfer of the symmetric profile written out from docs/protocol.md 7.1 with
 * `plain-crypto.ts`, as hexadecimal. `vectors/symmetric.json` holds the same.
 *
 * @module
 */
import { extract, hkdf, label, lv, seal, sha256, uint, unhex } from "./plain-crypto.ts";
import { ZERO_NONCE, type party } from "./plain-crypto.ts";
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

type Party = ReturnType<typeof party>;

export interface PlainParties {
  readonly sender: Party;
  readonly receiver: Party;
  readonly relayFingerprint: Buffer;
}

export interface SymmetricInputs {
  readonly transfer: string;
  /** 0 fresh, 1 kept. */
  readonly key: 0 | 1;
  readonly counter: number;
  readonly masterKey: string;
  readonly header: HeaderInputs;
  readonly answers: readonly AnswerInputs[];
  readonly sessions: readonly { readonly j: number; readonly sessionKey: string }[];
  readonly nextMasterKey: string;
  readonly receipt: ReceiptInputs;
}

export interface SymmetricExpected {
  readonly oaepLabels: Readonly<Record<"up" | "down" | "nextUp" | "nextDown", string>>;
  readonly outer: string;
  readonly transcript: string;
  readonly prk: string;
  readonly keys: Readonly<Record<"header" | "answer" | "receipt" | "reverse" | "wrap", string>>;
  readonly header: string;
  readonly sealedHeader: string;
  readonly offer: string;
  readonly answers: readonly SealedUnit[];
  readonly sessions: readonly { readonly nonce: string; readonly body: string }[];
  readonly nextCounter: number;
  readonly nextCheck: string;
  readonly receipt: SealedUnit;
}

export function plainSymmetric(parties: PlainParties, inputs: SymmetricInputs): SymmetricExpected {
  const tid = unhex(inputs.transfer);
  const outer = plainSymmetricOuter(parties, inputs);
  const th = plainSymmetricTranscript(parties, outer);
  const key = (name: string): Buffer =>
    hkdf(th, unhex(inputs.masterKey), label(`symmetric ${name}`));
  const header = plainHeader(tid, inputs.header);
  const sealedHeader = seal(key("header"), ZERO_NONCE, outer, header);
  const nextCounter = inputs.counter + 1;
  const nextCheck = hkdf(th, unhex(inputs.nextMasterKey), label("symmetric next"));
  const names = ["header", "answer", "receipt", "reverse", "wrap"] as const;
  return {
    oaepLabels: {
      up: oaepLabel("sym-up", parties, tid),
      down: oaepLabel("sym-down", parties, tid),
      nextUp: oaepLabel("sym-next-up", parties, tid),
      nextDown: oaepLabel("sym-next-down", parties, tid),
    },
    outer: outer.toString("hex"),
    transcript: th.toString("hex"),
    prk: extract(th, unhex(inputs.masterKey)).toString("hex"),
    keys: Object.fromEntries(
      names.map((name) => [name, key(name).toString("hex")]),
    ) as SymmetricExpected["keys"],
    header: header.toString("hex"),
    sealedHeader: sealedHeader.toString("hex"),
    offer: plainOffer(tid, outer, sealedHeader).toString("hex"),
    answers: inputs.answers.map((answer) => plainAnswer(key("answer"), tid, answer)),
    sessions: inputs.sessions.map(({ j, sessionKey }) => {
      const nonce = Buffer.concat([Buffer.alloc(8), uint(j, 4)]);
      const body = seal(key("wrap"), nonce, th, unhex(sessionKey));
      return { nonce: nonce.toString("hex"), body: body.toString("hex") };
    }),
    nextCounter,
    nextCheck: nextCheck.toString("hex"),
    receipt: plainReceipt(key("receipt"), tid, inputs.receipt, nextCounter, nextCheck),
  };
}

function plainSymmetricOuter(
  { sender, receiver }: PlainParties,
  { transfer, key, counter }: Pick<SymmetricInputs, "transfer" | "key" | "counter">,
): Buffer {
  const start = [uint(1, 1), uint(1, 2), uint(1, 1), uint(key, 1), uint(counter, 8)];
  return Buffer.concat([...start, unhex(transfer), sender.fingerprint, receiver.fingerprint]);
}

function plainSymmetricTranscript(parties: PlainParties, outer: Buffer): Buffer {
  const { sender, receiver, relayFingerprint } = parties;
  const fields = [relayFingerprint, outer, sender.id, receiver.id];
  return sha256(label("symmetric transfer"), ...fields.map(lv));
}

function oaepLabel(use: string, { sender, receiver }: PlainParties, tid: Buffer): string {
  const fields = [label(use), tid, sender.fingerprint, receiver.fingerprint];
  return Buffer.concat(fields).toString("hex");
}
