/**
 * The files `vectors/symmetric.json` and `vectors/asymmetric.json`, and what tests need to hold the
 * code against them: hexadecimal in and out, contexts, test keys.
 *
 * @module
 */
import { readFileSync } from "node:fs";
import { constants, createPrivateKey, privateDecrypt } from "node:crypto";
import { join } from "node:path";
import { nobleSuite as suite } from "../src/crypto/noble-suite.ts";
import type { ExchangeContext } from "../src/exchange/context.ts";
import type { TransferKeys } from "../src/exchange/transfer-keys.ts";
import { openAnswer, openReceipt, sealAnswer, sealReceipt } from "../src/transfer/answer.ts";
import { encodeTransferEnvelope } from "../src/transfer/envelope.ts";
import type { TransferHeader } from "../src/transfer/header.ts";
import type { WallMs } from "../src/time.ts";
import type { PlainParties } from "./plain-symmetric.ts";
import type { AnswerInputs, HeaderInputs, ReceiptInputs, SealedUnit } from "./plain-transfer.ts";

export interface VectorParty {
  readonly seed: string;
  readonly id: string;
  readonly fingerprint: string;
}

export interface VectorParties {
  readonly sender: VectorParty;
  readonly receiver: VectorParty;
  readonly relay: {
    readonly seed: string;
    readonly publicKey: string;
    readonly fingerprint: string;
  };
}

export type RsaKeyName = "relay" | "sender" | "receiver";
type RsaKeys = Readonly<Record<RsaKeyName, { readonly spki: string; readonly pkcs8: string }>>;

export function readVectors(name: string): unknown {
  const path = join(import.meta.dirname, "../../../vectors", name);
  return JSON.parse(readFileSync(path, "utf8"));
}

export const rsaKeys = readVectors("rsa-keys.json") as RsaKeys;

export function bytes(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text, "hex"));
}

export function plainPartiesOf({ sender, receiver, relay }: VectorParties): PlainParties {
  const plain = ({ id, fingerprint }: VectorParty) => ({
    id: Buffer.from(id, "hex"),
    fingerprint: Buffer.from(fingerprint, "hex"),
  });
  const relayFingerprint = Buffer.from(relay.fingerprint, "hex");
  return { sender: plain(sender), receiver: plain(receiver), relayFingerprint };
}

export function contextOf(parties: VectorParties, transfer: string): ExchangeContext {
  const party = ({ id, fingerprint }: VectorParty) => ({
    id: bytes(id),
    fingerprint: bytes(fingerprint),
  });
  return {
    suite,
    relayFingerprint: bytes(parties.relay.fingerprint),
    sender: party(parties.sender),
    receiver: party(parties.receiver),
    transfer: bytes(transfer),
  };
}

export function headerOf(inputs: HeaderInputs): TransferHeader {
  const { kind, contentId, signed, name, size, manifest } = inputs;
  const told = { kind, signed, name, size: size ?? undefined, manifest: manifest ?? undefined };
  return {
    content: { ...told, contentId: bytes(contentId) },
    created: inputs.created as WallMs,
    until: inputs.until as WallMs,
    sessionSeconds: inputs.sessionSeconds,
  };
}

/** What RSA-OAEP opens with one of the test keys; `undefined` for what does not open. */
export function decryptOaep(
  key: RsaKeyName,
  oaepLabel: Uint8Array,
  ciphertext: Uint8Array,
): Uint8Array | undefined {
  const padding = constants.RSA_PKCS1_OAEP_PADDING;
  try {
    const options = { key: rsaPrivateKey(key), padding, oaepHash: "sha256", oaepLabel };
    return new Uint8Array(privateDecrypt(options, ciphertext));
  } catch {
    return undefined;
  }
}

function rsaPrivateKey(key: RsaKeyName) {
  const pkcs8 = Buffer.from(rsaKeys[key].pkcs8, "hex");
  return createPrivateKey({ key: pkcs8, format: "der", type: "pkcs8" });
}

/** The sealed answer as the code makes it; what is inside is checked by opening it again. */
export function coreAnswer(
  keys: TransferKeys,
  transfer: Uint8Array,
  inputs: AnswerInputs,
): Pick<SealedUnit, "sealed" | "envelope"> {
  const { verdict, offset } = inputs;
  const answer = { verdict, offset, prefixDigest: bytes(inputs.prefixDigest) };
  const sealed = sealAnswer(suite, keys.answer, transfer, answer);
  return unitOf(sealed, encodeTransferEnvelope({ kind: "answer", transfer, sealed }));
}

export function coreReceipt(
  keys: TransferKeys,
  transfer: Uint8Array,
  inputs: ReceiptInputs & { readonly counter: number; readonly check: Uint8Array },
): Pick<SealedUnit, "sealed" | "envelope"> {
  const receipt = { ...inputs, digest: bytes(inputs.digest) };
  const sealed = sealReceipt(suite, keys.receipt, transfer, receipt);
  return unitOf(sealed, encodeTransferEnvelope({ kind: "receipt", transfer, sealed }));
}

/** `undefined` when it does not open. */
export function coreOpens(
  what: "answer" | "receipt",
  keys: TransferKeys,
  transfer: Uint8Array,
  sealed: string,
) {
  return what === "answer"
    ? openAnswer(suite, keys.answer, transfer, bytes(sealed))
    : openReceipt(suite, keys.receipt, transfer, bytes(sealed));
}

function unitOf(sealed: Uint8Array, envelope: Uint8Array) {
  return {
    sealed: Buffer.from(sealed).toString("hex"),
    envelope: Buffer.from(envelope).toString("hex"),
  };
}
