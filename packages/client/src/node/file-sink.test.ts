import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import * as fs from "node:fs/promises";
import { constants } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { utf8 } from "@postern/core/bytes";
import { PosternError } from "@postern/core/errors";
import { hasCode } from "../../test/has-code.ts";
import { namesIn, partIn } from "../../test/part-names.ts";
import { scratch } from "../../test/scratch.ts";
import { type FileSink, fileSink, fileSinkAt } from "./file-sink.ts";
import { createPart } from "./part-file.ts";
import { publishNew } from "./publish.ts";

test("fileSink() shows the file under its name only when it is committed (F-12)", async (t) => {
  const directory = await scratch(t);
  const sink = await fileSink(directory, "note.txt");
  await sink.write(utf8("hello "), 0);
  await sink.write(utf8("world"), 6);
  assert.deepEqual(await namesIn(directory), [".note.txt.part"]);
  assert.equal(await modeOf(await partIn(directory)), 0o600);
  await sink.commit(11);
  assert.deepEqual(await fs.readdir(directory), ["note.txt"]);
  assert.equal(sink.path, join(directory, "note.txt"));
  assert.equal(await fs.readFile(sink.path, "utf8"), "hello world");
  assert.equal(await modeOf(sink.path), 0o666 & ~process.umask());
  await sink.abandon();
  assert.deepEqual(await fs.readdir(directory), ["note.txt"]);
  await assert.rejects(sink.write(utf8("x"), 0), hasCode("usage/wrong-state"));
});

test("fileSink() writes at offsets, again too, and takes an empty file", async (t) => {
  const directory = await scratch(t);
  const sink = await fileSink(directory, "a");
  await sink.write(utf8("abcdef"), 0);
  await sink.write(utf8("XY"), 2);
  await sink.commit(6);
  assert.equal(await fs.readFile(sink.path, "utf8"), "abXYef");
  const empty = await fileSink(directory, "b");
  await empty.commit(0);
  assert.equal((await fs.stat(empty.path)).size, 0);
});

test("fileSink() abandon() leaves nothing behind", async (t) => {
  const directory = await scratch(t);
  const sink = await fileSink(directory, "note.txt");
  await sink.write(utf8("half"), 0);
  await sink.abandon();
  await sink.abandon();
  assert.deepEqual(await fs.readdir(directory), []);
});

test("fileSink() refuses a total that is not what was written", async (t) => {
  const directory = await scratch(t);
  const sink = await fileSink(directory, "note.txt");
  await sink.write(utf8("four"), 0);
  await assert.rejects(sink.commit(5), hasCode("store/failed"));
  await sink.abandon();
  assert.deepEqual(await fs.readdir(directory), []);
});

test("fileSink() never overwrites: file, link, directory or FIFO (F-05, F-09)", async (t) => {
  const directory = await scratch(t);
  await fs.writeFile(join(directory, "a.txt"), "mine");
  await fs.symlink("/nonexistent/target", join(directory, "a (1).txt"));
  await fs.mkdir(join(directory, "a (2).txt"));
  execFileSync("mkfifo", [join(directory, "a (3).txt")]);
  const sink = await fileSink(directory, "a.txt");
  await sink.write(utf8("new"), 0);
  await sink.commit(3);
  assert.equal(sink.path, join(directory, "a (4).txt"));
  assert.equal(await fs.readFile(join(directory, "a.txt"), "utf8"), "mine");
  assert.equal(await fs.readFile(sink.path, "utf8"), "new");
});

test("fileSink() does not overwrite what came between consent and commit (F-09)", async (t) => {
  const directory = await scratch(t);
  const sink = await fileSink(directory, "a.txt");
  await sink.write(utf8("new"), 0);
  await fs.writeFile(join(directory, "a.txt"), "mine");
  await sink.commit(3);
  assert.equal(sink.path, join(directory, "a (1).txt"));
  assert.equal(await fs.readFile(join(directory, "a.txt"), "utf8"), "mine");
});

test("fileSink() lets receivers of one name get along in one directory (F-12)", async (t) => {
  const directory = await scratch(t);
  const sinks = await Promise.all([1, 2, 3].map(() => fileSink(directory, "a.txt")));
  for (const [i, sink] of sinks.entries()) await sink.write(utf8(`content ${i}`), 0);
  await Promise.all(sinks.map((sink) => sink.commit(9)));
  assert.deepEqual((await fs.readdir(directory)).toSorted(), ["a (1).txt", "a (2).txt", "a.txt"]);
  for (const [i, sink] of sinks.entries())
    assert.equal(await fs.readFile(sink.path, "utf8"), `content ${i}`);
});

test("createPart() takes no leftover and no link for a new part (F-05, F-12)", async (t) => {
  const directory = await scratch(t);
  const outside = join(await scratch(t), "outside");
  await fs.writeFile(outside, "untouched");
  await fs.symlink(outside, join(directory, ".a.link.part"));
  await fs.writeFile(join(directory, ".a.file.part"), "of another run");
  for (const part of [".a.link.part", ".a.file.part"])
    await assert.rejects(createPart(directory, part), { code: "EEXIST" });
  assert.equal(await fs.readFile(outside, "utf8"), "untouched");
  assert.equal(await fs.readFile(join(directory, ".a.file.part"), "utf8"), "of another run");
});

