import assert from "node:assert/strict";
import * as fs from "node:fs/promises";
import { basename, join } from "node:path";
import process from "node:process";
import { test, type TestContext } from "node:test";
import { utf8 } from "@postern/core/bytes";
import { PosternError } from "@postern/core/errors";
import { PART_SYNC_BYTES, PART_SYNC_INTERVAL_MS_MIN } from "@postern/core/limits";
import type { InstantMs } from "@postern/core/time";
import { nativeSuite as suite } from "@postern/node";
import { hasCode } from "../../test/has-code.ts";
import { MemoryJournal } from "../../test/part-journal.ts";
import { namesIn, partIn } from "../../test/part-names.ts";
import { scratch } from "../../test/scratch.ts";
import type { FileSink } from "./file-sink.ts";
import { keptFileSink } from "./kept-file-sink.ts";
import { PromptCalls } from "./prompt-calls.ts";

const BOOT = { boot: "this one" };
const NEXT_BOOT = { boot: "another" };

test("keptFileSink() goes on with what an earlier transfer left", async (t) => {
  const [directory, journal] = [await scratch(t), new MemoryJournal()];
  const first = await opened(t, directory, "a.txt", journal, BOOT);
  assert.equal(first.held, undefined);
  await first.write(utf8("hello "), 0);
  await first.abandon();
  await first.abandon();
  assert.deepEqual(await namesIn(directory), [".a.txt.part"]);
  assert.deepEqual(journal.note, {
    directory,
    name: "a.txt",
    part: basename(await partIn(directory)),
    bytes: 6,
    ...BOOT,
  });
  const second = await opened(t, "/nonexistent", "a.txt", journal, BOOT);
  expectHeld(second, "hello ");
  await second.write(utf8("world"), 6);
  await second.commit(11);
  assert.equal(second.path, join(directory, "a.txt"));
  assert.equal(await fs.readFile(second.path, "utf8"), "hello world");
  assert.deepEqual(await fs.readdir(directory), ["a.txt"]);
  assert.equal(journal.note, undefined);
  await second.abandon();
  await assert.rejects(second.write(utf8("x"), 11), hasCode("usage/wrong-state"));
});

test("keptFileSink() takes at once what is prompt, and knows where it is", async (t) => {
  const [directory, journal] = [await scratch(t), new MemoryJournal()];
  const calls = new PromptCalls({ cores: 2, now: () => 0 });
  const sink = await keptFileSink(directory, "a.txt", journal, { ...BOOT, calls });
  assert.equal(sink.writeNow?.(utf8("hello "), 0), true);
  assert.throws(() => sink.writeNow?.(utf8("world"), 5), hasCode("usage/wrong-state"));
  await sink.write(utf8("wor"), 6);
  assert.equal(sink.writeNow?.(utf8("ld"), 9), true);
  await sink.commit(11);
  assert.equal(await fs.readFile(sink.path, "utf8"), "hello world");
  assert.throws(() => sink.writeNow?.(utf8("x"), 11), hasCode("usage/wrong-state"));
});

test("keptFileSink() leaves to write() what is not prompt", async (t) => {
  const calls = new PromptCalls({ cores: 4 });
  const sink = await keptFileSink(await scratch(t), "a", new MemoryJournal(), { ...BOOT, calls });
  assert.equal(sink.writeNow?.(utf8("abc"), 0), false);
  await sink.write(utf8("abc"), 0);
  await sink.commit(3);
  assert.equal(await fs.readFile(sink.path, "utf8"), "abc");
});

test("keptFileSink() keeps neither part nor note of a transfer without a byte", async (t) => {
  const [directory, journal] = [await scratch(t), new MemoryJournal()];
  const sink = await opened(t, directory, "a.txt", journal, BOOT);
  assert.equal(journal.written.length, 1);
  await sink.abandon();
  assert.deepEqual(await fs.readdir(directory), []);
  assert.equal(journal.note, undefined);
});

test("keptFileSink() takes every byte that a killed program of this start wrote", async (t) => {
  const [directory, journal] = [await scratch(t), new MemoryJournal()];
  const killed = await opened(t, directory, "a", journal, BOOT);
  await killed.write(utf8("abc"), 0);
  assert.equal(journal.note?.bytes, 0);
  expectHeld(await opened(t, directory, "a", journal, BOOT), "abc");
});

