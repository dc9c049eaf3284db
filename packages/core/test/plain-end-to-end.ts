/**
 * The end-to-end profile written out from docs/protocol-end-to-end.md 7.3 with `plain-crypto.ts`,
 * as hexadecimal: key packages and whole channels. Only the numbers of X-Wing come from a library,
 * the one that lets the caller choose its chance. `vectors/end-to-end.json` holds the same.
 *
 * @module
 */
import { ml_kem768_x25519 as xwing } from "@noble/post-quantum/hybrid.js";
import { expand, label, lv, party, seal, sha256, signed, uint, unhex } from "./plain-crypto.ts";
import { ZERO_NONCE } from "./plain-crypto.ts";
import { plainHpkeExport, plainReceipts, type EndToEndReceiptInputs } from "./plain-receipts.ts";
import type { PlainReceipt } from "./plain-receipts.ts";
import { plainHeader, plainOffer, VERDICTS } from "./plain-transfer.ts";
import type { AnswerInputs, HeaderInputs, SealedUnit } from "./plain-transfer.ts";

export interface EndToEndSeeds {
  readonly sender: string;
  readonly receiver: string;
}

export interface PackageInputs {
  readonly owner: keyof EndToEndSeeds;
  readonly type: "one-time" | "last-resort" | "reply";
  readonly kid: string;
  /** Of the X-Wing key. */
  readonly seed: string;
  readonly notBefore: number;
  readonly notAfter: number;
  readonly profiles: number;
}

export interface ChannelInputs {
  readonly epoch: number;
  /** The receiver's package, whole, and the seed of its key. */
  readonly package: string;
  readonly pairingSecret: string | null;
  /** The keys that the receiver offers in its receipts, number 1 first. */
  readonly keys: readonly { readonly kid: string; readonly seed: string }[];
  readonly transfers: readonly EndToEndInputs[];
}

export interface EndToEndInputs {
  readonly transfer: string;
  /** Number of the key that the offer is made under; 0 is the package's. */
  readonly key: number;
  /** 64 bytes that X-Wing's encapsulation draws; `ct` itself in an OPEN under key 0. */
  readonly chance: string;
  readonly header: HeaderInputs;
  readonly replyPackage: string;
  /** Text of a message that rides in the offer. */
  readonly message: string | null;
  /** The receiver's, of answer and reverse frames. */
  readonly salt: string;
  /** Each as if it were the only one. */
  readonly answers: readonly AnswerInputs[];
  readonly receipts: readonly EndToEndReceiptInputs[];
}

export interface EndToEndExpected {
  readonly secret: string;
  readonly outer: string;
  readonly transcript: string;
  readonly masterKey: string;
  readonly keys: Readonly<Record<(typeof KEYS)[number], string>>;
  /** SK_1 to SK_3. */
  readonly sessionKeys: readonly string[];
  readonly header: string;
  readonly signed: string;
  readonly signatureMessage: string;
  readonly signature: string;
  readonly sealedPlaintext: string;
  readonly sealedHeader: string;
  readonly content: string;
  readonly contentDigest: string;
  readonly offer: string;
  readonly saltedKeys: Readonly<Record<"answer" | "reverse", string>>;
  readonly answers: readonly SealedUnit[];
  readonly receipts: readonly PlainReceipt[];
}

const KEYS = ["header", "answer", "receipt", "reverse", "session chain", "next"] as const;
const PACKAGE_TYPES = ["one-time", "last-resort", "reply"] as const;
/** Where kid and kem_pk stand in a package: after version, suite and type. */
const KID_AT = 4;
const KEM_AT = KID_AT + 16;

export function plainPackage(seeds: EndToEndSeeds, inputs: PackageInputs): string {
  const seed = unhex(seeds[inputs.owner]);
  const body = Buffer.concat([
    uint(1, 1),
    uint(1, 2),
    uint(PACKAGE_TYPES.indexOf(inputs.type), 1),
    unhex(inputs.kid),
    plainKemKey(inputs.seed),
    uint(inputs.notBefore, 8),
    uint(inputs.notAfter, 8),
    uint(inputs.profiles, 1),
    party(seed).id,
  ]);
  const signature = signed(seed, Buffer.concat([label("pkg"), body]));
  return Buffer.concat([body, signature]).toString("hex");
}

/** The public key of an X-Wing seed. */
export function plainKemKey(seed: string): Buffer {
  return Buffer.from(xwing.getPublicKey(unhex(seed)));
}

