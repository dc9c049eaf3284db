/**
 * One pairing written out from docs/protocol-pairing.md 10 and the CPace draft with `node:crypto`,
 * and noble for the group alone; as hexadecimal. `vectors/pairing.json` holds the same.
 *
 * @module
 */
import { ristretto255, ristretto255_hasher } from "@noble/curves/ed25519.js";
import { createHash, createHmac } from "node:crypto";
import {
  extract,
  hkdf,
  label,
  lv,
  seal,
  sha256,
  signed,
  uint,
  unhex,
  ZERO_NONCE,
} from "./plain-crypto.ts";

export interface PairingParty {
  /** Of the key that signs: that of `id`, if the party is who it says. */
  readonly seed: string;
  readonly id: string;
  readonly fingerprint: string;
  readonly name: string;
}

export type PairingParties = Readonly<Record<"opener" | "joiner", PairingParty>>;

export interface PairingInputs {
  readonly slot: number;
  readonly words: readonly string[];
  readonly openerNonce: string;
  readonly joinerNonce: string;
  /** 32 random bytes each, before the top four bits are cleared. */
  readonly openerRandom: string;
  readonly joinerRandom: string;
}

const KEYS = ["opener confirm", "joiner confirm", "opener card", "joiner card", "secret"] as const;

interface PlainCpace {
  readonly generatorString: string;
  readonly generator: string;
  readonly initiatorShare: string;
  readonly responderShare: string;
  /** K */
  readonly point: string;
  readonly isk: string;
}

export interface PlainPairing extends PlainCpace {
  readonly code: string;
  readonly password: string;
  readonly channel: string;
  readonly session: string;
  readonly initiatorScalar: string;
  readonly responderScalar: string;
  readonly initiatorData: string;
  readonly responderData: string;
  readonly transcript: string;
  readonly prk: string;
  readonly keys: Readonly<Record<(typeof KEYS)[number], string>>;
  readonly signatures: Readonly<Record<"opener" | "joiner", string>>;
  /** Message 1 to 5. */
  readonly messages: readonly string[];
}

export function plainPairing(
  relayFingerprint: string,
  { opener, joiner }: PairingParties,
  inputs: PairingInputs,
): PlainPairing {
  const nonces = [unhex(inputs.openerNonce), unhex(inputs.joinerNonce)] as const;
  const ids = [unhex(opener.id), unhex(joiner.id)] as const;
  const relay = lv(unhex(relayFingerprint));
  const slot = uint(inputs.slot, 4);
  const given = {
    password: Buffer.from(inputs.words.join("-")).toString("hex"),
    channel: Buffer.concat([relay, lv(slot)]).toString("hex"),
    session: sha256(label("pairing sid"), ...nonces).toString("hex"),
    initiatorScalar: scalarOf(inputs.joinerRandom),
    responderScalar: scalarOf(inputs.openerRandom),
    initiatorData: sha256(ids[1]).toString("hex"),
    responderData: sha256(ids[0]).toString("hex"),
  };
  const cpace = plainCpace(given);
  const shares = [unhex(cpace.responderShare), unhex(cpace.initiatorShare)] as const;
  const facts = [relay, slot, ...nonces, ...ids.map(lv), ...shares];
  const th = sha256(label("pairing"), ...facts);
  const key = (use: string) => hkdf(th, unhex(cpace.isk), label(`pairing ${use}`));
  const signatures = {
    opener: signed(unhex(opener.seed), Buffer.concat([label("pairing identity"), uint(1, 1), th])),
    joiner: signed(unhex(joiner.seed), Buffer.concat([label("pairing identity"), uint(2, 1), th])),
  };
  const confirmation = (role: "opener" | "joiner", name: string) => {
    const confirm = createHmac("sha256", key(`${role} confirm`))
      .update(th)
      .digest();
    const card = Buffer.concat([lv(Buffer.from(name)), signatures[role]]);
    return Buffer.concat([confirm, seal(key(`${role} card`), ZERO_NONCE, th, card)]);
  };
  const messages = [
    [uint(1, 1), nonces[0]],
    [uint(2, 1), nonces[1], ids[1], shares[1]],
    [uint(3, 1), ids[0], shares[0]],
    [uint(4, 1), confirmation("joiner", joiner.name)],
    [uint(5, 1), confirmation("opener", opener.name)],
  ];
  return {
    code: `${inputs.slot}-${inputs.words.join("-")}`,
    ...given,
    ...cpace,
    transcript: th.toString("hex"),
    prk: extract(th, unhex(cpace.isk)).toString("hex"),
    keys: Object.fromEntries(
      KEYS.map((use) => [use, key(use).toString("hex")]),
    ) as PlainPairing["keys"],
    signatures: {
      opener: signatures.opener.toString("hex"),
      joiner: signatures.joiner.toString("hex"),
    },
    messages: messages.map((parts) => Buffer.concat(parts).toString("hex")),
  };
}

