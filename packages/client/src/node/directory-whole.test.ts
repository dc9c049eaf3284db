/** What a directory sink makes of a whole content whose sender does not know that it is whole. */
import assert from "node:assert/strict";
import * as fs from "node:fs/promises";
import { basename, join } from "node:path";
import { test, type TestContext } from "node:test";
import { PART_NAMES_MAX } from "@postern/core/limits";
import { nativeSuite } from "@postern/node";
import {
  contentOf,
  type DirectoryContent,
  expectHeld,
  pour,
  receive,
  sinkFor,
  treeAt,
} from "../../test/directory-lab.ts";
import { hasCode } from "../../test/has-code.ts";
import { MemoryJournal } from "../../test/part-journal.ts";
import { partIn } from "../../test/part-names.ts";
import { scratch } from "../../test/scratch.ts";

const TREE = {
  "top/": "",
  "top/a.txt": "AAAA",
  "top/sub/": "",
  "top/sub/big": "0123456789".repeat(20_000),
  "top/sub/link": "-> ../a.txt",
  "top/z": "ZZZZ",
};
/** With names that are taken: see {@link takeNames}. */
const SEVERAL = {
  "a/": "",
  "a/x": "1",
  "b.txt": "22",
  "c/": "",
  "c/link": "-> y",
  "c/y": "333",
  "d.txt": "4",
};
const NAMES = ["a", "b (1).txt", "c (1)", "d.txt"];

test("F-12 directorySink() is whole after a kill at any moment of its end", async (t) => {
  const content = contentOf(TREE);
  const total = content.bytes.length;
  for (const boot of ["this one", "another"])
    for (const moment of ["before the name", "behind the name", "noted", "done"]) {
      const [directory, journal] = [await scratch(t), new MemoryJournal()];
      await fs.mkdir(join(directory, "top"));
      const killed = await sinkFor(directory, content, journal);
      await pour(killed, content);
      const [part, saved] = [await partIn(directory), join(await scratch(t), "saved")];
      await fs.cp(part, saved, { recursive: true, preserveTimestamps: true });
      await killed.commit(total);
      const [first, second] = journal.written.slice(-2);
      journal.note = moment === "noted" || moment === "done" ? second : first;
      if (moment !== "done") await fs.rename(saved, part);
      if (moment === "before the name")
        await fs.rm(join(directory, "top (1)"), { recursive: true });
      else if (moment !== "done") await fs.rm(join(part, "tree/top"), { recursive: true });
      const sink = await sinkFor("/nonexistent", content, journal, { boot });
      expectHeld(sink, content, total);
      await sink.commit(total);
      assert.equal(sink.path, join(directory, "top (1)"), moment);
      assert.deepEqual(await treeAt(join(directory, "top (1)")), inTop(TREE));
      assert.equal(journal.note, undefined);
      await assert.rejects(sink.write(new Uint8Array(1), total));
    }
});

test("F-12 directorySink() takes for whole only what is noted with its digest", async (t) => {
  const [directory, journal] = [await scratch(t), new MemoryJournal()];
  const content = contentOf(TREE);
  const total = content.bytes.length;
  await receive(await sinkFor(directory, content, journal), content);
  const noted = journal.written.at(-1)!;
  assert.deepEqual(noted.digest, nativeSuite.sha256(content.bytes));
  const { digest: _, ...rest } = noted;
  const text = Buffer.from(noted.digest).toString("base64url");
  for (const wrong of [
    { ...rest, boot: `whole-${text}` },
    { ...noted, bytes: total - 1 },
  ]) {
    journal.note = wrong;
    const sink = await sinkFor(directory, content, journal);
    assert.equal(sink.held, undefined);
    await sink.abandon();
  }
  journal.note = { ...noted, boot: undefined };
  expectHeld(await sinkFor(directory, content, journal), content, total);
});

