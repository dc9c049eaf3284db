import assert from "node:assert/strict";
import { mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { replaceFolder } from "./replace-folder.ts";

const FILES = ["one", "two", "three"];

test("replaceFolder() leaves one whole folder, however many replace it at once", async (t) => {
  const place = await mkdtemp(join(tmpdir(), "postern-replace-"));
  t.after(() => rm(place, { recursive: true, force: true }));
  const folder = join(place, "dist");
  const replace = async (text: string): Promise<void> =>
    await replaceFolder(folder, async (made) => {
      for (const file of FILES) await writeFile(join(made, file), text);
    });
  await replace("first");
  await Promise.all(Array.from({ length: 20 }, async (_, at) => await replace(`${at}`)));
  assert.deepEqual(await readdir(place), ["dist"]);
  const texts = await Promise.all(FILES.map((file) => readFile(join(folder, file), "utf8")));
  assert.equal(new Set(texts).size, 1);
  assert.deepEqual((await readdir(folder)).toSorted(), FILES.toSorted());
});

test("replaceFolder() leaves the old folder as it is when the new one cannot be made", async (t) => {
  const place = await mkdtemp(join(tmpdir(), "postern-replace-"));
  t.after(() => rm(place, { recursive: true, force: true }));
  const folder = join(place, "dist");
  await replaceFolder(folder, async (made) => await writeFile(join(made, "one"), "old"));
  const noSpace = new Error("no space left");
  await assert.rejects(
    replaceFolder(folder, async () => await Promise.reject(noSpace)),
    noSpace,
  );
  assert.deepEqual(await readdir(place), ["dist"]);
  assert.equal(await readFile(join(folder, "one"), "utf8"), "old");
});
