/** What a directory sink goes on with after every kind of end. */
import assert from "node:assert/strict";
import * as fs from "node:fs/promises";
import { basename, join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { PosternError } from "@postern/core/errors";
import { PART_SYNC_INTERVAL_MS_MAX } from "@postern/core/limits";
import type { InstantMs } from "@postern/core/time";
import {
  contentFrom,
  contentOf,
  type DirectoryContent,
  expectHeld,
  MODIFIED_MS,
  pour,
  receive,
  sinkFor,
  treeAt,
} from "../../test/directory-lab.ts";
import { hasCode } from "../../test/has-code.ts";
import { MemoryJournal } from "../../test/part-journal.ts";
import { namesIn, partIn } from "../../test/part-names.ts";
import { scratch } from "../../test/scratch.ts";
import { directorySink } from "./directory-sink.ts";

const NEXT_BOOT = { boot: "another" };
const BIG = "0123456789".repeat(20_000);
const TREE = {
  "top/": "",
  "top/a.txt": "AAAA",
  "top/empty/": "",
  "top/sub/": "",
  "top/sub/big": BIG,
  "top/sub/link": "-> ../a.txt",
  "top/sub/zero": "",
  "top/z": "ZZZZ",
  "top/zero": "",
};

test("F-12 directorySink() goes on where a killed program of this start stopped", async (t) => {
  const content = contentOf(TREE);
  const { listBytes, bytes } = content;
  for (const behind of [0, 1, 4, 5, 100_000, BIG.length + 4, BIG.length + 6, BIG.length + 8]) {
    const [directory, journal] = [await scratch(t), new MemoryJournal()];
    const end = listBytes + behind;
    await pour(await sinkFor(directory, content, journal), content, end);
    assert.equal(journal.note?.bytes, 0, "nothing was noted before the kill");
    const next = await sinkFor("/nonexistent", content, journal);
    expectHeld(next, content, end);
    assert.equal(next.path, join(directory, "top"));
    await pour(next, content);
    await next.commit(bytes.length);
    assert.deepEqual(await treeAt(directory), TREE, `${behind}`);
    assert.equal((await fs.stat(join(directory, "top/a.txt"))).mtimeMs, MODIFIED_MS);
    assert.equal(journal.note, undefined);
  }
});

test("directorySink() goes on after many ends, and asks once", async (t) => {
  const [directory, journal] = [await scratch(t), new MemoryJournal()];
  const content = contentOf(TREE);
  let asked = 0;
  for (let end = content.listBytes; end < content.bytes.length; end += 9_999) {
    const ask = async (): Promise<boolean> => {
      asked += 1;
      return true;
    };
    const sync = async (): Promise<void> => {};
    const sink = await directorySink(directory, content.info, journal, ask, { sync });
    await pour(sink, content, end);
    if (end % 2 === 0) await sink.abandon();
  }
  const sink = await sinkFor(directory, content, journal, { boot: journal.note?.boot ?? "" });
  await receive(sink, content);
  assert.equal(asked, 1);
  assert.deepEqual(await treeAt(directory), TREE);
});

test("directorySink() notes what is on the disk when it is abandoned", async (t) => {
  const [directory, journal] = [await scratch(t), new MemoryJournal()];
  const content = contentOf(TREE);
  const flushed: string[] = [];
  const sync = async (path: string): Promise<void> => void flushed.push(path);
  const sink = await sinkFor(directory, content, journal, { sync });
  const end = content.listBytes + 50_000;
  await pour(sink, content, end);
  await sink.abandon();
  const path = await partIn(directory);
  assert.deepEqual(flushed, [path]);
  const note = { directory, name: "top", part: basename(path), bytes: end, boot: "this one" };
  assert.deepEqual(journal.note, note);
});

test("directorySink() takes after another start what the disk has for sure, no more", async (t) => {
  const content = contentOf(TREE);
  for (const sure of [0, 3, 4, 1_000, BIG.length + 4]) {
    const [directory, journal] = [await scratch(t), new MemoryJournal()];
    await pour(await sinkFor(directory, content, journal), content, content.bytes.length - 1);
    journal.note = { ...journal.note!, bytes: content.listBytes + sure };
    // The power went: what was not flushed is there with other bytes, and one file is not.
    const tree = join(await partIn(directory), "tree", "top");
    await fs.writeFile(join(tree, "z"), "lost");
    await fs.rm(join(tree, "sub", "zero"));
    const sink = await sinkFor(directory, content, journal, NEXT_BOOT);
    expectHeld(sink, content, content.listBytes + sure);
    // From now on what this start writes counts, and nothing older.
    const again = await sinkFor(directory, content, journal, NEXT_BOOT);
    expectHeld(again, content, content.listBytes + sure);
    await receive(again, content);
    assert.deepEqual(await treeAt(directory), TREE, `${sure}`);
  }
});

test("directorySink() asks again for a list that had not come whole", async (t) => {
  const [directory, journal] = [await scratch(t), new MemoryJournal()];
  const content = contentOf(TREE);
  const killed = await sinkFor(directory, content, journal);
  await killed.write(content.bytes.subarray(0, content.listBytes - 1), 0);
  const next = await sinkFor(directory, content, journal);
  assert.equal(next.held, undefined);
  assert.deepEqual(await namesIn(directory), [".top.part"]);
  await receive(next, content);
  assert.deepEqual(await treeAt(directory), TREE);
});

test("F-11 directorySink() keeps what the disk took when it is full in the middle", async (t) => {
  const [directory, journal] = [await scratch(t), new MemoryJournal()];
  const content = contentOf(TREE);
  const full = async (): Promise<void> => {
    throw new PosternError("store/no-space", "cannot flush the disk");
  };
  const sink = await sinkFor(directory, content, journal, { sync: full });
  await pour(sink, content, content.listBytes + 100);
  await sink.abandon();
  // What was not flushed may be lost, also while this start of the computer lasts.
  const next = await sinkFor(directory, content, journal);
  expectHeld(next, content, content.listBytes);
  await receive(next, content);
  assert.deepEqual(await treeAt(directory), TREE);
});

test("F-11 directorySink() gives nothing its name that the disk did not take", async (t) => {
  const [directory, journal] = [await scratch(t), new MemoryJournal()];
  const content = contentOf(TREE);
  let isFull = true;
  const sync = async (): Promise<void> => {
    if (isFull) throw new PosternError("store/no-space", "cannot flush the disk");
  };
  const sink = await sinkFor(directory, content, journal, { sync });
  await pour(sink, content);
  await assert.rejects(sink.commit(content.bytes.length), hasCode("store/no-space"));
  await sink.abandon();
  assert.deepEqual(await namesIn(directory), [".top.part"]);
  isFull = false;
  await receive(await sinkFor(directory, content, journal, { sync }), content);
  assert.deepEqual(await treeAt(directory), TREE);
});

test("F-11 directorySink() trusts nothing of a failed last flush, though the next one works", async (t) => {
  const [directory, journal] = [await scratch(t), new MemoryJournal()];
  const content = contentOf(TREE);
  let flushes = 0;
  const sync = async (): Promise<void> => {
    if (++flushes === 1) throw new PosternError("store/failed", "cannot flush the disk");
  };
  const sink = await sinkFor(directory, content, journal, { sync });
  await pour(sink, content);
  await assert.rejects(sink.commit(content.bytes.length), hasCode("store/failed"));
  await sink.abandon();
  const next = await sinkFor(directory, content, journal, { sync });
  expectHeld(next, content, content.listBytes);
  await receive(next, content);
  assert.deepEqual(await treeAt(directory), TREE);
});

test("directorySink() notes its progress beside the writes, what is flushed alone", async (t) => {
  const [directory, journal] = [await scratch(t), new MemoryJournal()];
  let now = 0;
  const clock = { now: () => now as InstantMs };
  const flush = Promise.withResolvers<void>();
  const sync = async (): Promise<void> => await flush.promise;
  const content = contentOf(TREE);
  const sink = await sinkFor(directory, content, journal, { clock, sync });
  await pour(sink, content, content.listBytes);
  now += PART_SYNC_INTERVAL_MS_MAX;
  const most = content.bytes.length - 1;
  await sink.write(content.bytes.subarray(content.listBytes, most), content.listBytes);
  await sink.write(content.bytes.subarray(most), most);
  assert.equal(journal.note?.bytes, 0);
  flush.resolve();
  await flush.promise;
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(journal.note?.bytes, most);
  await sink.abandon();
});

test("directorySink() goes on with files that their owner may not write to", async (t) => {
  const [directory, journal] = [await scratch(t), new MemoryJournal()];
  const attributes = { mode: 0o444, modifiedMs: MODIFIED_MS } as const;
  const content = contentFrom(
    [
      { kind: "directory", path: "top", ...attributes, mode: 0o555 },
      { kind: "file", path: "top/a", size: 10, ...attributes },
    ],
    "0123456789",
  );
  await pour(await sinkFor(directory, content, journal), content, content.listBytes + 5);
  await receive(await sinkFor(directory, content, journal), content);
  const { mode } = await fs.stat(join(directory, "top/a"));
  assert.equal(mode & 0o777, 0o444 & ~process.umask());
  assert.equal(await fs.readFile(join(directory, "top/a"), "utf8"), "0123456789");
});

test("F-06 directorySink() trusts nothing in its folder that it cannot have left", async (t) => {
  const content = contentOf({ "top/": "", "top/a": "AAAA", "top/b": "BBBB" });
  const outside = join(await scratch(t), "outside");
  const changes: Record<string, (file: string) => Promise<unknown>> = {
    "a link": async (file) => {
      await fs.rm(file);
      await fs.symlink(outside, file);
    },
    "a file with another name": (file) => fs.link(file, join(file, "../../../../twin")),
    "a longer file": (file) => fs.appendFile(file, "more"),
    "a directory": async (file) => {
      await fs.rm(file);
      await fs.mkdir(file);
    },
    "a folder that is a link": async (file) => {
      const folder = join(file, "..");
      await fs.rename(folder, `${folder}-moved`);
      await fs.symlink(`${folder}-moved`, folder);
    },
  };
  for (const [what, change] of Object.entries(changes)) {
    const [directory, journal] = [await scratch(t), new MemoryJournal()];
    await fs.writeFile(outside, "AAAA");
    await pour(await sinkFor(directory, content, journal), content);
    await change(join(await partIn(directory), "tree", "top", "a"));
    const sink = await sinkFor(directory, content, journal);
    expectHeld(sink, content, content.listBytes);
    await receive(sink, content).catch(() => sink.abandon());
    assert.equal(await fs.readFile(outside, "utf8"), "AAAA", what);
  }
});

test("directorySink() begins anew when its folder is gone, replaced or another's", async (t) => {
  const content = contentOf(TREE);
  const other = contentOf({ ...TREE, "top/z": "another size" });
  const changes: Record<string, (part: string) => Promise<DirectoryContent>> = {
    gone: async (part) => {
      await fs.rm(part, { recursive: true });
      return content;
    },
    "a link": async (part) => {
      await fs.rename(part, `${part}-moved`);
      await fs.symlink(`${part}-moved`, part);
      return content;
    },
    "of another content": async () => other,
    "without its list": async (part) => {
      await fs.rm(join(part, "list"));
      return content;
    },
  };
  for (const [what, change] of Object.entries(changes)) {
    const [directory, journal] = [await scratch(t), new MemoryJournal()];
    await pour(await sinkFor(directory, content, journal), content, content.listBytes + 9);
    const now = await change(await partIn(directory));
    const sink = await sinkFor(directory, now, journal);
    assert.equal(sink.held, undefined, what);
    await receive(sink, now);
    assert.equal(sink.path, join(directory, "top"));
  }
});

test("F-12 directorySink() leaves another content's folder alone, though its own is gone", async (t) => {
  const [directory, journal] = [await scratch(t), new MemoryJournal()];
  const [content, other] = [contentOf(TREE), contentOf({ ...TREE, "top/z": "another size" })];
  await pour(await sinkFor(directory, content, journal), content, content.listBytes + 9);
  await fs.rm(await partIn(directory), { recursive: true });
  const running = await sinkFor(directory, other, new MemoryJournal());
  await pour(running, other, other.listBytes + 9);
  const again = await sinkFor(directory, content, journal);
  assert.equal(again.held, undefined);
  await receive(again, content);
  const rest = other.listBytes + 9;
  await running.write(other.bytes.subarray(rest), rest);
  await running.commit(other.bytes.length);
  assert.equal(running.path, join(directory, "top (1)"));
});

test("F-01 directorySink() follows no note that leads elsewhere", async (t) => {
  const content = contentOf(TREE);
  const [directory, elsewhere] = [await scratch(t), await scratch(t)];
  await fs.mkdir(join(elsewhere, ".top.part"));
  const link = join(await scratch(t), "link");
  await fs.symlink(elsewhere, link);
  const note = { directory: elsewhere, name: "top", part: ".top.part", bytes: 0, boot: "this one" };
  for (const wrong of [
    { part: `../${elsewhere.split("/").pop()}/.top.part` },
    { part: "top" },
    { part: "." },
    { part: ".." },
    { name: "../top" },
    { directory: link },
    { directory: "relative" },
  ]) {
    const journal = new MemoryJournal();
    journal.note = { ...note, ...wrong };
    const sink = await sinkFor(directory, content, journal);
    await sink.abandon();
    assert.deepEqual(await fs.readdir(elsewhere), [".top.part"], JSON.stringify(wrong));
    assert.deepEqual(await fs.readdir(directory), []);
  }
});
