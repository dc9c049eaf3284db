/**
 * A {@link Store} that forgets everything when it is closed: for tests, and for clients that must
 * leave nothing behind. Nothing is durable here.
 *
 * @module
 */
import { hex, wipe } from "@postern/core/bytes";
import { PosternError } from "@postern/core/errors";
import {
  checkIdentity,
  checkPairKey,
  checkPairKeyId,
  checkPin,
  checkRsaKey,
  type PairKey,
  type PairKeyId,
  type RelayPin,
  type Store,
  type StoredIdentity,
  type StoredRsaKey,
} from "./store.ts";

/** @throws {@link PosternError} `usage/invalid-argument` for seeds of a wrong length. */
export function memoryStore(identity: StoredIdentity): Store {
  checkIdentity(identity);
  return new MemoryStore(identity);
}

interface Pair {
  readonly counter: number;
  readonly key: Uint8Array | undefined;
}

class MemoryStore implements Store {
  readonly #pairs = new Map<string, Pair>();
  readonly #pins = new Map<string, Uint8Array>();
  readonly #identity: StoredIdentity;
  #rsaKey: StoredRsaKey | undefined;
  #closed = false;

  constructor(identity: StoredIdentity) {
    this.#identity = copyIdentity(identity);
  }

  async identity(): Promise<StoredIdentity> {
    this.#expectOpen();
    return copyIdentity(this.#identity);
  }

  async pairKey(at: PairKeyId): Promise<PairKey | undefined> {
    const pair = this.#pair(at);
    return pair?.key && { counter: pair.counter, key: pair.key.slice() };
  }

  async keepPairKey(at: PairKeyId, kept: PairKey): Promise<void> {
    checkPairKey(kept);
    wipe(this.#pair(at)?.key);
    this.#pairs.set(pairName(at), { counter: kept.counter, key: kept.key.slice() });
  }

  async takePairKey(at: PairKeyId): Promise<PairKey | undefined> {
    const pair = this.#pair(at);
    if (pair?.key === undefined) return undefined;
    this.#pairs.set(pairName(at), { counter: pair.counter, key: undefined });
    return { counter: pair.counter, key: pair.key };
  }

  async pairCounter(at: PairKeyId): Promise<number> {
    return this.#pair(at)?.counter ?? 0;
  }

  async rsaKey(): Promise<StoredRsaKey | undefined> {
    this.#expectOpen();
    return this.#rsaKey && { ...this.#rsaKey, pkcs8: this.#rsaKey.pkcs8.slice() };
  }

  async saveRsaKey(key: StoredRsaKey): Promise<void> {
    this.#expectOpen();
    checkRsaKey(key);
    wipe(this.#rsaKey?.pkcs8);
    this.#rsaKey = { notAfter: key.notAfter, pkcs8: key.pkcs8.slice() };
  }

  async relayPin(address: string): Promise<Uint8Array | undefined> {
    this.#expectOpen();
    return this.#pins.get(address)?.slice();
  }

  async relayPins(): Promise<readonly RelayPin[]> {
    this.#expectOpen();
    const pins = [...this.#pins].map(([address, pin]) => ({ address, fingerprint: pin.slice() }));
    return pins.toSorted((a, b) => (a.address < b.address ? -1 : 1));
  }

  async pinRelay(address: string, fingerprint: Uint8Array): Promise<void> {
    this.#expectOpen();
    checkPin(fingerprint);
    this.#pins.set(address, fingerprint.slice());
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const pair of this.#pairs.values()) wipe(pair.key);
    wipe(this.#identity.signingSeed, this.#identity.linkSeed, this.#rsaKey?.pkcs8);
  }

  #pair(at: PairKeyId): Pair | undefined {
    this.#expectOpen();
    checkPairKeyId(at);
    return this.#pairs.get(pairName(at));
  }

  #expectOpen(): void {
    if (this.#closed) throw new PosternError("usage/wrong-state", "the store is closed");
  }
}

function pairName(at: PairKeyId): string {
  return `${at.role} ${hex(at.relay)} ${hex(at.peer)}`;
}

function copyIdentity(identity: StoredIdentity): StoredIdentity {
  return {
    name: identity.name,
    signingSeed: identity.signingSeed.slice(),
    linkSeed: identity.linkSeed.slice(),
  };
}
