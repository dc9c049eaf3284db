/** How conformance tests get their stores. @module */
import type { TestContext } from "node:test";
import type { Store } from "../src/store.ts";
import { bytes, contactOf, fingerprint, strangerOf, unfinishedOf } from "./stored-samples.ts";

/**
 * `contactOf(0)` and so on; `strangerOf(n)` with the record `bytes(9, n)` and the receipt
 * `bytes(8, n)` in slot 0; relays `a0` and on; `unfinishedOf(0)` and on, each with a peer of its
 * own: `fingerprint(n)`.
 */
export interface Crowd {
  readonly contacts?: number;
  readonly strangers?: number;
  readonly relays?: number;
  readonly unfinished?: number;
}

/** Fresh stores for `IDENTITY`, closed by whoever made them. */
export interface StoreMakers {
  readonly make: (t: TestContext) => Promise<Store>;
  /** As many durable writes take seconds: a store may have a shorter way. */
  readonly makeWith: (t: TestContext, crowd: Crowd) => Promise<Store>;
}

/** Through the store's own door. */
export async function fillCrowd(store: Store, crowd: Crowd): Promise<Store> {
  const { contacts = 0, strangers = 0, relays = 0, unfinished = 0 } = crowd;
  for (let n = 0; n < contacts; n++) await store.saveContact(contactOf(n));
  for (let n = 0; n < strangers; n++) {
    const receipt = { slot: 0, receipt: bytes(8, n) };
    await store.saveChannel(strangerOf(n), bytes(9, n), undefined, { receipt });
  }
  for (let n = 0; n < relays; n++) await store.pinRelay(`a${n}`, bytes(32, n));
  for (let n = 0; n < unfinished; n++)
    await store.saveUnfinished({ ...unfinishedOf(n), peer: fingerprint(n) });
  return store;
}