test("F-12 directorySink() takes nobody's folder for a part of its own", async (t) => {
  const [directory, journal] = [await scratch(t), new MemoryJournal()];
  const content = contentOf(TREE);
  await receive(await sinkFor(directory, content, journal), content);
  const note = journal.written.at(-1);
  // Another content of this name is under way, and what came first was moved away.
  const other = contentOf({ ...TREE, "top/z": "longer than that" });
  const running = await sinkFor(directory, other, new MemoryJournal());
  await pour(running, other, other.listBytes + 2);
  await fs.rename(join(directory, "top"), join(directory, "mine"));
  for (const left of [note, { ...note!, part: basename(await partIn(directory)) }]) {
    journal.note = left;
    const sink = await sinkFor(directory, content, journal);
    assert.equal(sink.held, undefined);
    await sink.abandon();
  }
  await running.write(other.bytes.subarray(other.listBytes + 2), other.listBytes + 2);
  await running.commit(other.bytes.length);
  assert.deepEqual((await fs.readdir(directory)).toSorted(), ["mine", "top"]);
});

test("F-12 directorySink() takes what a kill between two names left, and overwrites none", async (t) => {
  const [directory, journal] = [await scratch(t), new MemoryJournal()];
  const content = contentOf({ "a/": "", "a/x": "1", "b/": "", "b/y": "2" }, "a + 1");
  await pour(await sinkFor(directory, content, journal), content);
  await fs.rename(join(await partIn(directory), "tree/a"), join(directory, "a"));
  const next = await sinkFor(directory, content, journal);
  expectHeld(next, content, content.listBytes);
  await receive(next, content);
  const both = { "a (1)/": "", "a (1)/x": "1", "a/": "", "a/x": "1", "b/": "", "b/y": "2" };
  assert.deepEqual(await treeAt(directory), both);
});

test("F-12 directorySink() gives the rest their names after a kill between any two", async (t) => {
  const content = contentOf(SEVERAL, "a + 3");
  for (const boot of ["this one", "another"])
    for (let out = 1; out <= NAMES.length; out++) {
      const killed = await killedBetween(t, content, out);
      const { directory, journal } = killed;
      const sink = await sinkFor("/nonexistent", content, journal, { boot });
      expectHeld(sink, content, content.bytes.length);
      assert.deepEqual(
        sink.paths,
        NAMES.map((name) => join(directory, name)),
      );
      await sink.commit(content.bytes.length);
      assert.deepEqual(await treeAt(directory), killed.whole, `${out} of them had theirs`);
      assert.equal(sink.path, directory);
      assert.equal(journal.note, undefined);
    }
});

test("F-12 directorySink() knows a file that still has both of its names", async (t) => {
  const content = contentOf(SEVERAL, "a + 3");
  const { directory, journal, whole } = await killedBetween(t, content, 2);
  const tree = join(await partIn(directory), "tree");
  await fs.link(join(directory, "b (1).txt"), join(tree, "b.txt"));
  const sink = await sinkFor(directory, content, journal);
  await receive(sink, content);
  assert.deepEqual(await treeAt(directory), whole);
  assert.equal((await fs.stat(join(directory, "b (1).txt"))).nlink, 1);
});

test("F-12 directorySink() takes none for whole of which an entry is gone", async (t) => {
  const content = contentOf(SEVERAL, "a + 3");
  for (const out of [2, NAMES.length]) {
    const { directory, journal } = await killedBetween(t, content, out);
    await fs.rename(join(directory, "b (1).txt"), join(directory, "mine"));
    const sink = await sinkFor(directory, content, journal);
    expectHeld(sink, content, content.listBytes);
    // It is a part again, whatever happens now.
    assert.equal(journal.note?.digest, undefined);
    await receive(sink, content);
    assert.equal(await fs.readFile(join(directory, "b (1).txt"), "utf8"), "22");
    assert.equal(await fs.readFile(join(directory, "mine"), "utf8"), "22");
  }
});

