/**
 * A receiver is killed at every step between the last byte and the end of its note (F-12): each
 * time the content is found whole, is not sent again, and stands there once, under one name.
 *
 * @module
 */
import assert from "node:assert/strict";
import * as fs from "node:fs/promises";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { utf8 } from "@postern/core/bytes";
import type { PartNote } from "../api.ts";
import { hasCode } from "../../test/has-code.ts";
import { MemoryJournal } from "../../test/part-journal.ts";
import { partIn } from "../../test/part-names.ts";
import { scratch } from "../../test/scratch.ts";
import { keptFileSink } from "./kept-file-sink.ts";

const BOOT = { boot: "this one" };
const TEXT = "hello world";
const TOTAL = TEXT.length;

/** Everything has come. */
async function complete(t: TestContext) {
  const [directory, journal] = [await scratch(t), new MemoryJournal()];
  const sink = await keptFileSink(directory, "a", journal, BOOT);
  // Left as a killed program leaves it; only its handle goes with the test.
  t.after(() => sink.abandon());
  await sink.write(utf8(TEXT), 0);
  return { directory, journal, sink, part: await partIn(directory) };
}

/** The next transfer of the content, in another process. */
async function goesOn(directory: string, journal: MemoryJournal, boot: string, name = "a") {
  const sink = await keptFileSink(directory, "a", journal, { boot });
  assert.equal(sink.held?.offset, TOTAL);
  await sink.commit(TOTAL);
  assert.equal(sink.path, join(directory, name));
  assert.equal(await fs.readFile(sink.path, "utf8"), TEXT);
  assert.equal(journal.note, undefined);
}

/** The note that the killed program wrote last: just before the name appears. */
async function lastNote(journal: MemoryJournal): Promise<PartNote> {
  const note = journal.written.at(-1);
  assert.ok(note !== undefined);
  assert.equal(note.bytes, TOTAL);
  return note;
}

test("F-12 killed at 100 % before confirm: nothing is sent again", async (t) => {
  const { directory, journal } = await complete(t);
  await goesOn(directory, journal, "this one");
  assert.deepEqual(await fs.readdir(directory), ["a"]);
});

for (const boot of ["this one", "another"]) {
  test(`F-12 killed before the rename, found after ${boot} start: it is whole`, async (t) => {
    const { directory, journal, sink, part } = await complete(t);
    await fs.copyFile(part, join(directory, "saved"));
    await sink.commit(TOTAL);
    journal.note = await lastNote(journal);
    await fs.unlink(join(directory, "a"));
    await fs.rename(join(directory, "saved"), part);
    await goesOn(directory, journal, boot);
    assert.deepEqual(await fs.readdir(directory), ["a"]);
  });

  test(`F-12 killed with both names there, found after ${boot} start: one stays`, async (t) => {
    const { directory, journal, sink, part } = await complete(t);
    await sink.commit(TOTAL);
    journal.note = await lastNote(journal);
    await fs.link(join(directory, "a"), part);
    await goesOn(directory, journal, boot);
    assert.deepEqual(await fs.readdir(directory), ["a"]);
  });

  test(`F-12 killed after the rename, found after ${boot} start: it is whole`, async (t) => {
    const { directory, journal, sink } = await complete(t);
    await sink.commit(TOTAL);
    journal.note = await lastNote(journal);
    await goesOn(directory, journal, boot);
    assert.deepEqual(await fs.readdir(directory), ["a"]);
  });
}

test("F-12 killed after the rename to the next free name: that is the file", async (t) => {
  const { directory, journal, sink } = await complete(t);
  await fs.writeFile(join(directory, "a"), "mine");
  await sink.commit(TOTAL);
  journal.note = await lastNote(journal);
  await goesOn(directory, journal, "this one", "a (1)");
  assert.deepEqual((await fs.readdir(directory)).toSorted(), ["a", "a (1)"]);
  assert.equal(await fs.readFile(join(directory, "a"), "utf8"), "mine");
});

test("F-12 a file that got its name and then another length is begun anew beside it", async (t) => {
  const { directory, journal, sink } = await complete(t);
  await sink.commit(TOTAL);
  journal.note = await lastNote(journal);
  await fs.appendFile(join(directory, "a"), " of mine");
  const next = await keptFileSink(directory, "a", journal, BOOT);
  assert.equal(next.held, undefined);
  await next.write(utf8(TEXT), 0);
  await next.commit(TOTAL);
  assert.equal(next.path, join(directory, "a (1)"));
  assert.equal(await fs.readFile(join(directory, "a"), "utf8"), `${TEXT} of mine`);
});

test("F-12 what has its final name is never written to, whatever comes", async (t) => {
  const { directory, journal, sink } = await complete(t);
  await sink.commit(TOTAL);
  journal.note = await lastNote(journal);
  const next = await keptFileSink(directory, "a", journal, BOOT);
  await assert.rejects(next.write(utf8("more"), TOTAL), hasCode("store/failed"));
  await assert.rejects(next.commit(TOTAL + 4), hasCode("store/failed"));
  await next.abandon();
  assert.equal(await fs.readFile(join(directory, "a"), "utf8"), TEXT);
});

test("F-12 F-09 two receivers of one name in one directory, each killed once: two files", async (t) => {
  const directory = await scratch(t);
  const journals = [new MemoryJournal(), new MemoryJournal()];
  for (const [i, journal] of journals.entries()) {
    const killed = await keptFileSink(directory, "a", journal, BOOT);
    t.after(() => killed.abandon());
    await killed.write(utf8(`of ${i}`), 0);
  }
  const sinks = await Promise.all(
    journals.map(async (journal) => await keptFileSink(directory, "a", journal, BOOT)),
  );
  for (const [i, sink] of sinks.entries()) {
    assert.equal(sink.held?.offset, 4);
    await sink.write(utf8(`, ${i}`), 4);
  }
  await Promise.all(sinks.map(async (sink) => await sink.commit(7)));
  assert.deepEqual((await fs.readdir(directory)).toSorted(), ["a", "a (1)"]);
  for (const [i, sink] of sinks.entries())
    assert.equal(await fs.readFile(sink.path, "utf8"), `of ${i}, ${i}`);
});
