/** A directory sink writes, reads and removes nothing outside its folder. */
import assert from "node:assert/strict";
import * as fs from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { contentOf, pour, receive, sinkFor, treeAt } from "../../test/directory-lab.ts";
import { hasCode } from "../../test/has-code.ts";
import { MemoryJournal } from "../../test/part-journal.ts";
import { partIn } from "../../test/part-names.ts";
import { scratch } from "../../test/scratch.ts";
import { createStaging } from "./staging.ts";

test("F-05 directorySink() goes where the directory's link led when it began", async (t) => {
  const [real, other, home] = [await scratch(t), await scratch(t), await scratch(t)];
  const link = join(home, "inbox");
  await fs.symlink(real, link);
  const content = contentOf({ "top/": "", "top/a": "x" });
  const sink = await sinkFor(link, content, new MemoryJournal());
  await fs.rm(link);
  await fs.symlink(other, link);
  await receive(sink, content);
  assert.equal(sink.path, join(real, "top"));
  assert.deepEqual(await fs.readdir(other), []);
});

test("F-05 directorySink() takes no link for its own folder, and no file for a directory", async (t) => {
  const [directory, outside] = [await scratch(t), await scratch(t)];
  await fs.symlink(outside, join(directory, ".top.part"));
  assert.throws(() => createStaging(directory, ".top.part"), { code: "EEXIST" });
  const content = contentOf({ "top/": "", "top/a": "x" });
  const file = join(directory, "file");
  await fs.writeFile(file, "");
  const refused = sinkFor(file, content, new MemoryJournal());
  await assert.rejects(refused, hasCode("store/failed"));
});

test("F-06 directorySink() writes nothing through a folder that became a link", async (t) => {
  const [directory, outside] = [await scratch(t), await scratch(t)];
  const big = "x".repeat(200_000);
  const tree = { "top/": "", "top/sub/": "", "top/sub/a": big, "top/sub/b": "b", "top/z": "z" };
  const content = contentOf(tree);
  const sink = await sinkFor(directory, content, new MemoryJournal());
  await pour(sink, content, content.listBytes + 1_000);
  const sub = join(await partIn(directory), "tree", "top", "sub");
  await fs.rename(sub, `${sub}-moved`);
  await fs.symlink(outside, sub);
  const middle = content.listBytes + 1_000;
  // What is held open is written on with; a new way into the folder is not taken.
  await sink.write(content.bytes.subarray(middle), middle).catch(() => {});
  await sink.commit(content.bytes.length).catch(() => {});
  await sink.abandon();
  assert.deepEqual(await fs.readdir(outside), []);
});

test("F-06 directorySink() removes nothing that was put into its folder's place", async (t) => {
  const directory = await scratch(t);
  const content = contentOf({ "top/": "", "top/a": "x" });
  const sink = await sinkFor(directory, content, new MemoryJournal());
  const part = await partIn(directory);
  await fs.rename(part, join(directory, "moved"));
  await fs.mkdir(part);
  await fs.writeFile(join(part, "mine"), "mine");
  await sink.abandon();
  assert.deepEqual(await treeAt(part), { mine: "mine" });
});

test("F-06 F-09 directorySink() writes into no file that it did not make", async (t) => {
  const [directory, journal] = [await scratch(t), new MemoryJournal()];
  const outside = join(directory, "outside");
  await fs.writeFile(outside, "mine");
  const content = contentOf({ "top/": "", "top/a": "A", "top/b": "B" });
  const sink = await sinkFor(directory, content, journal);
  await pour(sink, content, content.listBytes + 1);
  await fs.link(outside, join(await partIn(directory), "tree", "top", "b"));
  const last = content.bytes.length - 1;
  await assert.rejects(sink.write(content.bytes.subarray(last), last), hasCode("store/failed"));
  await sink.abandon();
  // The next one makes its own in its place.
  const next = await sinkFor(directory, content, journal);
  await receive(next, content);
  assert.equal(await fs.readFile(outside, "utf8"), "mine");
  assert.equal(await fs.readFile(join(directory, "top", "b"), "utf8"), "B");
});
