/** Values for stores. @module */
import { KEY_PACKAGE_BYTES } from "@postern/core/limits";
import type { WallMs } from "@postern/core/time";
import type {
  ChannelId,
  PairKeyId,
  StoredContact,
  StoredIdentity,
  StoredPackage,
  StoredUnfinished,
} from "../src/store.ts";

export const LATER = 1_800_000_000_000 as WallMs;

export const IDENTITY: StoredIdentity = {
  signingSeed: bytes(32, 1),
  linkSeed: bytes(32, 2),
  name: "alice",
};

export const PAIR: PairKeyId = { relay: bytes(32, 3), peer: bytes(32, 4), role: "sending" };

export const CONTACT: StoredContact = {
  id: bytes(35, 20),
  fingerprint: bytes(32, 4),
  name: "bob",
  relayName: "bob-at-work",
  trust: "first-use",
  blocked: false,
  pairingSecret: undefined,
  addedAt: LATER,
};

/** As good as random, and the same for each seed: no sample is found in another by chance. */
export function bytes(length: number, seed: number): Uint8Array<ArrayBuffer> {
  let state = (seed + 1) * 0x9e_37_79_b1;
  return Uint8Array.from({ length }, () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 24;
  });
}

/** 32 bytes, others for each number. */
export function fingerprint(n: number): Uint8Array {
  const made = bytes(32, 99);
  new DataView(made.buffer).setUint32(0, n);
  return made;
}

export function contactOf(n: number): StoredContact {
  return { ...CONTACT, fingerprint: fingerprint(n), name: `n${n}` };
}

/** One end of a channel with nobody's contact. */
export function strangerOf(n: number): ChannelId {
  return { peer: fingerprint(n), role: "receiving" };
}

/** Each with a content of its own, all with one peer. */
export function unfinishedOf(n: number): StoredUnfinished {
  const content = fingerprint(n).slice(0, 16);
  const at = { role: "receiving", peer: CONTACT.fingerprint, content } as const;
  return { ...at, record: bytes(40, n), changedAt: LATER };
}

export function packageOf(n: number): StoredPackage {
  const kid = fingerprint(n).slice(0, 16);
  const seed = fingerprint(n).map((byte) => byte ^ 0x5a);
  const encoded = bytes(KEY_PACKAGE_BYTES, n);
  return { kid, seed, encoded, type: "one-time", keepUntil: LATER };
}