/** What a transfer of a channel takes from the one before. */
interface Before {
  readonly n: number;
  /** th_0 */
  readonly channel: Buffer;
  readonly transcript: Buffer;
  readonly chainKey: Buffer;
}

export function plainChannel(seeds: EndToEndSeeds, inputs: ChannelInputs): EndToEndExpected[] {
  let before: Before | undefined;
  return inputs.transfers.map((transfer) => {
    const made = plainTransferOf(seeds, inputs, transfer, before);
    const transcript = unhex(made.transcript);
    const chainKey = unhex(made.keys.next);
    const channel = before?.channel ?? transcript;
    before = { n: (before?.n ?? -1) + 1, channel, transcript, chainKey };
    return made;
  });
}

function plainTransferOf(
  seeds: EndToEndSeeds,
  channel: ChannelInputs,
  inputs: EndToEndInputs,
  before: Before | undefined,
): EndToEndExpected {
  const tid = unhex(inputs.transfer);
  const n = before === undefined ? 0 : before.n + 1;
  const { kid, publicKey } = plainKeyOf(channel, inputs.key);
  const { ciphertext, secret } = plainEncapsulation(inputs, n, publicKey);
  const { outer, transcript } = plainOuter(seeds, channel, { tid, n, kid, ciphertext, before });
  const psk = before?.chainKey ?? unhex(channel.pairingSecret ?? "");
  const pskUse = before === undefined ? "e2e pair" : "e2e chain";
  const info = Buffer.concat([label("e2e"), transcript]);
  const masterKey = plainHpkeExport(secret, info, psk, pskUse, label("e2e master"));
  const key = (name: string): Buffer => expand(masterKey, label(`e2e ${name}`));
  const sessionKeys = plainSessionKeys(key("session chain"));
  const sealed = plainSealedHeader(seeds, inputs, transcript, key("header"), outer);
  const aad = Buffer.concat([transcript, Buffer.from("message", "latin1")]);
  const content =
    inputs.message === null
      ? Buffer.alloc(0)
      : seal(sessionKeys[0]!, ZERO_NONCE, aad, plainMessage(inputs.message));
  const offer = Buffer.concat([plainOffer(tid, outer, sealed.sealedHeader), content]);
  const salted = (use: "answer" | "reverse"): Buffer =>
    expand(key(use), Buffer.concat([label(`e2e salted ${use}`), unhex(inputs.salt)]));
  const receiptPlace = {
    n,
    epoch: channel.epoch,
    channel: before?.channel ?? transcript,
    transcript,
    contentDigest: sha256(content.subarray(-16)),
  };
  const hexOf = (bytes: Buffer): string => bytes.toString("hex");
  return {
    secret: hexOf(secret),
    outer: hexOf(outer),
    transcript: hexOf(transcript),
    masterKey: hexOf(masterKey),
    keys: Object.fromEntries(
      KEYS.map((name) => [name, hexOf(key(name))]),
    ) as EndToEndExpected["keys"],
    sessionKeys: sessionKeys.map(hexOf),
    header: hexOf(plainHeader(tid, inputs.header)),
    signed: hexOf(sealed.signedPart),
    signatureMessage: hexOf(sealed.signatureMessage),
    signature: hexOf(sealed.signature),
    sealedPlaintext: hexOf(sealed.padded),
    sealedHeader: hexOf(sealed.sealedHeader),
    content: hexOf(content),
    contentDigest: content.length === 0 ? "" : hexOf(receiptPlace.contentDigest),
    offer: hexOf(offer),
    saltedKeys: { answer: hexOf(salted("answer")), reverse: hexOf(salted("reverse")) },
    answers: inputs.answers.map((each) => plainSaltedAnswer(salted("answer"), tid, inputs, each)),
    receipts: inputs.receipts.map((receipt) =>
      plainReceipts(unhex(seeds.receiver), key("receipt"), receiptPlace, {
        ...receipt,
        ...plainKeyOf(channel, receipt.number),
      }),
    ),
  };
}

function plainKeyOf(channel: ChannelInputs, number: number) {
  if (number > 0) {
    const { kid, seed } = channel.keys[number - 1]!;
    return { kid: unhex(kid), publicKey: plainKemKey(seed) };
  }
  const encoded = unhex(channel.package);
  return {
    kid: encoded.subarray(KID_AT, KEM_AT),
    publicKey: encoded.subarray(KEM_AT, KEM_AT + 1216),
  };
}

