/**
 * Key packages at the relay: `publish-packages` (0x1a) and `fetch-package` (0x1b) from the client,
 * `packages-held` (0x4d) and `package` (0x4e) from the relay (docs/protocol-end-to-end.md 7.3.7).
 * A package is opaque here: the relay reads its layout, whoever fetched it checks all of it.
 *
 * ```text
 *   publish-packages   0 request u32 | 4 replace u8 | 5 count u8 | 6 count x package (1352)
 *   fetch-package      0 request u32 | 4 of (32) | 36
 *   packages-held      0 request u32 | 4 count u8 | 5 count x (kid (16), type u8)
 *   package            0 request u32 | 4 package (1352), length 0: none
 * ```
 *
 * @module
 */
import { malformed, type ByteReader, type ByteWriter } from "../bytes.ts";
import type { PackageType } from "../identity.ts";
import { KEY_PACKAGE_BYTES, PACKAGES_PER_IDENTITY_MAX } from "../limits.ts";
import {
  exactly,
  FINGERPRINT_BYTES,
  readBoolean,
  readChoice,
  readRequest,
  uint,
  writeChoice,
  writeRequest,
} from "./fields.ts";

export interface PublishPackagesFrame {
  readonly kind: "publish-packages";
  readonly request: number;
  /** What the relay held of this client is dropped first. */
  readonly replace: boolean;
  /** 1,352 bytes each, at most `PACKAGES_PER_IDENTITY_MAX`; none to ask only. */
  readonly packages: readonly Uint8Array[];
}

export interface FetchPackageFrame {
  readonly kind: "fetch-package";
  readonly request: number;
  /** The owner's fingerprint, 32 bytes. */
  readonly of: Uint8Array;
}

/** A type that a relay keeps; a `reply` package travels in an offer alone. */
export type HeldPackageType = Exclude<PackageType, "reply">;

export interface HeldPackage {
  /** 16 bytes. */
  readonly kid: Uint8Array;
  readonly type: HeldPackageType;
}

export interface PackagesHeldFrame {
  readonly kind: "packages-held";
  readonly request: number;
  readonly held: readonly HeldPackage[];
}

export interface PackageFrame {
  readonly kind: "package";
  readonly request: number;
  /** 1,352 bytes, or empty when the relay has none of its owner. */
  readonly keyPackage: Uint8Array;
}

export const PUBLISH_PACKAGES_TYPE = 0x1a;
export const FETCH_PACKAGE_TYPE = 0x1b;
export const PACKAGES_HELD_TYPE = 0x4d;
export const PACKAGE_TYPE = 0x4e;

const KID_BYTES = 16;
const HELD_TYPES: readonly HeldPackageType[] = ["one-time", "last-resort"];

export function encodePublishPackages(writer: ByteWriter, frame: PublishPackagesFrame): void {
  writeRequest(writer, frame.request);
  writer.u8(frame.replace ? 1 : 0);
  writer.u8(uint(frame.packages.length, PACKAGES_PER_IDENTITY_MAX, "count"));
  for (const bytes of frame.packages) writer.raw(exactly(bytes, KEY_PACKAGE_BYTES, "package"));
}

export function decodePublishPackages(reader: ByteReader): PublishPackagesFrame {
  const request = readRequest(reader);
  const replace = readBoolean(reader, "replace");
  const count = readCount(reader);
  const packages: Uint8Array[] = [];
  for (let i = 0; i < count; i++) packages.push(reader.take(KEY_PACKAGE_BYTES, "package"));
  return { kind: "publish-packages", request, replace, packages };
}

export function encodeFetchPackage(writer: ByteWriter, frame: FetchPackageFrame): void {
  writeRequest(writer, frame.request);
  writer.raw(exactly(frame.of, FINGERPRINT_BYTES, "of"));
}

export function decodeFetchPackage(reader: ByteReader): FetchPackageFrame {
  const request = readRequest(reader);
  return { kind: "fetch-package", request, of: reader.take(FINGERPRINT_BYTES, "of") };
}

export function encodePackagesHeld(writer: ByteWriter, frame: PackagesHeldFrame): void {
  writeRequest(writer, frame.request);
  writer.u8(uint(frame.held.length, PACKAGES_PER_IDENTITY_MAX, "count"));
  for (const { kid, type } of frame.held) {
    writer.raw(exactly(kid, KID_BYTES, "kid"));
    writeChoice(writer, "type", HELD_TYPES, type);
  }
}

export function decodePackagesHeld(reader: ByteReader): PackagesHeldFrame {
  const request = readRequest(reader);
  const count = readCount(reader);
  const held: HeldPackage[] = [];
  for (let i = 0; i < count; i++) {
    const kid = reader.take(KID_BYTES, "kid");
    held.push({ kid, type: readChoice(reader, "type", HELD_TYPES) });
  }
  return { kind: "packages-held", request, held };
}

export function encodePackage(writer: ByteWriter, { request, keyPackage }: PackageFrame): void {
  writeRequest(writer, request);
  if (keyPackage.length > 0) writer.raw(exactly(keyPackage, KEY_PACKAGE_BYTES, "package"));
}

export function decodePackage(reader: ByteReader): PackageFrame {
  const request = readRequest(reader);
  const length = reader.remaining === 0 ? 0 : KEY_PACKAGE_BYTES;
  return { kind: "package", request, keyPackage: reader.take(length, "package") };
}

function readCount(reader: ByteReader): number {
  const count = reader.u8("count");
  if (count > PACKAGES_PER_IDENTITY_MAX) throw malformed("count", "over what a relay keeps");
  return count;
}
