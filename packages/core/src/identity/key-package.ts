/**
 * A key of a client that others may encapsulate to while it is away, signed by its identity.
 * docs/protocol-end-to-end.md 7.3.2.
 *
 * ```text
 *   0x01 | suite u16 | type u8 | kid (16) | kem_pk (1216) | nbf u64 | naf u64 | profiles u8
 *   | ID (35) | Ed25519(label("pkg") | all before) (64)
 * ```
 *
 * @module
 */
import { ByteReader, ByteWriter, concat, equalBytes, label } from "../bytes.ts";
import { KEM_PUBLIC_BYTES, SIGNATURE_BYTES, SUITE_ID, type Suite } from "../crypto.ts";
import { PosternError } from "../errors.ts";
import { HEADER_AHEAD_MS, KEY_PACKAGE_BYTES } from "../limits.ts";
import type { WallMs } from "../time.ts";
import { decodeId, ID_BYTES } from "./id.ts";
import type { Identity } from "./identity.ts";

export type PackageType = "one-time" | "last-resort" | "reply";

export interface KeyPackage {
  readonly type: PackageType;
  /** Random, 16 bytes. */
  readonly kid: Uint8Array;
  /** X-Wing, 1,216 bytes. */
  readonly publicKey: Uint8Array;
  readonly notBefore: WallMs;
  readonly notAfter: WallMs;
  /** Bits as in docs/protocol.md 5.1. */
  readonly profiles: number;
}

/** What a package says of itself; nobody has vouched for it. */
export type PackageFacts = Pick<KeyPackage, "type" | "kid" | "notAfter"> & {
  /** 35 bytes. */
  readonly id: Uint8Array;
};

const VERSION = 1;
const KID_BYTES = 16;
const TYPES: readonly PackageType[] = ["one-time", "last-resort", "reply"];
/** The end-to-end bit of `profiles`. */
const END_TO_END_BIT = 4;
const PROFILES_ALL = 7;

/** @throws {@link PosternError} `usage/invalid-argument` for fields of a wrong length. */
export function encodeKeyPackage(
  suite: Suite,
  identity: Identity,
  { type, kid, publicKey, notBefore, notAfter, profiles }: KeyPackage,
): Uint8Array {
  if (kid.length !== KID_BYTES || publicKey.length !== KEM_PUBLIC_BYTES)
    throw new PosternError("usage/invalid-argument", "key package: length");
  const body = new ByteWriter()
    .u8(VERSION)
    .u16(SUITE_ID)
    .u8(TYPES.indexOf(type))
    .raw(kid)
    .raw(publicKey)
    .u64(notBefore)
    .u64(notAfter)
    .u8(profiles)
    .raw(identity.id)
    .bytes();
  return concat(body, suite.sign(identity.signing, concat(label("pkg"), body)));
}

/**
 * The package that the identity `id` signed. `undefined` when it is malformed, of another suite or
 * identity, not signed by it, without the end-to-end profile, or not valid at `now`.
 */
export function decodeKeyPackage(
  suite: Suite,
  id: Uint8Array,
  bytes: Uint8Array,
  now: WallMs,
): KeyPackage | undefined {
  const publicKey = decodeId(id);
  const parts = split(bytes);
  if (publicKey === undefined || parts === undefined) return undefined;
  const { id: owner, ...decoded } = parts;
  const body = bytes.subarray(0, KEY_PACKAGE_BYTES - SIGNATURE_BYTES);
  const signature = bytes.subarray(body.length);
  if (!equalBytes(owner, id)) return undefined;
  if (!suite.verify(publicKey, concat(label("pkg"), body), signature)) return undefined;
  const { notBefore, notAfter, profiles } = decoded;
  const isCurrent = notBefore - HEADER_AHEAD_MS <= now && now <= notAfter;
  return isCurrent && (profiles & END_TO_END_BIT) !== 0 ? decoded : undefined;
}

/** Layout alone, for a relay that keeps packages; `undefined` when malformed. */
export function keyPackageFacts(bytes: Uint8Array): PackageFacts | undefined {
  const parts = split(bytes);
  return parts && { type: parts.type, kid: parts.kid, notAfter: parts.notAfter, id: parts.id };
}

function split(bytes: Uint8Array): (KeyPackage & { readonly id: Uint8Array }) | undefined {
  if (bytes.length !== KEY_PACKAGE_BYTES) return undefined;
  try {
    const reader = new ByteReader(bytes);
    if (reader.u8("version") !== VERSION || reader.u16("suite") !== SUITE_ID) return undefined;
    const type = TYPES[reader.u8("type")];
    const kid = reader.take(KID_BYTES, "kid").slice();
    const publicKey = reader.take(KEM_PUBLIC_BYTES, "publicKey").slice();
    const notBefore = reader.u64("notBefore") as WallMs;
    const notAfter = reader.u64("notAfter") as WallMs;
    const profiles = reader.u8("profiles");
    const id = reader.take(ID_BYTES, "id").slice();
    if (type === undefined || profiles > PROFILES_ALL || decodeId(id) === undefined)
      return undefined;
    return { type, kid, publicKey, notBefore, notAfter, profiles, id };
  } catch (error) {
    if (error instanceof PosternError) return undefined;
    throw error;
  }
}