function plainEncapsulation({ key, chance }: EndToEndInputs, n: number, publicKey: Buffer) {
  if (n > 0 && key === 0) return { ciphertext: unhex(chance), secret: Buffer.alloc(32) };
  const { cipherText, sharedSecret } = xwing.encapsulate(publicKey, unhex(chance));
  return { ciphertext: Buffer.from(cipherText), secret: Buffer.from(sharedSecret) };
}

function plainOuter(
  seeds: EndToEndSeeds,
  channel: ChannelInputs,
  offer: {
    readonly tid: Buffer;
    readonly n: number;
    readonly kid: Buffer;
    readonly ciphertext: Buffer;
    readonly before: Before | undefined;
  },
): { readonly outer: Buffer; readonly transcript: Buffer } {
  const { tid, n, kid, ciphertext, before } = offer;
  const sender = party(unhex(seeds.sender));
  const receiver = party(unhex(seeds.receiver));
  const init = channel.pairingSecret === null ? 0 : 2;
  const numbers = [uint(1, 1), uint(1, 2), uint(3, 1), uint(n === 0 ? init : 1, 1), uint(n, 4)];
  const names = [uint(channel.epoch, 8), kid, tid, sender.fingerprint, receiver.fingerprint];
  const clear = Buffer.concat([...numbers, ...names]);
  const fields =
    before === undefined
      ? [label("e2e init"), lv(clear), lv(sender.id), lv(receiver.id), lv(unhex(channel.package))]
      : [label("e2e open"), lv(clear), before.channel, before.transcript];
  const publicKey = before === undefined ? [] : [lv(publicKeyOf(channel, kid))];
  const transcript = sha256(...fields, ...publicKey, lv(ciphertext));
  return { outer: Buffer.concat([clear, ciphertext]), transcript };
}

function publicKeyOf(channel: ChannelInputs, kid: Buffer): Buffer {
  const numbers = [0, ...channel.keys.map((_, i) => i + 1)];
  return numbers.map((i) => plainKeyOf(channel, i)).find((key) => key.kid.equals(kid))!.publicKey;
}

function plainSessionKeys(first: Buffer): readonly Buffer[] {
  const second = expand(first, label("e2e session next"));
  const third = expand(second, label("e2e session next"));
  return [first, second, third].map((chain) => expand(chain, label("e2e session key")));
}

function plainSealedHeader(
  seeds: EndToEndSeeds,
  { transfer, header, replyPackage }: EndToEndInputs,
  transcript: Buffer,
  key: Buffer,
  outer: Buffer,
) {
  const encoded = plainHeader(unhex(transfer), header);
  const ends = [seeds.sender, seeds.receiver].map((seed) => party(unhex(seed)).fingerprint);
  const signedPart = Buffer.concat([encoded.subarray(0, 33), ...ends, lv(unhex(replyPackage))]);
  const signatureMessage = Buffer.concat([label("hdr"), transcript, sha256(signedPart)]);
  const signature = signed(unhex(seeds.sender), signatureMessage);
  const text = Buffer.concat([lv(signedPart), signature, lv(encoded)]);
  const padded = Buffer.concat([text, Buffer.alloc((256 - (text.length % 256)) % 256)]);
  const sealedHeader = seal(key, ZERO_NONCE, outer, padded);
  return { signedPart, signatureMessage, signature, padded, sealedHeader };
}

/** docs/protocol.md 9: 256 bytes or the next power of two. */
function plainMessage(text: string): Buffer {
  const content = lv(Buffer.from(text, "utf8"));
  const size = Math.max(256, 2 ** Math.ceil(Math.log2(content.length)));
  return Buffer.concat([content, Buffer.alloc(size - content.length)]);
}

function plainSaltedAnswer(
  key: Buffer,
  tid: Buffer,
  { salt }: EndToEndInputs,
  { verdict, offset, prefixDigest }: AnswerInputs,
): SealedUnit {
  const associatedData = Buffer.concat([uint(2, 1), tid, uint(1, 1)]);
  const parts = [uint(VERDICTS[verdict], 1), uint(offset, 8), unhex(prefixDigest)];
  const plaintext = Buffer.concat(parts);
  const sealed = Buffer.concat([unhex(salt), seal(key, ZERO_NONCE, associatedData, plaintext)]);
  return {
    plaintext: plaintext.toString("hex"),
    associatedData: associatedData.toString("hex"),
    sealed: sealed.toString("hex"),
    envelope: Buffer.concat([associatedData, sealed]).toString("hex"),
  };
}
