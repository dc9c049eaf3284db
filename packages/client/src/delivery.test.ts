import assert from "node:assert/strict";
import { test } from "node:test";
import { hex } from "@postern/core/bytes";
import { PosternError, type ErrorCode } from "@postern/core/errors";
import type { WallMs } from "@postern/core/time";
import { hasCode } from "../test/has-code.ts";
import { MemorySource } from "../test/records-lab.ts";
import { bytes, CONTACT, fingerprint, IDENTITY } from "../test/stored-samples.ts";
import { settle, TurnedClock } from "../test/turned-clock.ts";
import type { DeliverOptions, Delivery, DeliveryEvent, SendOptions, Transfer } from "./api.ts";
import type { TransferEvent } from "./api.ts";
import { Deliveries } from "./deliveries.ts";
import { EventQueue } from "./event-queue.ts";
import { memoryStore } from "./memory-store.ts";
import { StoredContents } from "./unfinished.ts";

const CONTENT = bytes(1_000, 1);
const RECEIPT = {
  transfer: "t",
  bytes: 1_000,
  sessionKeys: 1,
  resends: 0,
  pipes: 1,
  nextMasterKey: true,
};

class ScriptedTransfer implements Transfer {
  readonly id = "t";
  readonly peer = { name: "bob", fingerprint: "f", trust: undefined };
  readonly content = { kind: "file", name: "x", size: 1_000 } as const;
  readonly profile = "end-to-end";
  readonly sent: SendOptions;
  readonly #end = Promise.withResolvers<typeof RECEIPT>();
  readonly finished = this.#end.promise;
  readonly events = new EventQueue<TransferEvent>();
  cancels = 0;

  constructor(sent: SendOptions) {
    this.sent = sent;
    this.finished.catch(() => undefined);
  }

  cancel(): void {
    this.cancels++;
    this.fail("transfer/cancelled");
  }

  leave(): void {
    this.cancel();
  }

  [Symbol.asyncIterator](): AsyncIterator<TransferEvent> {
    return this.events[Symbol.asyncIterator]();
  }

  accept(offset = 0): void {
    this.events.push({ type: "accepted", offset });
  }

  progress(to: number): void {
    const key = { sessionKey: 1, keyAgeMs: 0 };
    this.events.push({ type: "progress", bytes: to, total: 1_000, ...key });
  }

  fail(code: ErrorCode): void {
    const error = new PosternError(code, "scripted");
    this.events.push({ type: "failed", error });
    this.events.end();
    this.#end.reject(error);
  }

  done(): void {
    this.events.push({ type: "done", receipt: RECEIPT });
    this.events.end();
    this.#end.resolve(RECEIPT);
  }
}

