/**
 * Session keys of the end-to-end profile: a chain that both ends walk, so nothing of them travels
 * and an older key cannot be had from a newer one. docs/protocol-end-to-end.md 7.3.3.
 *
 * @module
 */
import { wipe } from "../../bytes/equal.ts";
import { label } from "../../bytes/writer.ts";
import type { Suite } from "../../crypto/suite.ts";
import type { SessionKeySink, SessionKeySource } from "../../session/session-keys.ts";
import type { TransferKeys } from "../transfer-keys.ts";

const NO_BODY = new Uint8Array(0);

/** The sender's half. It takes `keys.session` as its own. */
export function chainSource(suite: Suite, keys: Pick<TransferKeys, "session">): SessionKeySource {
  const chain = new SessionChain(suite, keys.session);
  return {
    next: (j) => ({ key: chain.take(j), body: NO_BODY }),
    wipe: () => chain.wipe(),
  };
}

/**
 * The receiver's half. It takes `keys.session` as its own. Until a number is known to be authentic
 * the chain stays where it is; the records machine bounds how far ahead a number may lie.
 */
export function chainSink(suite: Suite, keys: Pick<TransferKeys, "session">): SessionKeySink {
  const chain = new SessionChain(suite, keys.session);
  return {
    bodyBytes: 0,
    open: async (j) => chain.peek(j),
    retire: (j) => chain.moveTo(j),
    wipe: () => chain.wipe(),
  };
}

/** SK_1 of a chain, for a message that rides in its offer. The caller wipes it. */
export function firstSessionKey(
  suite: Suite,
  { session }: Pick<TransferKeys, "session">,
): Uint8Array {
  return suite.expand(session, KEY, 32);
}

const KEY = label("e2e session key");
const NEXT = label("e2e session next");

class SessionChain {
  readonly #suite: Suite;
  /** SC_at */
  #chainKey: Uint8Array;
  #at = 0;

  constructor(suite: Suite, first: Uint8Array) {
    this.#suite = suite;
    this.#chainKey = first;
  }

  take(j: number): Uint8Array {
    this.moveTo(j - 1);
    const key = this.#suite.expand(this.#chainKey, KEY, 32);
    this.moveTo(j);
    return key;
  }

  /** SK_j without moving; `undefined` when the chain is past it. */
  peek(j: number): Uint8Array | undefined {
    if (j <= this.#at) return undefined;
    let chainKey: Uint8Array = this.#chainKey.slice();
    for (let at = this.#at; at < j - 1; at++) chainKey = this.#step(chainKey);
    const key = this.#suite.expand(chainKey, KEY, 32);
    wipe(chainKey);
    return key;
  }

  moveTo(j: number): void {
    for (; this.#at < j; this.#at++) this.#chainKey = this.#step(this.#chainKey);
  }

  wipe(): void {
    wipe(this.#chainKey);
  }

  #step(chainKey: Uint8Array): Uint8Array {
    const next = this.#suite.expand(chainKey, NEXT, 32);
    wipe(chainKey);
    return next;
  }
}
