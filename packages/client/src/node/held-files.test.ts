import assert from "node:assert/strict";
import process from "node:process";
import { test } from "node:test";
import { decodeManifest } from "@postern/core/transfer";
import { nativeSuite } from "@postern/node";
import { contentOf, pour, sinkFor } from "../../test/directory-lab.ts";
import { MemoryJournal } from "../../test/part-journal.ts";
import { partIn } from "../../test/part-names.ts";
import { scratch } from "../../test/scratch.ts";
import { heldFiles, removeBehind } from "./held-files.ts";
import { StoredTree } from "./stored-tree.ts";

const FILES = 50;

test("F-10 heldFiles() and removeBehind() let others have their turn between files without a byte", async (t) => {
  const directory = await scratch(t);
  const names = Array.from({ length: FILES }, (_, n) => [`top/${n}`, ""]);
  const content = contentOf({ "top/": "", ...Object.fromEntries(names), "top/z": "z" });
  const sink = await sinkFor(directory, content, new MemoryJournal());
  await pour(sink, content);
  t.after(async () => await sink.abandon());
  const root = { parent: undefined, name: `${await partIn(directory)}/tree`, depth: 0 };
  // Whatever is done takes longer than a turn.
  let now = 0;
  t.mock.method(process, "uptime", () => (now += 1));
  const hashed = nativeSuite.sha256Stream();
  const manifest = decodeManifest(content.bytes.subarray(0, content.listBytes));
  const options = { manifest, bytesMax: 1, hashed, now: Date.now() };
  const tree = new StoredTree(root);
  assert.ok((await turnsWhile(async () => heldFiles({ ...options, tree }))) >= FILES);
  const start = { entry: 0, within: 0 };
  assert.ok(
    (await turnsWhile(async () => removeBehind(manifest, new StoredTree(root), start))) >= FILES,
  );
});

async function turnsWhile(work: () => Promise<unknown>): Promise<number> {
  let turns = 0;
  let isOver = false;
  const count = (): void => {
    turns += 1;
    if (!isOver) setImmediate(count);
  };
  setImmediate(count);
  await work();
  isOver = true;
  return turns;
}