test("keptFileSink() takes after another start what the disk has for sure, no more", async (t) => {
  const [directory, journal] = [await scratch(t), new MemoryJournal()];
  const killed = await opened(t, directory, "a", journal, BOOT);
  await killed.write(utf8("abcdef"), 0);
  journal.note = { ...journal.note!, bytes: 4 };
  const sink = await opened(t, directory, "a", journal, NEXT_BOOT);
  expectHeld(sink, "abcd");
  assert.equal((await fs.stat(await partIn(directory))).size, 4);
  // From now on it is this start's, whose writes count.
  await sink.write(utf8("EF"), 4);
  expectHeld(await opened(t, directory, "a", journal, NEXT_BOOT), "abcdEF");
});

test("keptFileSink() notes its progress beside the writes, what is on the disk alone", async (t) => {
  const [directory, journal] = [await scratch(t), new MemoryJournal()];
  let now = 0;
  const clock = { now: () => now as InstantMs };
  const sink = await opened(t, directory, "a", journal, { ...BOOT, clock });
  const piece = new Uint8Array(1_048_576);
  let offset = 0;
  for (; offset < PART_SYNC_BYTES; offset += piece.length) await sink.write(piece, offset);
  assert.equal(journal.note?.bytes, 0);
  now += PART_SYNC_INTERVAL_MS_MIN;
  const noted = new Promise<number>((resolve) => {
    journal.onWrite = ({ bytes }) => resolve(bytes);
  });
  await sink.write(piece, offset);
  assert.equal(await noted, PART_SYNC_BYTES + piece.length);
  await sink.abandon();
});

test("keptFileSink() begins anew when its part was removed or replaced (F-05, F-06)", async (t) => {
  const outside = join(await scratch(t), "outside");
  const begin = async () => {
    const [directory, journal] = [await scratch(t), new MemoryJournal()];
    const killed = await opened(t, directory, "a", journal, BOOT);
    await killed.write(utf8("abc"), 0);
    await fs.writeFile(outside, "untouched");
    return { directory, journal, part: await partIn(directory) };
  };
  const cases: Readonly<Record<string, (part: string) => Promise<unknown>>> = {
    removed: async (part) => await fs.unlink(part),
    "a link": async (part) => {
      await fs.unlink(part);
      await fs.symlink(outside, part);
    },
    "another name of a file": async (part) => {
      await fs.unlink(part);
      await fs.link(outside, part);
    },
    "a folder": async (part) => {
      await fs.unlink(part);
      await fs.mkdir(part);
    },
  };
  for (const [what, change] of Object.entries(cases)) {
    const { directory, journal, part } = await begin();
    await change(part);
    const sink = await opened(t, directory, "a", journal, BOOT);
    assert.equal(sink.held, undefined, what);
    await sink.write(utf8("new"), 0);
    await sink.commit(3);
    assert.equal(await fs.readFile(sink.path, "utf8"), "new", what);
    assert.equal(await fs.readFile(outside, "utf8"), "untouched", what);
  }
});

test(
  "keptFileSink() takes no part that another user owns (F-06)",
  { skip: !isRoot() },
  async (t) => {
    const [directory, journal] = [await scratch(t), new MemoryJournal()];
    const killed = await opened(t, directory, "a", journal, BOOT);
    await killed.write(utf8("abc"), 0);
    await fs.chown(await partIn(directory), 12_345, 12_345);
    const sink = await opened(t, directory, "a", journal, BOOT);
    assert.equal(sink.held, undefined);
    await sink.abandon();
    assert.deepEqual(await namesIn(directory), [".a.part"]);
  },
);

