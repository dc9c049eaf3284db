/**
 * HPKE's exports as others have published them: X-Wing in mode_base from `../shared/vectors` beside
 * the project, where that folder is, and RFC 9180 A.3.2 for mode_psk. They are of other suites, so
 * {@link suiteNamed} has HPKE's code write their numbers where it writes its own.
 *
 * @module
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Suite } from "@postern/core/crypto";
import { nobleSuite } from "@postern/core/crypto/noble";
import { bytes } from "./exchange-vectors.ts";

const FILE = join(import.meta.dirname, "../../../../shared/vectors/hpke-xwing.json");

/** For `test(name, { skip: hpkeFileMissing }, ...)`. */
export const hpkeFileMissing = existsSync(FILE) ? false : "no ../shared/vectors";

export interface HpkeVector {
  readonly mode: number;
  readonly kem_id: number;
  readonly kdf_id: number;
  readonly aead_id: number;
  readonly info: string;
  readonly skRm: string;
  readonly enc: string;
  readonly shared_secret: string;
  readonly exports: readonly {
    readonly exporter_context: string;
    readonly L: number;
    readonly exported_value: string;
  }[];
}

/** Those whose key derivation is HKDF-SHA-256. */
export function hpkeXwingVectors(): readonly HpkeVector[] {
  const all = JSON.parse(readFileSync(FILE, "utf8")) as readonly HpkeVector[];
  return all.filter(({ kdf_id: kdf }) => kdf === 1);
}

/** DHKEM(P-256, HKDF-SHA256), HKDF-SHA256, AES-128-GCM. */
export const RFC_9180_A_3_2 = {
  ids: [0x0010, 0x0001, 0x0001],
  sharedSecret: "2e783ad86a1beae03b5749e0f3f5e9bb19cb7eb382f2fb2dd64c99f15ae0661b",
  info: "4f6465206f6e2061204772656369616e2055726e",
  psk: "0247fd33b913760fa1fa51e1892d9f307fbe65eb171e8132c2af18555a738b82",
  pskId: "456e6e796e20447572696e206172616e204d6f726961",
  exporterContext: "",
  exported: "a115a59bf4dd8dc49332d6a0093af8efca1bcbfd3627d850173f5c4a55d0c185",
} as const;

/** "HPKE", X-Wing, HKDF-SHA-256, AES-256-GCM. */
const OWN_ID = "48504b45647a00010002";

/** HKDF that reads other numbers than the code under test wrote. */
export function suiteNamed(...ids: readonly number[]): Suite {
  const id = "48504b45" + ids.map((each) => each.toString(16).padStart(4, "0")).join("");
  const renamed = (input: Uint8Array): Uint8Array => {
    const text = Buffer.from(input).toString("hex");
    if (text.split(OWN_ID).length !== 2) throw new Error("not one suite's number");
    return bytes(text.replace(OWN_ID, id));
  };
  return {
    ...nobleSuite,
    extract: (salt, secret) => nobleSuite.extract(salt, renamed(secret)),
    expand: (key, info, length) => nobleSuite.expand(key, renamed(info), length),
  };
}
