import assert from "node:assert/strict";
import { StatementSync } from "node:sqlite";
import { test, type TestContext } from "node:test";
import { equalBytes } from "@postern/core/bytes";
import { whileNothingIsSynced } from "../../test/failing-disk.ts";
import { contentsOf, copyOf, openIn, openStateLab, type StateLab } from "../../test/state-lab.ts";
import { bytes, CONTACT, contactOf, PAIR } from "../../test/stored-samples.ts";
import type { ChannelId } from "../store.ts";
import { ERASED_AFTER_IDLE_MS, ERASED_AFTER_MS } from "./state-journal.ts";

const SENDING: ChannelId = { ...PAIR, role: "sending" };
const OTHER: ChannelId = { ...PAIR, role: "receiving" };
const [BEFORE, LATER, LAST] = [1, 2, 3].map((n) => bytes(900, n + 90)) as [
  Uint8Array,
  Uint8Array,
  Uint8Array,
];

/** With a record on the disk, and one that waits. */
async function openLab(t: TestContext): Promise<StateLab> {
  const lab = await openStateLab(t);
  await lab.store.saveChannel(SENDING, BEFORE);
  await saveLater(lab, LATER);
  return lab;
}

async function saveLater({ store }: StateLab, record: Uint8Array): Promise<void> {
  await store.saveChannel(SENDING, record, undefined, { mayBeLost: "by-crash" });
}

/** What a crash now would leave. */
async function left({ directory }: StateLab): Promise<Uint8Array | undefined> {
  const after = await openIn(copyOf(directory));
  const record = await after.channel(SENDING);
  await after.close();
  return record;
}

test("ChannelRows keeps a record that may be lost until another change takes it along", async (t) => {
  const lab = await openLab(t);
  assert.deepEqual(await lab.store.channel(SENDING), LATER);
  assert.ok(!contentsOf(lab.directory).includes(LATER));
  assert.deepEqual(await left(lab), BEFORE);
  await lab.store.saveChannel(OTHER, BEFORE);
  assert.deepEqual(await left(lab), LATER);
  assert.deepEqual(await lab.store.channel(SENDING), LATER);
});

test("ChannelRows writes what waits when nothing is changed any more", async (t) => {
  const lab = await openLab(t);
  await lab.clock.advance(ERASED_AFTER_IDLE_MS - 1);
  assert.deepEqual(await left(lab), BEFORE);
  await lab.clock.advance(1);
  assert.deepEqual(await left(lab), LATER);
  assert.ok(!contentsOf(lab.directory).includes(BEFORE), "and erases what was there before");
});

test("ChannelRows writes what waits when it is closed", async (t) => {
  const lab = await openLab(t);
  await lab.store.close();
  assert.deepEqual(await left(lab), LATER);
});

test("ChannelRows never writes a record whose place another has taken", async (t) => {
  const lab = await openLab(t);
  await saveLater(lab, LAST);
  assert.deepEqual(await lab.store.channel(SENDING), LAST);
  await saveLater(lab, LATER);
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
  assert.deepEqual(await left(lab), LAST);
});

test("ChannelRows keeps what waits when the change that would write it fails", async (t) => {
  const lab = await openLab(t);
  await lab.store.saveContact(CONTACT);
  await saveLater(lab, LAST);
  const taken = { ...contactOf(2), name: CONTACT.name };
  await assert.rejects(lab.store.saveContact(taken), { code: "contact/name-taken" });
  assert.deepEqual(await lab.store.channel(SENDING), LAST);
  assert.deepEqual(await left(lab), LATER);
  await lab.store.close();
  assert.deepEqual(await left(lab), LAST);
});

test("ChannelRows writes what waits when a disk is well again that erased nothing for a while", async (t) => {
  const lab = await openLab(t);
  await whileNothingIsSynced(t, async () => {
    await lab.clock.advance(ERASED_AFTER_MS + ERASED_AFTER_IDLE_MS);
    await saveLater(lab, LAST);
    await assert.rejects(lab.store.saveChannel(SENDING, BEFORE), { code: "store/failed" });
  });
  assert.deepEqual(await lab.store.channel(SENDING), LAST);
  await lab.store.dropChannels(SENDING.peer);
  assert.equal(await lab.store.channel(SENDING), undefined);
  await saveLater(lab, LAST);
  await lab.clock.advance(ERASED_AFTER_IDLE_MS);
  assert.deepEqual(await left(lab), LAST);
  assert.ok(!contentsOf(lab.directory).includes(LATER), "and erases what was there before");
});

test("ChannelRows writes at once what only a loss of power may undo", async (t) => {
  const lab = await openLab(t);
  await lab.store.saveChannel(SENDING, LAST, undefined, { mayBeLost: "by-power-loss" });
  assert.deepEqual(await left(lab), LAST);
});

test("ChannelRows lists and drops channels whose records wait", async (t) => {
  const lab = await openLab(t);
  const records = (await lab.store.channels()).map(({ record }) => record);
  assert.deepEqual(records, [LATER]);
  await saveLater(lab, LAST);
  await lab.store.dropChannels(SENDING.peer);
  assert.equal(await lab.store.channel(SENDING), undefined);
  assert.equal(await left(lab), undefined);
});