test("F-12 keptFileSink() takes no other content's part for its own, whatever became of it", async (t) => {
  for (const left of ["removed", "whole"]) {
    const directory = await scratch(t);
    const [first, second] = [new MemoryJournal(), new MemoryJournal()];
    const sink = await opened(t, directory, "a", first, BOOT);
    await sink.write(utf8("first"), 0);
    // Its note may stay: for a sender that has not heard, or after its part was removed by hand.
    if (left === "whole") await sink.commit(5);
    else await fs.unlink(await partIn(directory));
    first.note = first.written.at(-1);
    if (left === "whole") await fs.unlink(join(directory, "a"));

    const running = await opened(t, directory, "a", second, BOOT);
    await running.write(utf8("second "), 0);
    const again = await opened(t, directory, "a", first, BOOT);
    assert.equal(again.held, undefined, left);
    await running.write(utf8("is "), 7);
    await again.write(utf8("first again"), 0);
    await again.abandon();
    await running.write(utf8("whole"), 10);
    await running.commit(15);
    assert.equal(await fs.readFile(running.path, "utf8"), "second is whole", left);
  }
});

test("F-12 keptFileSink() takes no part for whole that its person has given the name", async (t) => {
  const [directory, journal] = [await scratch(t), new MemoryJournal()];
  const sized = { ...BOOT, size: 11 };
  const first = await opened(t, directory, "a", journal, sized);
  await first.write(utf8("hello "), 0);
  await first.abandon();
  await fs.rename(await partIn(directory), join(directory, "a"));
  const next = await opened(t, directory, "a", journal, sized);
  assert.equal(next.held, undefined);
  await next.write(utf8("hello world"), 0);
  await next.commit(11);
  assert.equal(next.path, join(directory, "a (1)"));
  assert.equal(await fs.readFile(join(directory, "a"), "utf8"), "hello ");
});

test("keptFileSink() follows no link that its directory has become (F-06)", async (t) => {
  const [directory, other, journal] = [await scratch(t), await scratch(t), new MemoryJournal()];
  const inbox = join(directory, "inbox");
  await fs.mkdir(inbox);
  const killed = await opened(t, inbox, "a", journal, BOOT);
  await killed.write(utf8("abc"), 0);
  const part = basename(await partIn(inbox));
  await fs.rename(inbox, join(directory, "moved"));
  await fs.symlink(other, inbox);
  await fs.writeFile(join(other, part), "evil");
  const sink = await opened(t, directory, "a", journal, BOOT);
  assert.equal(sink.held, undefined);
  assert.equal(await fs.readFile(join(other, part), "utf8"), "evil");
});

test("keptFileSink() does not follow a note that points elsewhere (F-01)", async (t) => {
  const [directory, journal] = [await scratch(t), new MemoryJournal()];
  await fs.mkdir(join(directory, "inbox"));
  await fs.writeFile(join(directory, "mine"), "mine");
  journal.note = {
    directory: join(directory, "inbox"),
    name: "../mine",
    part: "../mine",
    bytes: 4,
    ...BOOT,
  };
  const sink = await opened(t, join(directory, "inbox"), "a", journal, BOOT);
  assert.equal(sink.held, undefined);
  await sink.write(utf8("new"), 0);
  assert.equal(await fs.readFile(join(directory, "mine"), "utf8"), "mine");
});

test("keptFileSink() receives without a journal's help once it has begun", async (t) => {
  const [directory, journal] = [await scratch(t), new MemoryJournal()];
  const sink = await opened(t, directory, "a", journal, BOOT);
  await sink.write(utf8("abc"), 0);
  journal.onWrite = refuse;
  await sink.commit(3);
  assert.equal(await fs.readFile(sink.path, "utf8"), "abc");
  const unnoted = keptFileSink(directory, "b", journal, BOOT);
  await assert.rejects(unnoted, hasCode("store/failed"));
  assert.deepEqual(await fs.readdir(directory), ["a"]);
});

/** One that is left as a killed program leaves it; only its handle goes with the test. */
async function opened(
  t: TestContext,
  ...given: Parameters<typeof keptFileSink>
): Promise<FileSink> {
  const sink = await keptFileSink(...given);
  t.after(() => sink.abandon());
  return sink;
}

function refuse(): never {
  throw new PosternError("store/failed", "no more notes");
}

function expectHeld({ held }: FileSink, text: string): void {
  assert.equal(held?.offset, text.length);
  assert.deepEqual(held.hashed.copy().digest(), suite.sha256(utf8(text)));
}

function isRoot(): boolean {
  return process.getuid?.() === 0;
}
