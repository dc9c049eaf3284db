/**
 * Ed25519 signatures that satisfy the equation and must be refused all the same, or on which
 * implementations are known to disagree. RFC 8032, 5.1.
 */
import { createHash } from "node:crypto";
import { nativeSuite } from "../src/native-suite.ts";

/** Order of the base point. */
const L = 2n ** 252n + 27742317777372353535851937790883648493n;
const P = 2n ** 255n - 19n;

export interface Forgery {
  readonly publicKey: Uint8Array;
  readonly message: Uint8Array;
  readonly signature: Uint8Array;
}

/** Every encoding of a point of small order, the sloppy ones too. */
export const SMALL_ORDER_POINTS: readonly Uint8Array[] = [
  ...withBothSigns(0n, 1n, P - 1n, P, P + 1n),
  ...withBothSigns(
    0x7a03ac9277fdc74ec6cc392cfa53202a0f67100d760b3cba4fd84d3d706a17c7n,
    0x05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826n,
  ),
];

/**
 * A key of small order, a sound R and its discrete logarithm for s: the equation holds whenever
 * the challenge is a multiple of the key's order, for the identity with every message.
 */
export function smallOrderKey(point: Uint8Array, message: Uint8Array): Forgery {
  const nonceSeed = new Uint8Array(32).fill(5);
  const r = nativeSuite.signingFromSeed(nonceSeed).publicKey;
  const s = encode(secretScalar(nonceSeed) % L);
  return { publicKey: point, message, signature: new Uint8Array(Buffer.concat([r, s])) };
}

/** A sound key; R is the identity, so s = k a. */
export function smallOrderR(seed: Uint8Array, message: Uint8Array): Forgery {
  const { publicKey } = nativeSuite.signingFromSeed(seed);
  const r = encode(1n);
  const s = (challenge(r, publicKey, message) * secretScalar(seed)) % L;
  return { publicKey, message, signature: new Uint8Array(Buffer.concat([r, encode(s)])) };
}

/** A sound signature with s + L for s. */
export function unreducedS(seed: Uint8Array, message: Uint8Array): Forgery {
  const keyPair = nativeSuite.signingFromSeed(seed);
  const signature = nativeSuite.sign(keyPair, message);
  signature.set(encode(decode(signature.subarray(32)) + L), 32);
  return { publicKey: keyPair.publicKey, message, signature };
}

/**
 * The key is a sound one plus the point of order 2, `(0, -1)`. Without the cofactor the equation
 * holds exactly when the challenge is even; with it, always.
 */
export function mixedOrderKey(seed: Uint8Array, message: Uint8Array) {
  const publicKey = negated(nativeSuite.signingFromSeed(seed).publicKey);
  const nonceSeed = createHash("sha256").update(seed).update(message).digest();
  const r = nativeSuite.signingFromSeed(nonceSeed).publicKey;
  const k = challenge(r, publicKey, message);
  const s = (secretScalar(nonceSeed) + k * secretScalar(seed)) % L;
  const signature = new Uint8Array(Buffer.concat([r, encode(s)]));
  return { publicKey, message, signature, evenChallenge: k % 2n === 0n };
}

/** `(x, y) + (0, -1) = (-x, -y)`. */
function negated(point: Uint8Array): Uint8Array {
  const y = new Uint8Array(point);
  y[31]! &= 0x7f;
  const sum = encode(P - decode(y));
  sum[31]! |= ~point[31]! & 0x80;
  return sum;
}

function secretScalar(seed: Uint8Array): bigint {
  const half = createHash("sha512").update(seed).digest().subarray(0, 32);
  half[0]! &= 0xf8;
  half[31] = (half[31]! & 0x7f) | 0x40;
  return decode(half);
}

function challenge(r: Uint8Array, publicKey: Uint8Array, message: Uint8Array): bigint {
  return decode(createHash("sha512").update(r).update(publicKey).update(message).digest()) % L;
}

function withBothSigns(...ys: readonly bigint[]): Uint8Array[] {
  return ys.flatMap((y) => [encode(y), encode(y | (1n << 255n))]);
}

function encode(value: bigint): Uint8Array {
  return Uint8Array.from({ length: 32 }, (_, i) => Number((value >> BigInt(8 * i)) & 255n));
}

function decode(bytes: Uint8Array): bigint {
  return bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
}