test("fileSink() publishes and removes only its own unfinished file (F-06)", async (t) => {
  const directory = await scratch(t);
  const sink = await fileSink(directory, "a");
  await sink.write(utf8("new"), 0);
  const part = await partIn(directory);
  await fs.rm(part);
  await fs.writeFile(part, "bad");
  await assert.rejects(sink.commit(3), hasCode("store/failed"));
  await sink.abandon();
  assert.deepEqual(await namesIn(directory), [".a.part"]);
});

test("fileSink() maps a dangerous name and refuses a path (F-01, F-02)", async (t) => {
  const directory = await scratch(t);
  const sink = await fileSink(directory, "nul.txt\u202e");
  await sink.commit(0);
  assert.deepEqual(await fs.readdir(directory), ["%6Eul.txt%E2%80%AE"]);
  await assert.rejects(fileSink(directory, "../x"), hasCode("store/unsafe-name"));
});

test("fileSink() stores the longest names, also a second time (F-03)", async (t) => {
  const directory = await scratch(t);
  for (let i = 0; i < 2; i++) await commitEmpty(await fileSink(directory, "é".repeat(400)));
  const names = await fs.readdir(directory);
  assert.equal(names.length, 2);
  for (const name of names) assert.ok(Buffer.byteLength(name) > 245);
});

test("fileSink() resolves a link to the directory once (F-06)", async (t) => {
  const [directory, real, other] = [await scratch(t), await scratch(t), await scratch(t)];
  const link = join(directory, "inbox");
  await fs.symlink(real, link);
  const sink = await fileSink(link, "a");
  await fs.rm(link);
  await fs.symlink(other, link);
  await sink.commit(0);
  assert.equal(sink.path, join(real, "a"));
  assert.deepEqual(await fs.readdir(other), []);
});

test("fileSink() names the directory that it cannot write to", async (t) => {
  const directory = await scratch(t);
  const file = join(directory, "file");
  await fs.writeFile(file, "");
  for (const [path, errno] of [
    [join(directory, "none"), "ENOENT"],
    [file, "ENOTDIR"],
  ] as const)
    await assert.rejects(fileSink(path, "a"), (error: unknown) => {
      assert.ok(error instanceof PosternError);
      assert.equal(error.code, "store/failed");
      assert.deepEqual(error.details, { directory: path, errno });
      return true;
    });
});

test("fileSink() reports a full disk (F-11)", { skip: !(await hasFullDevice()) }, async (t) => {
  // The system's own error, from a device that is always full.
  const handle = await fs.open("/dev/full", "w");
  t.after(() => handle.close());
  const { storeError } = await import("./fs-error.ts");
  const error = await handle.write("x").then(
    () => assert.fail("not full"),
    (cause: unknown) => storeError("cannot write the file", cause),
  );
  assert.equal(error.code, "store/no-space");
  assert.deepEqual(error.details, { errno: "ENOSPC" });
});

test("fileSinkAt() writes to exactly that path or not at all (F-09)", async (t) => {
  const directory = await scratch(t);
  const path = join(directory, "CON: my own.txt");
  const sink = await fileSinkAt(path);
  await sink.write(utf8("new"), 0);
  await sink.commit(3);
  assert.equal(sink.path, path);
  await assert.rejects(fileSinkAt(path), hasCode("store/target-exists"));
  await fs.symlink("/nonexistent/target", join(directory, "link"));
  await assert.rejects(fileSinkAt(join(directory, "link")), hasCode("store/target-exists"));
  const late = await fileSinkAt(join(directory, "late"));
  await fs.writeFile(late.path, "mine");
  await assert.rejects(late.commit(0), hasCode("store/target-exists"));
  await late.abandon();
  assert.equal(await fs.readFile(late.path, "utf8"), "mine");
  assert.deepEqual((await fs.readdir(directory)).toSorted(), ["CON: my own.txt", "late", "link"]);
  for (const wrong of [`${directory}/`, "", ".", `${directory}/..`])
    await assert.rejects(fileSinkAt(wrong), hasCode("usage/invalid-argument"), wrong);
});

test("publishNew() never overwrites where there are no hard links either (F-09)", async (t) => {
  const directory = await scratch(t);
  const [from, to, taken] = ["from", "to", "taken"].map((name) => join(directory, name)) as [
    string,
    string,
    string,
  ];
  await fs.writeFile(from, "new");
  await fs.symlink("/nonexistent/target", taken);
  const noLinks = async () => {
    throw Object.assign(new Error("no links"), { code: "EPERM" });
  };
  assert.equal(await publishNew(from, taken, noLinks), false);
  assert.equal(await publishNew(from, to, noLinks), true);
  assert.deepEqual((await fs.readdir(directory)).toSorted(), ["taken", "to"]);
  assert.equal(await fs.readFile(to, "utf8"), "new");
});

async function commitEmpty(sink: FileSink): Promise<void> {
  await sink.commit(0);
}

async function modeOf(path: string): Promise<number> {
  return (await fs.stat(path)).mode & 0o777;
}

async function hasFullDevice(): Promise<boolean> {
  return fs.access("/dev/full", constants.W_OK).then(
    () => true,
    () => false,
  );
}
