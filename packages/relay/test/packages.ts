/**
 * Key packages for the relay's tests.
 *
 * @module
 */
import { encodeKeyPackage, type PackageType } from "@postern/core/identity";
import type { WallMs } from "@postern/core/time";
import { suite, type Person } from "./test-client.ts";

export interface PackageOptions {
  readonly type?: PackageType;
  readonly kid?: Uint8Array;
  readonly notAfter?: number;
  /** Fills the public key, to tell two packages of one kid apart. */
  readonly fill?: number;
}

const KID_BYTES = 16;
const PUBLIC_BYTES = 1_216;

/** A package that `identity` signed; the relay never looks into its key. */
export function packageOf({ identity }: Person, options: PackageOptions = {}): Uint8Array {
  const notAfter = options.notAfter ?? Number.MAX_SAFE_INTEGER;
  return encodeKeyPackage(suite, identity, {
    type: options.type ?? "one-time",
    kid: options.kid ?? suite.random(KID_BYTES),
    publicKey: new Uint8Array(PUBLIC_BYTES).fill(options.fill ?? 1),
    notBefore: 0 as WallMs,
    notAfter: notAfter as WallMs,
    profiles: 4,
  });
}

export function packagesOf(who: Person, count: number): Uint8Array[] {
  return Array.from({ length: count }, () => packageOf(who));
}

/** Where `kid` stands in a package. */
export function kidOf(bytes: Uint8Array): Uint8Array {
  return bytes.subarray(4, 4 + KID_BYTES);
}
