import assert from "node:assert/strict";
import { StatementSync } from "node:sqlite";
import { test, type TestContext } from "node:test";
import { equalBytes } from "@postern/core/bytes";
import { whileNothingIsSynced } from "../../test/failing-disk.ts";
import { scratch } from "../../test/scratch.ts";
import { contentsOf, copyOf, openIn } from "../../test/state-lab.ts";
import { bytes, CONTACT, contactOf, PAIR } from "../../test/stored-samples.ts";
import { TurnedClock } from "../../test/turned-clock.ts";
import type { ChannelId, Store } from "../store.ts";
import { ERASED_AFTER_IDLE_MS, ERASED_AFTER_MS } from "./state-journal.ts";

const SENDING: ChannelId = { ...PAIR, role: "sending" };
const OTHER: ChannelId = { ...PAIR, role: "receiving" };
const [BEFORE, LATER, LAST] = [1, 2, 3].map((n) => bytes(900, n + 90)) as [
  Uint8Array,
  Uint8Array,
  Uint8Array,
];

class Lab {
  readonly clock = new TurnedClock();
  readonly directory: string;
  readonly store: Store;

  constructor(directory: string, store: Store, clock: TurnedClock) {
    this.directory = directory;
    this.store = store;
    this.clock = clock;
  }

  /** With a record on the disk, and one that waits. */
  static async open(t: TestContext): Promise<Lab> {
    const [directory, clock] = [await scratch(t), new TurnedClock()];
    const lab = new Lab(directory, await openIn(directory, undefined, clock), clock);
    t.after(() => lab.store.close());
    await lab.store.saveChannel(SENDING, BEFORE);
    await lab.saveLater(LATER);
    return lab;
  }

  async saveLater(record: Uint8Array): Promise<void> {
    await this.store.saveChannel(SENDING, record, undefined, { mayBeLost: "by-crash" });
  }

  /** What a crash now would leave. */
  async left(): Promise<Uint8Array | undefined> {
    const after = await openIn(copyOf(this.directory));
    const record = await after.channel(SENDING);
    await after.close();
    return record;
  }
}

test("ChannelRows keeps a record that may be lost until another change takes it along", async (t) => {
  const lab = await Lab.open(t);
  assert.deepEqual(await lab.store.channel(SENDING), LATER);
  assert.ok(!contentsOf(lab.directory).includes(LATER));
  assert.deepEqual(await lab.left(), BEFORE);
  await lab.store.saveChannel(OTHER, BEFORE);
  assert.deepEqual(await lab.left(), LATER);
  assert.deepEqual(await lab.store.channel(SENDING), LATER);
});

test("ChannelRows writes what waits when nothing is changed any more", async (t) => {
  const lab = await Lab.open(t);
  await lab.clock.advance(ERASED_AFTER_IDLE_MS - 1);
  assert.deepEqual(await lab.left(), BEFORE);
  await lab.clock.advance(1);
  assert.deepEqual(await lab.left(), LATER);
  assert.ok(!contentsOf(lab.directory).includes(BEFORE), "and erases what was there before");
});

test("ChannelRows writes what waits when it is closed", async (t) => {
  const lab = await Lab.open(t);
  await lab.store.close();
  assert.deepEqual(await lab.left(), LATER);
});

test("ChannelRows never writes a record whose place another has taken", async (t) => {
  const lab = await Lab.open(t);
  await lab.saveLater(LAST);
  assert.deepEqual(await lab.store.channel(SENDING), LAST);
  await lab.saveLater(LATER);
  const written: Uint8Array[] = [];
  const noted = <F extends (...values: never[]) => unknown>(run: F) =>
    function (this: ThisParameterType<F>, ...values: Parameters<F>): unknown {
      // Copies: what waited is wiped afterwards.
      for (const value of values as readonly unknown[])
        if (value instanceof Uint8Array) written.push(value.slice());
      return run.apply(this, values);
    };
  const statements = StatementSync.prototype;
  t.mock.method(statements, "run", noted(statements["run"]));
  await lab.store.saveChannel(SENDING, LAST);
  const isWritten = (record: Uint8Array): boolean =>
    written.some((value) => equalBytes(value, record));
  assert.deepEqual([isWritten(LAST), isWritten(LATER)], [true, false]);
  assert.deepEqual(await lab.left(), LAST);
});

test("ChannelRows keeps what waits when the change that would write it fails", async (t) => {
  const lab = await Lab.open(t);
  await lab.store.saveContact(CONTACT);
  await lab.saveLater(LAST);
  const taken = { ...contactOf(2), name: CONTACT.name };
  await assert.rejects(lab.store.saveContact(taken), { code: "contact/name-taken" });
  assert.deepEqual(await lab.store.channel(SENDING), LAST);
  assert.deepEqual(await lab.left(), LATER);
  await lab.store.close();
  assert.deepEqual(await lab.left(), LAST);
});

test("ChannelRows writes what waits when a disk is well again that erased nothing for a while", async (t) => {
  const lab = await Lab.open(t);
  await whileNothingIsSynced(t, async () => {
    await lab.clock.advance(ERASED_AFTER_MS + ERASED_AFTER_IDLE_MS);
    await lab.saveLater(LAST);
    await assert.rejects(lab.store.saveChannel(SENDING, BEFORE), { code: "store/failed" });
  });
  assert.deepEqual(await lab.store.channel(SENDING), LAST);
  await lab.store.dropChannels(SENDING.peer);
  assert.equal(await lab.store.channel(SENDING), undefined);
  await lab.saveLater(LAST);
  await lab.clock.advance(ERASED_AFTER_IDLE_MS);
  assert.deepEqual(await lab.left(), LAST);
  assert.ok(!contentsOf(lab.directory).includes(LATER), "and erases what was there before");
});

test("ChannelRows writes at once what only a loss of power may undo", async (t) => {
  const lab = await Lab.open(t);
  await lab.store.saveChannel(SENDING, LAST, undefined, { mayBeLost: "by-power-loss" });
  assert.deepEqual(await lab.left(), LAST);
});

test("ChannelRows lists and drops channels whose records wait", async (t) => {
  const lab = await Lab.open(t);
  const records = (await lab.store.channels()).map(({ record }) => record);
  assert.deepEqual(records, [LATER]);
  await lab.saveLater(LAST);
  await lab.store.dropChannels(SENDING.peer);
  assert.equal(await lab.store.channel(SENDING), undefined);
  assert.equal(await lab.left(), undefined);
});