test("F-12 directorySink() notes another name before it gives it", async (t) => {
  const [directory, journal] = [await scratch(t), new MemoryJournal()];
  const content = contentOf(SEVERAL, "a + 3");
  const sink = await sinkFor(directory, content, journal);
  await pour(sink, content);
  journal.onWrite = async ({ names }) => {
    if (names?.includes("c") === true) await fs.writeFile(join(directory, "c"), "taken");
  };
  await sink.commit(content.bytes.length);
  const names = ["a", "b.txt", "c (1)", "d.txt"];
  const noted = journal.written.filter(({ digest }) => digest !== undefined);
  assert.deepEqual(
    noted.map((note) => note.names),
    [["a", "b.txt", "c", "d.txt"], names, names],
  );
  assert.equal(await fs.readFile(join(directory, "c"), "utf8"), "taken");
  assert.deepEqual(
    sink.paths,
    names.map((name) => join(directory, name)),
  );
});

test("F-11 directorySink() finishes later what had only some of its names", async (t) => {
  const [directory, journal] = [await scratch(t), new MemoryJournal()];
  const content = contentOf(SEVERAL, "a + 3");
  const sink = await sinkFor(directory, content, journal);
  await pour(sink, content);
  const [from, aside] = [join(await partIn(directory), "tree/c"), join(directory, "aside")];
  journal.onWrite = async ({ digest }) => {
    if (digest !== undefined) await fs.rename(from, aside);
  };
  await assert.rejects(sink.commit(content.bytes.length), hasCode("store/failed"));
  await sink.abandon();
  await fs.rename(aside, from);
  journal.onWrite = () => {};
  const next = await sinkFor(directory, content, journal);
  expectHeld(next, content, content.bytes.length);
  await receive(next, content);
  assert.deepEqual(await treeAt(directory), SEVERAL);
});

test("F-12 directorySink() copies none of many, also beyond the names that are noted", async (t) => {
  const count = PART_NAMES_MAX + 10;
  const files = Array.from({ length: count }, (_, n) => [`${n}`.padStart(4, "0"), `${n}`]);
  const content = contentOf(Object.fromEntries(files), "0000 + 265");
  const { directory, journal, whole } = await killedBetween(t, content, count - 5);
  assert.equal(journal.note?.names?.length, PART_NAMES_MAX);
  const sink = await sinkFor(directory, content, journal);
  expectHeld(sink, content, content.bytes.length);
  await receive(sink, content);
  assert.deepEqual(await treeAt(directory), whole);
  assert.equal(sink.paths.length, PART_NAMES_MAX + 5);
});

/** A directory where all was there, and `out` of the entries at the top had got their names. */
async function killedBetween(t: TestContext, content: DirectoryContent, out: number) {
  const [directory, journal] = [await scratch(t), new MemoryJournal()];
  const saved = await scratch(t);
  await fs.writeFile(join(directory, "b.txt"), "mine");
  await fs.mkdir(join(directory, "c"));
  const sink = await sinkFor(directory, content, journal);
  await pour(sink, content);
  const part = journal.note?.part ?? "";
  const tree = join(directory, part, "tree");
  const inTree = (await fs.readdir(tree)).toSorted();
  let isKept = false;
  journal.onWrite = async ({ digest }) => {
    if (digest === undefined || isKept) return;
    isKept = true;
    const options = { recursive: true, verbatimSymlinks: true };
    await fs.cp(join(directory, part), join(saved, part), options);
  };
  await sink.commit(content.bytes.length);
  const whole = await treeAt(directory);
  journal.note = journal.written.find(({ digest }) => digest !== undefined);
  await fs.rename(join(saved, part), join(directory, part));
  for (const [at, name] of inTree.entries()) {
    const named = sink.paths[at] ?? "";
    await fs.rm(at < out ? join(tree, name) : named, { recursive: true });
  }
  return { directory, journal, whole };
}

function inTop(tree: Readonly<Record<string, string>>): Record<string, string> {
  const below = Object.entries(tree).filter(([path]) => path !== "top/");
  return Object.fromEntries(below.map(([path, text]) => [path.slice("top/".length), text]));
}
