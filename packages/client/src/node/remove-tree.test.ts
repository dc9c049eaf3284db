import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import * as fs from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { MemoryJournal } from "../../test/part-journal.ts";
import { contentOf, pour, sinkFor } from "../../test/directory-lab.ts";
import { partIn } from "../../test/part-names.ts";
import { scratch } from "../../test/scratch.ts";
import { OpenDirectory } from "./open-directory.ts";
import { removeTree } from "./remove-tree.ts";

/** Elsewhere no path can be made that is longer than one call takes. */
const ONLY_LINUX = { skip: process.platform !== "linux" };

test("removeTree() removes all below a path, and leaves what a link in it leads to", async (t) => {
  const [directory, outside] = [await scratch(t), await scratch(t)];
  await fs.writeFile(join(outside, "mine"), "mine");
  const tree = join(directory, "tree");
  await fs.mkdir(join(tree, "sub"), { recursive: true });
  await fs.writeFile(join(tree, "sub", "a"), "");
  await fs.symlink(outside, join(tree, "link"));
  await removeTree(tree);
  await removeTree(tree);
  assert.deepEqual(await fs.readdir(directory), []);
  assert.deepEqual(await fs.readdir(outside), ["mine"]);
});

test("F-03 removeTree() removes what lies deeper than any path reaches", ONLY_LINUX, async (t) => {
  const [directory, outside] = [await scratch(t), await scratch(t)];
  await fs.writeFile(join(outside, "mine"), "mine");
  const tree = join(directory, "tree");
  await fs.mkdir(tree);
  const chain = [new OpenDirectory(tree)];
  for (let depth = 0; depth < 40; depth++) {
    const above = chain.at(-1)!;
    mkdirSync(above.at("d".repeat(200)));
    writeFileSync(above.at("file"), "x");
    chain.push(above.directory("d".repeat(200)));
  }
  await fs.symlink(outside, chain.at(-1)!.at("link"));
  for (const each of chain) each.close();
  await removeTree(tree);
  assert.deepEqual(await fs.readdir(directory), []);
  assert.deepEqual(await fs.readdir(outside), ["mine"]);
});

test(
  "F-03 a folder whose names grow beyond any path can be taken, and removed",
  ONLY_LINUX,
  async (t) => {
    const [directory, journal] = [await scratch(t), new MemoryJournal()];
    const tree: Record<string, string> = { "top/": "" };
    let path = "top";
    for (let depth = 0; depth < 40; depth++) tree[(path += `/${":".repeat(84)}`) + "/"] = "";
    const content = contentOf({ ...tree, "top/z": "zz" });
    const sink = await sinkFor(directory, content, journal);
    await pour(sink, content, content.bytes.length - 1);
    await sink.abandon();
    await removeTree(await partIn(directory));
    assert.deepEqual(await fs.readdir(directory), []);
  },
);
