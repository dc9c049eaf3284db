/**
 * The prime-order group ristretto255 (RFC 9496) as CPace needs it: bytes in, bytes out. Only noble
 * has it, so it is no part of the Suite port; nor of the room's door, for a relay, and whoever does
 * not pair, need not load a curve. docs/protocol-pairing.md 10.2.
 *
 * Invariant: what comes from outside gives `undefined`, never an exception.
 *
 * @module
 */
import { ristretto255, ristretto255_hasher } from "@noble/curves/ed25519.js";
import { requireLength } from "./inputs.ts";
import { SHA512_BYTES } from "./sha512.ts";

/** An encoded element, and a scalar in little-endian. */
export const RISTRETTO255_BYTES = 32;

/**
 * The one-way map (RFC 9496, 4.3.4) of 64 uniform bytes, encoded. Nobody knows the element's
 * discrete logarithm to any other (C-14: constants that somebody chose are CVE-2021-31603).
 */
export function ristretto255FromHash(uniform: Uint8Array): Uint8Array {
  requireLength(uniform, SHA512_BYTES, "uniform");
  return ristretto255_hasher.deriveToCurve!(uniform).toBytes();
}

/**
 * Scalar times element, encoded. `undefined` when the element is no canonical encoding (RFC 9496,
 * 4.3.1) or the identity, or the scalar is not between 1 and the group's order less one.
 */
export function ristretto255Multiply(
  scalar: Uint8Array,
  element: Uint8Array,
): Uint8Array | undefined {
  const { Point } = ristretto255;
  try {
    const point = Point.fromBytes(element);
    // In a group of prime order only the identity times a scalar gives the identity.
    if (point.is0()) return undefined;
    return point.multiply(Point.Fn.fromBytes(scalar)).toBytes();
  } catch {
    return undefined;
  }
}