export interface PlainCpaceInputs {
  readonly password: string;
  readonly channel: string;
  readonly session: string;
  readonly initiatorScalar: string;
  readonly responderScalar: string;
  readonly initiatorData: string;
  readonly responderData: string;
}

/** The suite CPACE-RISTR255-SHA512 of the draft, both sides at once. */
export function plainCpace(inputs: PlainCpaceInputs): PlainCpace {
  const [password, session] = [unhex(inputs.password), unhex(inputs.session)];
  const domain = Buffer.from("CPaceRistretto255");
  const secretLength = prependLength(domain).length + prependLength(password).length;
  const padding = Buffer.alloc(Math.max(0, 128 - 1 - secretLength));
  const text = lvCat(domain, password, padding, unhex(inputs.channel), session);
  const generator = ristretto255_hasher.deriveToCurve!(new Uint8Array(sha512(text)));
  const scalars = [inputs.initiatorScalar, inputs.responderScalar].map(littleEndian);
  const shares = scalars.map((scalar) => Buffer.from(generator.multiply(scalar).toBytes()));
  const theirs = ristretto255.Point.fromBytes(new Uint8Array(shares[1]!));
  const point = Buffer.from(theirs.multiply(scalars[0]!).toBytes());
  const isk = sha512(
    Buffer.concat([
      lvCat(Buffer.from("CPaceRistretto255_ISK"), session, point),
      lvCat(shares[0]!, unhex(inputs.initiatorData)),
      lvCat(shares[1]!, unhex(inputs.responderData)),
    ]),
  );
  return {
    generatorString: text.toString("hex"),
    generator: Buffer.from(generator.toBytes()).toString("hex"),
    initiatorShare: shares[0]!.toString("hex"),
    responderShare: shares[1]!.toString("hex"),
    point: point.toString("hex"),
    isk: isk.toString("hex"),
  };
}

export interface PlainSafetyNumber {
  readonly hash: string;
  readonly groups: readonly string[];
  readonly qr: string;
}

export function plainSafetyNumber(a: string, b: string): PlainSafetyNumber {
  const ids = [unhex(a), unhex(b)].toSorted((one, other) => Buffer.compare(one, other));
  const hash = sha512(Buffer.concat([label("safety"), ...ids]));
  const groups = Array.from({ length: 12 }, (_, i) =>
    String(hash.readUIntBE(5 * i, 5) % 100_000).padStart(5, "0"),
  );
  return { hash: hash.toString("hex"), groups, qr: `postern:safety:${groups.join("")}` };
}

function scalarOf(random: string): string {
  const bytes = unhex(random);
  bytes[31]! &= 0x0f;
  return bytes.toString("hex");
}

function littleEndian(scalar: string): bigint {
  return BigInt(`0x${Buffer.from(unhex(scalar).toReversed()).toString("hex")}`);
}

function lvCat(...parts: readonly Buffer[]): Buffer {
  return Buffer.concat(parts.map(prependLength));
}

/** LEB128; nothing here is longer than two bytes can say. */
function prependLength(bytes: Buffer): Buffer {
  const { length } = bytes;
  const prefix = length < 128 ? [length] : [(length & 0x7f) | 0x80, length >> 7];
  return Buffer.concat([Buffer.from(prefix), bytes]);
}

function sha512(bytes: Buffer): Buffer {
  return createHash("sha512").update(bytes).digest();
}