class Lab {
  readonly clock = new TurnedClock();
  readonly store = memoryStore(IDENTITY);
  readonly unfinished = new StoredContents({
    store: this.store,
    wall: () => this.clock.now() as number as WallMs,
  });
  readonly transfers: ScriptedTransfer[] = [];
  /** Entries of the store when an offer left. */
  readonly remembered: number[] = [];
  /** What the next attempts to send meet. */
  errors: ErrorCode[] = [];
  peer = CONTACT.fingerprint;
  opened: MemorySource[] = [];
  #ids = 0;
  readonly deliveries = new Deliveries({
    clock: this.clock,
    jitter: () => 0.5,
    unfinished: this.unfinished,
    newContentId: () => bytes(16, ++this.#ids),
    peerName: (_, name) => ({ name, fingerprint: "f", trust: undefined }),
    send: async (options, { begin }) => {
      const code = this.errors.shift();
      if (code !== undefined) {
        await options.content.close();
        throw new PosternError(code, "scripted");
      }
      const party = { id: CONTACT.id, fingerprint: this.peer };
      await begin({ party, relayName: "bob" }, bytes(16, 100 + this.transfers.length));
      this.remembered.push((await this.store.unfinished()).length);
      const transfer = new ScriptedTransfer(options);
      this.transfers.push(transfer);
      return transfer;
    },
  });

  options(more: Partial<DeliverOptions> = {}): DeliverOptions {
    const open = async () => {
      this.opened.push(new MemorySource(CONTENT, CONTENT.length));
      return this.opened.at(-1)!;
    };
    return { to: "bob", profile: "end-to-end", open, paths: ["/x"], ...more };
  }

  async start(more: Partial<DeliverOptions> = {}) {
    const delivery = await this.deliveries.start(this.options(more));
    return { delivery, events: read(delivery) };
  }

  /** The last transfer that began. */
  get now(): ScriptedTransfer {
    return this.transfers.at(-1)!;
  }
}

function read(delivery: Delivery): DeliveryEvent[] {
  const events: DeliveryEvent[] = [];
  void (async () => {
    for await (const event of delivery) events.push(event);
  })();
  return events;
}

function last(events: readonly DeliveryEvent[]): string | undefined {
  const event = events.at(-1);
  return event?.type === "failed" ? event.error.code : event?.type;
}

test("a delivery is remembered before its first offer leaves, and forgotten when it is done", async () => {
  const lab = new Lab();
  const { delivery, events } = await lab.start();
  assert.deepEqual(lab.remembered, [1]);
  assert.equal(delivery.id, hex(lab.now.sent.contentId ?? new Uint8Array(0)));
  lab.now.accept();
  lab.now.done();
  assert.deepEqual(await delivery.finished, RECEIPT);
  await settle();
  assert.deepEqual(last(events), "done");
  assert.deepEqual(await lab.unfinished.list(), []);
});

test("a delivery that cannot be opened again is not remembered", async () => {
  const lab = new Lab();
  const { paths: _, ...options } = lab.options();
  await lab.deliveries.start(options);
  assert.deepEqual(lab.remembered, [0]);
});

test("a delivery is remembered with how its folders were listed", async () => {
  for (const links of ["keep", undefined] as const) {
    const lab = new Lab();
    await lab.start({ ...(links && { links }) });
    const [kept] = await lab.unfinished.list();
    assert.deepEqual([kept?.paths, kept?.links], [["/x"], links]);
  }
});

test("a transfer that breaks after it was accepted is followed by others of the same content", async () => {
  const lab = new Lab();
  const { events } = await lab.start();
  lab.now.accept();
  lab.now.progress(400);
  lab.now.fail("peer/gone");
  await lab.clock.advance(999);
  assert.equal(lab.transfers.length, 1);
  lab.errors = ["peer/absent"];
  await lab.clock.advance(1);
  assert.equal(lab.transfers.length, 1);
  await lab.clock.advance(2_000);
  assert.equal(lab.transfers.length, 2);
  const [first, second] = lab.transfers;
  assert.deepEqual(second?.sent.contentId, first?.sent.contentId);
  assert.notEqual(second?.sent.content, first?.sent.content);
  lab.now.accept(400);
  lab.now.done();
  await settle();
  assert.deepEqual(
    events.map(({ type }) => type),
    ["accepted", "progress", "waiting", "waiting", "accepted", "done"],
  );
});

test("what fails before anybody took it is final, and forgotten", async () => {
  const lab = new Lab();
  const { delivery, events } = await lab.start();
  lab.now.fail("peer/gone");
  await assert.rejects(delivery.finished, hasCode("peer/gone"));
  await settle();
  assert.equal(last(events), "peer/gone");
  assert.deepEqual(await lab.unfinished.list(), []);
  lab.errors = ["peer/absent"];
  await assert.rejects(lab.start(), hasCode("peer/absent"));
});

test("a final failure of a content that was taken in part is remembered with its reason", async () => {
  const lab = new Lab();
  const { delivery } = await lab.start();
  lab.now.accept();
  lab.now.progress(300);
  lab.now.fail("peer/no-space");
  await assert.rejects(delivery.finished, hasCode("peer/no-space"));
  const [kept] = await lab.unfinished.list();
  assert.deepEqual([kept?.bytes, kept?.error, kept?.paths], [300, "peer/no-space", ["/x"]]);
  lab.errors = ["peer/absent"];
  const { delivery: again, events } = await lab.start({ id: delivery.id });
  await settle();
  assert.deepEqual([again.peer.name, last(events)], ["bob", "waiting"]);
  await lab.clock.advance(1_000);
  assert.equal(lab.transfers.length, 2);
});

test("a delivery that waits ends at once when it is cancelled, or its client closes", async () => {
  for (const [end, code] of [
    [(_: Lab, delivery: Delivery) => delivery.cancel(), "transfer/cancelled"],
    [(lab: Lab) => void lab.deliveries.end(new PosternError("link/closed", "x")), "link/closed"],
  ] as const) {
    const lab = new Lab();
    const { delivery } = await lab.start();
    lab.now.accept();
    lab.now.fail("link/closed");
    await settle();
    end(lab, delivery);
    await assert.rejects(delivery.finished, hasCode(code));
    await lab.clock.advance(60_000);
    assert.equal(lab.transfers.length, 1);
    assert.equal((await lab.unfinished.list())[0]?.error, code);
    await lab.deliveries.end(new PosternError("link/closed", "again"));
  }
});

test("a delivery that is cancelled while its transfer begins cancels that", async () => {
  const lab = new Lab();
  const { delivery } = await lab.start();
  lab.now.accept();
  lab.now.fail("peer/gone");
  const { begin, promise } = holdUp(lab);
  await lab.clock.advance(1_000);
  delivery.cancel();
  begin();
  await promise;
  await assert.rejects(delivery.finished, hasCode("transfer/cancelled"));
  assert.equal(lab.now.cancels, 1);
});

/** The store answers nothing before `begin`. */
function holdUp(lab: Lab) {
  const gate = Promise.withResolvers<void>();
  const save = lab.store.saveUnfinished.bind(lab.store);
  lab.store.saveUnfinished = async (one) => {
    await gate.promise;
    await save(one);
  };
  return { begin: gate.resolve, promise: gate.promise };
}

test("who waits for the relay goes on when the link is back; who waits for a person does not", async () => {
  for (const [code, transfers] of [
    ["link/closed", 2],
    ["peer/gone", 1],
  ] as const) {
    const lab = new Lab();
    await lab.start();
    lab.now.accept();
    lab.now.fail(code);
    await settle();
    lab.deliveries.onLink();
    await settle();
    assert.equal(lab.transfers.length, transfers, code);
  }
});

test("a content goes on to the one it was begun with, and to nobody else", async () => {
  const lab = new Lab();
  const { delivery } = await lab.start();
  lab.now.accept();
  lab.now.fail("peer/gone");
  lab.peer = fingerprint(9);
  await lab.clock.advance(1_000);
  await assert.rejects(delivery.finished, hasCode("peer/key-changed"));
  const resumed = lab.start({ id: delivery.id });
  await assert.rejects(resumed, hasCode("peer/key-changed"));
  assert.equal(lab.transfers.length, 1);
});

test("a content that has changed its name or length, or is gone, ends the delivery", async () => {
  for (const [open, code] of [
    [async () => new MemorySource(CONTENT, 999), "transfer/source-changed"],
    [
      async () => {
        throw new PosternError("transfer/source-unreadable", "gone");
      },
      "transfer/source-unreadable",
    ],
  ] as const) {
    const lab = new Lab();
    let opens = 0;
    const own = lab.options().open;
    const { delivery } = await lab.start({ open: async () => (opens++ === 0 ? own() : open()) });
    lab.now.accept();
    lab.now.fail("peer/gone");
    await lab.clock.advance(1_000);
    await assert.rejects(delivery.finished, hasCode(code));
    assert.equal((await lab.unfinished.list())[0]?.error, code);
  }
});

test("one content has one delivery at a time; an id that nobody knows has none", async () => {
  const lab = new Lab();
  const { delivery } = await lab.start();
  await assert.rejects(lab.start({ id: delivery.id }), hasCode("usage/wrong-state"));
  for (const id of ["", "zz", "0".repeat(32), `${delivery.id}0`])
    await assert.rejects(lab.start({ id }), hasCode("transfer/unknown"), id);
  delivery.cancel();
  await assert.rejects(delivery.finished, hasCode("transfer/cancelled"));
  assert.equal(lab.opened.length, 1);
});

test("a content that replaces another has an id that tells the receiver so", async () => {
  const lab = new Lab();
  const { delivery } = await lab.start({ replaces: "ff".repeat(2) + "3f" + "0".repeat(26) });
  assert.equal(delivery.id, "000040" + "0".repeat(26));
  const none = lab.start({ replaces: "f" });
  await assert.rejects(none, hasCode("transfer/unknown"));
  delivery.cancel();
  await assert.rejects(delivery.finished, hasCode("transfer/cancelled"));
});

test("how far it is gets noted a second late at most, not with every report", async () => {
  const lab = new Lab();
  await lab.start();
  lab.now.accept();
  let saves = 0;
  const save = lab.store.saveUnfinished.bind(lab.store);
  lab.store.saveUnfinished = async (one) => {
    saves++;
    await save(one);
  };
  for (let at = 1; at <= 100; at++) {
    lab.now.progress(at);
    await lab.clock.advance(100);
    const [kept] = await lab.unfinished.list();
    // Whoever is killed now has this in its list.
    assert.ok((kept?.bytes ?? 0) > at - 12, `${kept?.bytes} of ${at}`);
  }
  assert.ok(saves >= 8 && saves <= 10, `${saves} writes in 10 s`);
});

test("a transfer that broke is known as gone on with, until the delivery ends without it", async () => {
  const lab = new Lab();
  const isKnown = async (n: number): Promise<boolean> =>
    await lab.deliveries.isGoingOnWith(CONTACT.fingerprint, bytes(16, 100 + n));
  // No other process can go on with it.
  const { paths, ...stream } = lab.options();
  assert.ok(paths !== undefined);
  const delivery = await lab.deliveries.start(stream);
  const events = read(delivery);
  assert.deepEqual([await isKnown(0), await isKnown(1)], [true, false]);
  lab.now.accept();
  lab.now.fail("transfer/interrupted");
  await lab.clock.advance(2_000);
  assert.deepEqual([lab.transfers.length, await isKnown(0), await isKnown(1)], [2, true, true]);
  delivery.cancel();
  await lab.clock.advance(0);
  assert.equal(events.at(-1)?.type, "failed");
  assert.equal(await isKnown(0), false);
});
