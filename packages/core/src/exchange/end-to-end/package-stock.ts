/**
 * Which key packages a client makes, publishes and forgets. docs/protocol-end-to-end.md 7.3.2.
 *
 * @module
 */
import { equalBytes } from "../../bytes/equal.ts";
import type { Suite } from "../../crypto/suite.ts";
import type { Identity } from "../../identity/identity.ts";
import { encodeKeyPackage, type PackageType } from "../../identity/key-package.ts";
import {
  HEADER_AHEAD_MS,
  LAST_RESORT_KEPT_MS,
  LAST_RESORT_PUBLISHED_MS,
  ONE_TIME_PACKAGE_VALID_MS,
  PACKAGES_LOW,
  PACKAGES_ONE_TIME,
} from "../../limits.ts";
import type { WallMs } from "../../time.ts";
import { KID_BYTES } from "./outer.ts";

/** A package of this client with its secret. */
export interface MadePackage {
  readonly type: PackageType;
  /** 16 bytes. */
  readonly kid: Uint8Array;
  /** 32 bytes: the secret. */
  readonly seed: Uint8Array;
  /** `KEY_PACKAGE_BYTES`. */
  readonly encoded: Uint8Array;
  /** When the secret may be erased though it was never used. */
  readonly keepUntil: WallMs;
}

/** What the relay says it holds. */
export interface HeldPackage {
  readonly kid: Uint8Array;
  readonly type: "one-time" | "last-resort";
}

export interface StockPlan {
  /** The relay drops what it holds before it adds. */
  readonly replace: boolean;
  /** Types of the packages to make and publish, in this order. */
  readonly make: readonly ("one-time" | "last-resort")[];
  /** kids whose secrets are past their time. */
  readonly forget: readonly Uint8Array[];
}

type Kept = Pick<MadePackage, "type" | "kid" | "keepUntil">;

/** Compares what this client keeps with what the relay holds for it. */
export function planStock(
  kept: readonly Kept[],
  held: readonly HeldPackage[],
  now: WallMs,
): StockPlan {
  const isKept = ({ kid, type }: HeldPackage): boolean =>
    kept.some((own) => equalBytes(own.kid, kid) && isTimely(own, type, now));
  // The relay has what this client knows nothing of: one of them is an older copy of itself.
  const replace = !held.every(isKept);
  const good = replace ? [] : held;
  const oneTime = good.filter(({ type }) => type === "one-time").length;
  const missing = oneTime < PACKAGES_LOW ? PACKAGES_ONE_TIME - oneTime : 0;
  const make: StockPlan["make"][number][] = Array.from({ length: missing }, () => "one-time");
  if (!good.some((each) => isFreshLastResort(each, kept, now))) make.push("last-resort");
  const forget = kept.filter(({ keepUntil }) => keepUntil <= now).map(({ kid }) => kid);
  return { replace, make, forget };
}

/** Neither too old nor made by a clock that was ahead: nobody would take that one yet. */
function isTimely({ keepUntil }: Kept, type: HeldPackage["type"], now: WallMs): boolean {
  return keepUntil > now && keepUntil <= now + validMs(type) + HEADER_AHEAD_MS;
}

function validMs(type: PackageType): number {
  return type === "last-resort" ? LAST_RESORT_KEPT_MS : ONE_TIME_PACKAGE_VALID_MS;
}

/** `profiles`: bits as in docs/protocol.md 5.1. The caller keeps the secret before it publishes. */
export function makePackage(
  suite: Suite,
  identity: Identity,
  type: PackageType,
  profiles: number,
  now: WallMs,
): MadePackage {
  const kid = suite.random(KID_BYTES);
  const { seed, publicKey } = suite.generateKem();
  const notAfter = (now + validMs(type)) as WallMs;
  const fields = { type, kid, publicKey, notBefore: now, notAfter, profiles };
  const encoded = encodeKeyPackage(suite, identity, fields);
  return { type, kid, seed, encoded, keepUntil: notAfter };
}

function isFreshLastResort(
  { kid, type }: HeldPackage,
  kept: readonly Kept[],
  now: WallMs,
): boolean {
  if (type !== "last-resort") return false;
  const own = kept.find((each) => equalBytes(each.kid, kid));
  const publishedAt = (own?.keepUntil ?? 0) - LAST_RESORT_KEPT_MS;
  return now - publishedAt < LAST_RESORT_PUBLISHED_MS;
}
