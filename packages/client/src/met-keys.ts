/**
 * The keys of one meeting by a code that nobody has kept: its secret and, of the transfers made
 * with it, the ends of their channels. docs/protocol-pairing.md 10.3.
 *
 * Invariants: nothing of it is ever stored, so nothing of a code is left when it has served; and it
 * lives apart from what is stored of the same peer, so that no transfer by code changes that. Its
 * channels need not be durable: after a crash nobody has the secret, and nothing opens under it.
 *
 * @module
 */
import { wipe } from "@postern/core/bytes";
import { PosternError } from "@postern/core/errors";
import type { SlottedReceipt } from "@postern/core/exchange";
import type { ChannelId } from "./store.ts";

export class MetKeys {
  readonly #secret: Uint8Array;
  readonly #records = new Map<ChannelId["role"], Uint8Array>();
  /** By their slots. */
  readonly #receipts = new Map<number, Uint8Array>();
  readonly #onWiped: () => void;
  #uses = 0;
  #isKept = false;
  #isWiped = false;

  /** @param secret 32 bytes, from now on of these keys. */
  constructor(secret: Uint8Array, onWiped: () => void = () => undefined) {
    this.#secret = secret;
    this.#onWiped = onWiped;
  }

  /** The peer is a contact by this meeting: its transfers are those of the contact. */
  get isKept(): boolean {
    return this.#isKept;
  }

  /** A copy, which the caller wipes. @throws {@link PosternError} `usage/wrong-state` */
  secret(): Uint8Array {
    this.expect();
    return this.#secret.slice();
  }

  /** A copy, which the caller wipes. */
  record(role: ChannelId["role"]): Uint8Array | undefined {
    return this.#records.get(role)?.slice();
  }

  receipt(slot: number): Uint8Array | undefined {
    return this.#receipts.get(slot)?.slice();
  }

  /** Copies it. */
  saveRecord(role: ChannelId["role"], record: Uint8Array, kept?: SlottedReceipt): void {
    this.expect();
    wipe(this.#records.get(role));
    this.#records.set(role, record.slice());
    if (kept !== undefined) this.#receipts.set(kept.slot, kept.receipt.slice());
  }

  /** @throws {@link PosternError} `usage/wrong-state` when the meeting has served. */
  expect(): void {
    if (this.#isWiped)
      throw new PosternError("usage/wrong-state", "this pairing has served: meet again");
  }

  /** For one use, a transfer or a listening. They are wiped when the last use lets them go. */
  hold(): () => void {
    this.expect();
    this.#uses += 1;
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      this.#uses -= 1;
      if (this.#uses === 0) this.wipe();
    };
  }

  /** The contact has the secret now; what runs goes on with these keys. */
  kept(): void {
    this.#isKept = true;
    if (this.#uses === 0) this.wipe();
  }

  wipe(): void {
    if (this.#isWiped) return;
    this.#isWiped = true;
    wipe(this.#secret, ...this.#records.values());
    this.#records.clear();
    this.#receipts.clear();
    this.#onWiped();
  }
}
