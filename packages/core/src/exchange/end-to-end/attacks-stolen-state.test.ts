/**
 * What was stored, in a thief's hands: it opens nothing that is over, and soon nothing that comes.
 * Forward secrecy and healing, docs/protocol-end-to-end.md 7.3.1-7.3.4 (C-04, C-13, C-20).
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { contextOf, type Device } from "../../../test/channel-lab.ts";
import {
  heard,
  onTheWay,
  open,
  opened,
  pair,
  receipt,
  seal,
  type Opened,
} from "../../../test/channel-steps.ts";
import { isStored, Thief, type Overheard } from "../../../test/thief.ts";
import { hex } from "../../bytes.ts";
import { nobleSuite } from "../../crypto/noble-suite.ts";
import type { Suite } from "../../crypto/suite.ts";
import { decodeSenderRecord } from "./channel-record.ts";

/** A pair whose relay keeps all that crosses it, and a suite that keeps every secret it made. */
class Overhearing {
  readonly alice: Device;
  readonly bob: Device;
  readonly offers: Overheard[] = [];
  readonly secrets: Uint8Array[][] = [];
  readonly #suite: Suite;
  #made: Uint8Array[] = [];
  #transcripts: Uint8Array[] = [];

  constructor() {
    const { alice, bob } = pair();
    this.alice = alice;
    this.bob = bob;
    const note = (secret: Uint8Array): Uint8Array => {
      this.#made.push(secret.slice());
      return secret;
    };
    this.#suite = {
      ...nobleSuite,
      extract: (salt, secret) => note(nobleSuite.extract(salt, secret)),
      expand: (key, info, length) => note(nobleSuite.expand(key, info, length)),
      decapsulate: (keys, ct) => {
        const secret = nobleSuite.decapsulate(keys, ct);
        return secret && note(secret);
      },
    };
  }

  /** Up to the receiver's opening. */
  offer(id: number, encoded = this.bob.offerPackage()): { id: number; offer: Opened } {
    const { alice, bob } = this;
    const context = contextOf(alice, bob, id, this.#suite);
    this.#made = [];
    const { channel } = this.#sending();
    const ready = seal(alice, context, () => encoded);
    const publicKey = channel?.publicKey ?? encoded.subarray(20, 1_236);
    const keyless = channel !== undefined && channel.keyNumber === 0;
    const transcript = ready.keys.transcript;
    if (channel === undefined) this.#transcripts = [];
    const [first = transcript] = this.#transcripts;
    const before = this.#transcripts.at(-1) ?? transcript;
    this.offers.push({
      context,
      offer: onTheWay(ready),
      encoded,
      publicKey,
      channel: first,
      before,
      keyless,
    });
    this.#transcripts.push(transcript);
    const offer = opened(open(bob, context, ready));
    return { id, offer };
  }

  receipt({ id, offer }: { id: number; offer: Opened }): void {
    const context = contextOf(this.alice, this.bob, id, this.#suite);
    assert.equal(heard(this.alice, context, receipt(this.bob, context, offer)), "accept");
    this.secrets.push(this.#made);
  }

  transfer(id: number): void {
    this.receipt(this.offer(id));
  }

  #sending() {
    const record = this.alice.records.get(`sending ${hex(this.bob.identity.fingerprint)}`);
    return record === undefined ? { channel: undefined } : decodeSenderRecord(record);
  }
}

function openedBy(thief: Thief, { offers }: Overhearing): readonly boolean[] {
  return offers.map((overheard) => thief.opens(overheard));
}

test("after its receipt nothing that both ends have stored opens a transfer, the first one too", () => {
  const lab = new Overhearing();
  for (const id of [1, 2, 3, 4]) {
    lab.transfer(id);
    const thief = new Thief().copy(lab.alice).copy(lab.bob);
    assert.deepEqual(
      openedBy(thief, lab),
      lab.offers.map(() => false),
      `after transfer ${id}`,
    );
  }
});

test("before the first receipt too, what has been opened cannot be opened again", () => {
  const lab = new Overhearing();
  for (const id of [1, 2, 3]) {
    lab.offer(id);
    const thief = new Thief().copy(lab.alice).copy(lab.bob);
    assert.deepEqual(
      openedBy(thief, lab),
      lab.offers.map(() => false),
      `after offer ${id}`,
    );
  }
});

test("Thief opens what its copy leads to: with the package's secret, the whole channel", () => {
  const lab = new Overhearing();
  const encoded = lab.bob.offerPackage();
  const thief = new Thief().copy(lab.bob);
  lab.offer(1, encoded);
  lab.offer(2);
  assert.deepEqual(openedBy(thief, lab), [true, true]);
});

test("C-20 no secret of a transfer that is over stands anywhere in a record", () => {
  const lab = new Overhearing();
  for (const id of [1, 2, 3]) lab.transfer(id);
  assert.equal(lab.secrets.length, 3);
  for (const [n, secrets] of lab.secrets.entries()) {
    assert.ok(secrets.length > 20, `${secrets.length}`);
    const kept = secrets.filter((each) => isStored(lab.alice, each) || isStored(lab.bob, each));
    const names = new Set(kept.map(hex));
    // CK_(n+1) of the last transfer is what the next one begins with.
    assert.equal(names.size, n === 2 ? 1 : 0, `transfer ${n}`);
  }
});

test("a package of last resort gives up what its first key leads to while its secret lives", () => {
  const lab = new Overhearing();
  const encoded = lab.bob.offerPackage("last-resort");
  lab.receipt(lab.offer(1, encoded));
  lab.transfer(2);
  const stolen = (): Thief => new Thief().copy(lab.alice).copy(lab.bob);
  assert.deepEqual(openedBy(stolen(), lab), [true, true], "key 1 is still there as well");
  lab.transfer(3);
  assert.deepEqual(openedBy(stolen(), lab), [true, false, false]);
  lab.bob.packages.clear();
  assert.deepEqual(openedBy(stolen(), lab), [false, false, false]);
});

test("C-13 the sender's stolen state opens nothing from the next receipt's key on", () => {
  const lab = new Overhearing();
  const first = lab.offer(1);
  const thief = new Thief().copy(lab.alice);
  lab.offer(2);
  assert.deepEqual(openedBy(thief, lab), [false, true], "on the chain alone, until a receipt");
  lab.receipt(first);
  lab.transfer(3);
  lab.transfer(4);
  assert.deepEqual(openedBy(thief, lab), [false, true, false, false]);
});

test("C-13 the receiver's stolen state opens nothing from the key after its newest on", () => {
  const lab = new Overhearing();
  lab.transfer(1);
  lab.transfer(2);
  const thief = new Thief().copy(lab.bob);
  lab.transfer(3);
  lab.transfer(4);
  assert.deepEqual(openedBy(thief, lab), [false, false, true, false]);
  lab.transfer(5);
  assert.equal(thief.opens(lab.offers[4]!), false);
});

test("C-13 both stolen states together are healed by the same key", () => {
  const lab = new Overhearing();
  lab.transfer(1);
  const thief = new Thief().copy(lab.alice).copy(lab.bob);
  for (const id of [2, 3, 4]) lab.transfer(id);
  assert.deepEqual(openedBy(thief, lab), [false, true, false, false]);
});
