/**
 * What a receiver signs end-to-end, receipts and resyncs, and HPKE's export, written out from
 * docs/protocol-end-to-end.md 7.3.3-7.3.5 and RFC 9180 5 with `plain-crypto.ts`, as hexadecimal.
 *
 * @module
 */
import { expand, extract, label, lv, party, seal, sha256, signed } from "./plain-crypto.ts";
import { uint, unhex, ZERO_NONCE } from "./plain-crypto.ts";
import { VERDICTS } from "./plain-transfer.ts";

const ALL_VERDICTS = { ...VERDICTS, interrupted: 12 } as const;

export interface EndToEndReceiptInputs {
  readonly verdict: keyof typeof ALL_VERDICTS;
  readonly total: number;
  /** `null`: that of the message in the offer. */
  readonly digest: string | null;
  /** Of the key that it offers. */
  readonly number: number;
  readonly salt: string;
}

export interface PlainReceipt {
  readonly key: string;
  readonly body: string;
  readonly signature: string;
  readonly sealed: string;
}

export interface ResyncInputs {
  /** `null`: the receiver knows no channel. */
  readonly epoch: number | null;
  readonly expected: number;
}

export function plainReceipts(
  receiverSeed: Buffer,
  receiptKey: Buffer,
  place: {
    readonly n: number;
    readonly epoch: number;
    readonly channel: Buffer;
    readonly transcript: Buffer;
    readonly contentDigest: Buffer;
  },
  receipt: EndToEndReceiptInputs & { readonly kid: Buffer; readonly publicKey: Buffer },
): PlainReceipt {
  const { n, epoch, channel, transcript, contentDigest } = place;
  const body = Buffer.concat([
    uint(ALL_VERDICTS[receipt.verdict], 1),
    uint(receipt.total, 8),
    receipt.digest === null ? contentDigest : unhex(receipt.digest),
    uint(receipt.number, 4),
    receipt.kid,
    receipt.publicKey,
  ]);
  const prefix = Buffer.concat([
    uint(1, 1),
    uint(1, 2),
    uint(3, 1),
    uint(n, 4),
    uint(epoch, 8),
    channel,
  ]);
  const signature = signed(receiverSeed, Buffer.concat([label("ack"), transcript, sha256(body)]));
  const salt = unhex(receipt.salt);
  const key = expand(receiptKey, Buffer.concat([label("e2e salted receipt"), salt]));
  const text = Buffer.concat([lv(body), signature]);
  const box = seal(key, ZERO_NONCE, Buffer.concat([prefix, transcript]), text);
  const sealed = Buffer.concat([prefix, salt, box]);
  return {
    key: key.toString("hex"),
    body: body.toString("hex"),
    signature: signature.toString("hex"),
    sealed: sealed.toString("hex"),
  };
}

export function plainResync(
  seeds: { readonly sender: string; readonly receiver: string },
  offer: { readonly outer: string; readonly sealedHeader: string },
  { epoch, expected }: ResyncInputs,
): string {
  const ends = [seeds.sender, seeds.receiver].map((seed) => party(unhex(seed)).fingerprint);
  const digest = sha256(lv(unhex(offer.outer)), lv(unhex(offer.sealedHeader)));
  const numbers = [uint(epoch ?? 0, 8), uint(expected, 4)];
  const state = Buffer.concat([uint(1, 1), uint(1, 2), ...ends, digest, ...numbers]);
  const signature = signed(unhex(seeds.receiver), Buffer.concat([label("resync"), state]));
  return Buffer.concat([state, signature]).toString("hex");
}

const HPKE_SUITE = Buffer.concat([Buffer.from("HPKE"), uint(0x647a, 2), uint(1, 2), uint(2, 2)]);
const HPKE_VERSION = Buffer.from("HPKE-v1");

/** 32 bytes; mode_base when `psk` is empty. */
export function plainHpkeExport(
  secret: Buffer,
  info: Buffer,
  psk: Buffer,
  pskUse: string,
  exporterContext: Buffer,
): Buffer {
  const pskId = psk.length === 0 ? Buffer.alloc(0) : label(pskUse);
  const mode = uint(psk.length === 0 ? 0 : 1, 1);
  const none = Buffer.alloc(0);
  const hashes = [hpkeExtract(none, "psk_id_hash", pskId), hpkeExtract(none, "info_hash", info)];
  const context = Buffer.concat([mode, ...hashes]);
  const exporter = hpkeExpand(hpkeExtract(secret, "secret", psk), "exp", context);
  return hpkeExpand(exporter, "sec", exporterContext);
}

function hpkeExtract(salt: Buffer, name: string, secret: Buffer): Buffer {
  return extract(salt, Buffer.concat([HPKE_VERSION, HPKE_SUITE, Buffer.from(name), secret]));
}

function hpkeExpand(key: Buffer, name: string, info: Buffer): Buffer {
  const parts = [uint(32, 2), HPKE_VERSION, HPKE_SUITE, Buffer.from(name), info];
  return expand(key, Buffer.concat(parts));
}
