import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import * as fs from "node:fs/promises";
import { basename, join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { PosternError } from "@postern/core/errors";
import {
  contentFrom,
  contentOf,
  type DirectoryContent,
  MODIFIED_MS,
  pour,
  receive,
  sinkFor,
  treeAt,
} from "../../test/directory-lab.ts";
import { whileNothingIsWritten } from "../../test/failing-disk.ts";
import { hasCode } from "../../test/has-code.ts";
import { MemoryJournal } from "../../test/part-journal.ts";
import { namesIn, partIn } from "../../test/part-names.ts";
import { scratch } from "../../test/scratch.ts";
import { directorySink } from "./directory-sink.ts";

const TREE = {
  "top/": "",
  "top/a.txt": "A",
  "top/empty/": "",
  "top/sub/": "",
  "top/sub/big": "0123456789".repeat(20_000),
  "top/sub/link": "-> ../a.txt",
  "top/sub/zero": "",
};

test("F-12 directorySink() shows nothing under a final name before commit", async (t) => {
  const [directory, journal] = [await scratch(t), new MemoryJournal()];
  const content = contentOf(TREE);
  const sink = await sinkFor(directory, content, journal);
  await pour(sink, content);
  assert.deepEqual(await namesIn(directory), [".top.part"]);
  const part = await partIn(directory);
  assert.equal((await fs.stat(part)).mode & 0o777, 0o700);
  assert.equal(journal.note?.part, basename(part));
  await sink.commit(content.bytes.length);
  assert.deepEqual(await treeAt(directory), TREE);
  assert.deepEqual([sink.path, sink.paths], [join(directory, "top"), [join(directory, "top")]]);
  assert.equal(journal.note, undefined);
  assert.equal(sink.linksLeft, 0);
  await sink.abandon();
  assert.deepEqual(await fs.readdir(directory), ["top"]);
  const late = sink.write(new Uint8Array(1), content.bytes.length);
  await assert.rejects(late, hasCode("usage/wrong-state"));
});

test("directorySink() takes content in pieces of any size", async (t) => {
  const content = contentOf({ ...TREE, "top/sub/big": "0123456789".repeat(10) });
  for (const pieces of [1, 7, 100]) {
    const directory = await scratch(t);
    const sink = await sinkFor(directory, content, new MemoryJournal());
    await pour(sink, content, content.bytes.length, pieces);
    await sink.commit(content.bytes.length);
    assert.deepEqual(await treeAt(directory), { ...TREE, "top/sub/big": "0123456789".repeat(10) });
  }
});

test("F-07 directorySink() keeps modes under the person's mask, and times", async (t) => {
  const directory = await scratch(t);
  const file = { kind: "file", size: 1, modifiedMs: MODIFIED_MS } as const;
  const folder = { kind: "directory", modifiedMs: MODIFIED_MS } as const;
  const ahead = Date.now() + 1_000_000_000;
  const content = contentFrom(
    [
      { ...folder, path: "top", mode: 0o777 },
      { ...folder, path: "top/closed", mode: 0o000 },
      { ...file, path: "top/closed/open", mode: 0o777 },
      { ...file, path: "top/closed/nobody", mode: 0o000 },
      { ...file, path: "top/readonly", mode: 0o444 },
      { ...file, path: "top/future", mode: 0o600, modifiedMs: ahead },
      { ...file, path: "top/old", mode: 0o600, modifiedMs: 0 },
    ],
    "abcde",
  );
  const mask = process.umask(0o027);
  try {
    await receive(await sinkFor(directory, content, new MemoryJournal()), content);
  } finally {
    process.umask(mask);
  }
  for (const [path, mode] of [
    ["top", 0o750],
    ["top/closed", 0o700],
    ["top/closed/open", 0o750],
    ["top/closed/nobody", 0o400],
    ["top/readonly", 0o440],
    ["top/future", 0o600],
  ] as const)
    assert.equal((await fs.stat(join(directory, path))).mode & 0o7777, mode, path);
  for (const path of ["top", "top/closed", "top/closed/open", "top/readonly"])
    assert.equal((await fs.stat(join(directory, path))).mtimeMs, MODIFIED_MS, path);
  assert.ok((await fs.stat(join(directory, "top/future"))).mtimeMs <= Date.now());
  assert.equal((await fs.stat(join(directory, "top/old"))).mtimeMs, 0);
});

test("F-08 directorySink() asks with the whole list before anything of it is stored", async (t) => {
  const directory = await scratch(t);
  const content = contentOf({ "home/": "", "home/.bashrc": "evil" }, "home");
  const asked: unknown[] = [];
  const sink = await directorySink(directory, content.info, new MemoryJournal(), async (...all) => {
    assert.deepEqual(await namesIn(directory), [".home.part"]);
    assert.deepEqual(await treeAt(await partIn(directory)), {});
    asked.push(...all);
    return true;
  });
  assert.equal(sink.path, directory);
  await pour(sink, content, content.listBytes);
  const [manifest, where] = asked as [{ entries: { path: string }[] }, string];
  assert.deepEqual(
    manifest.entries.map(({ path }) => path),
    ["home", "home/.bashrc"],
  );
  assert.equal(where, directory);
  assert.equal(sink.path, join(directory, "home"));
  await sink.abandon();
});

test("directorySink() leaves nothing of what was declined or not yet decided", async (t) => {
  const content = contentOf(TREE);
  const [directory, journal] = [await scratch(t), new MemoryJournal()];
  const sink = await directorySink(directory, content.info, journal, async () => false);
  await assert.rejects(pour(sink, content), hasCode("transfer/declined"));
  await sink.abandon();
  assert.deepEqual(await fs.readdir(directory), []);
  assert.equal(journal.note, undefined);
  const early = await sinkFor(directory, content, journal);
  await early.write(content.bytes.subarray(0, 5), 0);
  await early.abandon();
  assert.deepEqual(await fs.readdir(directory), []);
  assert.equal(journal.note, undefined);
});

test("directorySink() takes nothing behind the list without consent", async (t) => {
  const [directory, content] = [await scratch(t), contentOf(TREE)];
  const wrong = hasCode("usage/wrong-state");
  const sink = await sinkFor(directory, content, new MemoryJournal());
  await assert.rejects(sink.write(content.bytes, 0), wrong);
  await sink.write(content.bytes.subarray(0, content.listBytes), 0);
  await assert.rejects(sink.write(new Uint8Array(1), content.listBytes), wrong);
  await assert.rejects(sink.commit(content.listBytes), hasCode("store/failed"));
  await sink.consent?.();
  await assert.rejects(Promise.resolve(sink.consent?.()), wrong);
  await assert.rejects(sink.write(new Uint8Array(1), content.listBytes + 1), wrong);
  await sink.abandon();
});

test("F-01 F-04 directorySink() refuses a hostile list before it stores anything", async (t) => {
  for (const path of ["../x", "/etc/x", "..\\x", "C:x", "a/../../x", "TOP", "top/a"]) {
    const content = withName({ "top/": "", "top/a": "x", zz: "y" }, "zz", path);
    const [directory, journal] = [await scratch(t), new MemoryJournal()];
    const sink = await sinkFor(directory, content, journal);
    await assert.rejects(pour(sink, content), hasCode("transfer/invalid"), path);
    await sink.abandon();
    assert.deepEqual(await fs.readdir(directory), [], path);
    assert.equal(journal.note, undefined);
  }
});

test("F-10 directorySink() holds the list to what the header says", async (t) => {
  const content = contentOf(TREE);
  const { manifest, size = 0 } = content.info;
  assert.ok(manifest !== undefined);
  for (const info of [
    { ...content.info, size: size + 1 },
    { ...content.info, size: size - 1 },
    { ...content.info, manifest: { ...manifest, entries: manifest.entries + 1 } },
  ]) {
    const sink = await sinkFor(await scratch(t), { ...content, info }, new MemoryJournal());
    await assert.rejects(pour(sink, content), hasCode("transfer/invalid"));
    await sink.abandon();
  }
  const none = contentFrom([], "");
  const sink = await sinkFor(await scratch(t), none, new MemoryJournal());
  await assert.rejects(pour(sink, none), hasCode("transfer/invalid"));
  await sink.abandon();
});

test("F-02 F-03 directorySink() stores every name so that systems and terminals bear it", async (t) => {
  const directory = await scratch(t);
  const names = {
    CON: "%43ON",
    "nul.txt": "%6Eul.txt",
    "end.": "end%2E",
    "end ": "end%20",
    "ab:stream": "ab%3Astream",
    "\u001b[2J\n": "%1B[2J%0A",
    "txt.\u202eexe": "txt.%E2%80%AEexe",
    "文件（最終版）": "文件（最終版）",
    تقرير: "تقرير",
    "e\u0301": "e\u0301",
    "-rf": "-rf",
    "%41": "%2541",
  };
  const tree: Record<string, string> = { "top/": "" };
  const stored: Record<string, string> = { "top/": "" };
  for (const [name, safe] of Object.entries(names)) {
    Object.assign(tree, { [`top/${name}/`]: "", [`top/${name}/${name}`]: name });
    Object.assign(stored, { [`top/${safe}/`]: "", [`top/${safe}/${safe}`]: name });
  }
  const content = contentOf({ ...tree, "top/link": "-> CON/end." });
  await receive(await sinkFor(directory, content, new MemoryJournal()), content);
  assert.deepEqual(await treeAt(directory), { ...stored, "top/link": "-> %43ON/end%2E" });
});

test("F-03 F-09 directorySink() tells names apart that become one when they are shortened", async (t) => {
  const directory = await scratch(t);
  const long = "n".repeat(300);
  const content = contentOf({ "top/": "", [`top/${long}1`]: "1", [`top/${long}2`]: "2" });
  await receive(await sinkFor(directory, content, new MemoryJournal()), content);
  assert.deepEqual(Object.values(await treeAt(directory)).toSorted(), ["", "1", "2"]);
});

test("F-03 directorySink() makes 128 levels of long names", async (t) => {
  const [directory, tree] = [await scratch(t), new Map<string, string>()];
  const parts = Array.from({ length: 127 }, () => "d".repeat(30));
  for (let depth = 1; depth <= parts.length; depth++)
    tree.set(`${parts.slice(0, depth).join("/")}/`, "");
  tree.set([...parts, "file"].join("/"), "deep");
  const content = contentOf(Object.fromEntries(tree));
  await receive(await sinkFor(directory, content, new MemoryJournal()), content);
  assert.equal(
    execFileSync("find", [directory, "-name", "file", "-size", "4c"]).length > 3_900,
    true,
  );
});

test("F-09 directorySink() never overwrites, whatever is there", async (t) => {
  const directory = await scratch(t);
  await fs.writeFile(join(directory, "top"), "mine");
  await fs.mkdir(join(directory, "top (1)"));
  await fs.symlink("/nonexistent", join(directory, "top (2)"));
  await fs.mkdir(join(directory, "top (3)", "full"), { recursive: true });
  const content = contentOf({ "top/": "", "top/a": "new" });
  const sink = await sinkFor(directory, content, new MemoryJournal());
  await receive(sink, content);
  assert.equal(sink.path, join(directory, "top (4)"));
  assert.equal(await fs.readFile(join(directory, "top (4)", "a"), "utf8"), "new");
  assert.equal(await fs.readFile(join(directory, "top"), "utf8"), "mine");
  assert.deepEqual(await fs.readdir(join(directory, "top (1)")), []);
});

test("F-09 directorySink() publishes each entry at the top by itself", async (t) => {
  const directory = await scratch(t);
  await fs.writeFile(join(directory, "b.txt"), "mine");
  await fs.mkdir(join(directory, "c"));
  const content = contentOf({ "a/": "", "a/x": "1", "b.txt": "2", "c/": "", "c/y": "3" }, "a + 2");
  const sink = await sinkFor(directory, content, new MemoryJournal());
  await receive(sink, content);
  assert.deepEqual(
    sink.paths,
    ["a", "b (1).txt", "c (1)"].map((name) => join(directory, name)),
  );
  assert.equal(sink.path, directory);
  const expected = { "a/": "", "a/x": "1", "b (1).txt": "2", "b.txt": "mine", "c/": "" };
  assert.deepEqual(await treeAt(directory), { ...expected, "c (1)/": "", "c (1)/y": "3" });
});

test("F-12 directorySink() lets receivers of one name get along in one directory", async (t) => {
  const directory = await scratch(t);
  const contents = [1, 2, 3].map((n) => contentOf({ "top/": "", "top/a": `content ${n}` }));
  const sinks = await Promise.all(
    contents.map((content) => sinkFor(directory, content, new MemoryJournal())),
  );
  await Promise.all(sinks.map((sink, at) => receive(sink, contents[at] as DirectoryContent)));
  const found = await treeAt(directory);
  assert.deepEqual(Object.values(found).filter(Boolean).toSorted(), [
    "content 1",
    "content 2",
    "content 3",
  ]);
  assert.ok(found["top/"] === "" && found["top (1)/"] === "" && found["top (2)/"] === "");
});

test("F-11 directorySink() asks for nothing that there is no room for", async (t) => {
  const [directory, journal] = [await scratch(t), new MemoryJournal()];
  const content = contentOf({ "top/": "", "top/a": "x", "top/b": "y".repeat(5_000) });
  const needed = 4_096 * 4 + 512 * 3;
  const tight = { free: async () => needed - 1 };
  const sink = await sinkFor(directory, content, journal, tight);
  await assert.rejects(pour(sink, content), (error: unknown) => {
    assert.ok(error instanceof PosternError);
    assert.equal(error.code, "store/no-space");
    assert.deepEqual(error.details, { neededBytes: needed, freeBytes: needed - 1 });
    return true;
  });
  await sink.abandon();
  assert.deepEqual(await fs.readdir(directory), []);
  const fits = await sinkFor(directory, content, journal, { free: async () => needed });
  await receive(fits, content);
});

test("F-07 directorySink() makes links last, and none of them leads out", async (t) => {
  const directory = await scratch(t);
  const tree = { "top/": "", "top/d/": "", "top/l": "-> d", "top/d/a": "x", "top/d/up": "-> ../l" };
  const content = contentOf(tree);
  const sink = await sinkFor(directory, content, new MemoryJournal());
  await pour(sink, content);
  assert.deepEqual(await fs.readdir(join(await partIn(directory), "tree/top")), ["d"]);
  await sink.commit(content.bytes.length);
  assert.deepEqual(await treeAt(directory), tree);
  assert.equal(await fs.realpath(join(directory, "top/d/up")), join(directory, "top/d"));
});

test("F-14 directorySink() starts nothing of what it stores", async (t) => {
  const directory = await scratch(t);
  const script = `#!/bin/sh\ntouch "${directory}/ran"\n`;
  const file = { kind: "file", mode: 0o777, modifiedMs: MODIFIED_MS } as const;
  const content = contentFrom(
    [
      { kind: "directory", path: "top", mode: 0o777, modifiedMs: MODIFIED_MS },
      { ...file, path: "top/.envrc", size: script.length },
      { ...file, path: "top/run.sh", size: script.length },
    ],
    script + script,
  );
  await receive(await sinkFor(directory, content, new MemoryJournal()), content);
  assert.deepEqual(await fs.readdir(directory), ["top"]);
});

/** The content with another path in its list, which no encoder would write. */
function withName(
  tree: Readonly<Record<string, string>>,
  name: string,
  other: string,
): DirectoryContent {
  const honest = contentOf({ ...tree });
  const at = Buffer.from(honest.bytes).indexOf(name);
  const head = Buffer.from(honest.bytes.subarray(0, at));
  head.writeUInt32BE(Buffer.byteLength(other), at - 4);
  const tail = honest.bytes.subarray(at + name.length);
  const bytes = Buffer.concat([head, Buffer.from(other), tail]);
  const grown = bytes.length - honest.bytes.length;
  const { manifest } = honest.info;
  assert.ok(manifest !== undefined);
  const listBytes = honest.listBytes + grown;
  const info = { ...honest.info, size: bytes.length, manifest: { ...manifest, bytes: listBytes } };
  return { bytes, listBytes, info };
}

test("F-11 directorySink() does not ask for ever a file system that writes nothing", async (t) => {
  const content = contentOf(TREE);
  const sink = await sinkFor(await scratch(t), content, new MemoryJournal());
  t.after(() => sink.abandon());
  await pour(sink, content, content.listBytes);
  const tried = await whileNothingIsWritten(t, async () => {
    const written = sink.write(content.bytes.subarray(content.listBytes), content.listBytes);
    await assert.rejects(written, hasCode("store/failed"));
  });
  assert.equal(tried, 1);
});
