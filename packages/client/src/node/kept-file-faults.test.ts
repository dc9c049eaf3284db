/** A disk that fails under a kept file: nothing wrong gets a name, and nothing lost is trusted. */
import assert from "node:assert/strict";
import * as fs from "node:fs/promises";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { utf8 } from "@postern/core/bytes";
import { nativeSuite as suite } from "@postern/node";
import { failCalls, systemError } from "../../test/failing-disk.ts";
import { hasCode } from "../../test/has-code.ts";
import { MemoryJournal } from "../../test/part-journal.ts";
import { partIn } from "../../test/part-names.ts";
import { scratch } from "../../test/scratch.ts";
import type { FileSink } from "./file-sink.ts";
import { keptFileSink } from "./kept-file-sink.ts";
import { PromptCalls } from "./prompt-calls.ts";

async function setUp(t: TestContext) {
  const [directory, journal] = [await scratch(t), new MemoryJournal()];
  const calls = new PromptCalls({ cores: 4 });
  const opened = async (): Promise<FileSink> => {
    const sink = await keptFileSink(directory, "a", journal, { boot: "this one", calls });
    t.after(() => sink.abandon());
    return sink;
  };
  return { directory, journal, opened };
}

/** The first call fails, and no other: a system tells of a lost page once. */
function once(code = "EIO"): () => void {
  let isOver = false;
  return () => {
    if (isOver) return;
    isOver = true;
    throw systemError(code);
  };
}

test("F-11 keptFileSink() trusts nothing of a failed last sync, though the next one works", async (t) => {
  const { directory, opened } = await setUp(t);
  const sink = await opened();
  await sink.write(utf8("hello"), 0);
  await failCalls(t, "sync", once());
  await assert.rejects(sink.commit(5), hasCode("store/failed"));
  await sink.abandon();
  assert.equal((await fs.stat(await partIn(directory))).size, 0);
  const next = await opened();
  assert.equal(next.held, undefined);
  await next.write(utf8("hello"), 0);
  await next.commit(5);
  assert.equal(await fs.readFile(next.path, "utf8"), "hello");
});

test("F-11 keptFileSink() leaves alone what has its name, whatever fails behind that", async (t) => {
  const { directory, journal, opened } = await setUp(t);
  const sink = await opened();
  await sink.write(utf8("hello"), 0);
  let isFailing = true;
  const synced: string[] = [];
  await failCalls(t, "sync", async (handle) => {
    const isDirectory = (await handle.stat()).isDirectory();
    synced.push(isDirectory ? "directory" : "file");
    if (isFailing && isDirectory) throw systemError("EIO");
  });
  await failCalls(t, "datasync", () => {
    if (isFailing) throw systemError("EIO");
  });
  await assert.rejects(sink.commit(5), hasCode("store/failed"));
  await sink.abandon();
  assert.deepEqual(await fs.readdir(directory), ["a"]);
  assert.equal(await fs.readFile(join(directory, "a"), "utf8"), "hello");
  // The next transfer finds it whole, and says so once its name is on the disk as well.
  const next = await opened();
  assert.equal(next.held?.offset, 5);
  await assert.rejects(next.commit(5), hasCode("store/failed"));
  assert.notEqual(journal.note, undefined);
  isFailing = false;
  await (await opened()).commit(5);
  assert.deepEqual(synced, ["file", "directory", "directory", "directory"]);
  assert.deepEqual(await fs.readdir(directory), ["a"]);
  assert.equal(journal.note, undefined);
});

test("F-11 keptFileSink() keeps nothing of a write that failed in its middle", async (t) => {
  const { directory, opened } = await setUp(t);
  const sink = await opened();
  await sink.write(utf8("hello "), 0);
  await failCalls(t, "write", async () => {
    // A file that has grown, and not by what it was given.
    await fs.truncate(await partIn(directory), 9);
    throw systemError("EIO");
  });
  await assert.rejects(sink.write(utf8("world"), 6), hasCode("store/failed"));
  await sink.abandon();
  const { held } = await opened();
  assert.equal(held?.offset, 6);
  assert.deepEqual(held.hashed.copy().digest(), suite.sha256(utf8("hello ")));
});

test("F-11 keptFileSink() does not ask for ever a file system that writes nothing", async (t) => {
  const { opened } = await setUp(t);
  const sink = await opened();
  let asked = 0;
  await failCalls(t, "write", () => {
    if (++asked > 10) throw new Error("for ever");
    return { bytesWritten: 0 };
  });
  await assert.rejects(sink.write(utf8("hello"), 0), hasCode("store/failed"));
  assert.equal(asked, 1);
});
