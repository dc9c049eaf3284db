import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";

import { hashOnlyEntry, writeRandomFile, writeRandomFolder } from "./payload.ts";

test("hashOnlyEntry() is the SHA-256 of the only file", async (t) => {
  const folder = await scratch(t);
  const path = join(folder, "file");
  await writeRandomFile(path, 1_048_577);
  const content = await readFile(path);
  assert.equal(content.length, 1_048_577);
  assert.equal(await hashOnlyEntry(folder), createHash("sha256").update(content).digest("hex"));
});

test("hashOnlyEntry() refuses nothing at all, and two things", async (t) => {
  const folder = await scratch(t);
  await assert.rejects(hashOnlyEntry(folder), /there are 0/);
  await writeFile(join(folder, "a"), "");
  await writeFile(join(folder, "b"), "");
  await assert.rejects(hashOnlyEntry(folder), /there are 2/);
});

test("hashOnlyEntry() of a folder sees a changed byte, a changed name and a missing file", async (t) => {
  const folder = await scratch(t);
  await writeRandomFolder(join(folder, "one"), 101, 16);
  assert.deepEqual((await readdir(join(folder, "one"))).toSorted(), ["0", "1"]);
  const original = await hashOnlyEntry(folder);
  const hashOfCopy = async (change: (copy: string) => Promise<void>): Promise<string> => {
    const place = await scratch(t);
    await cp(join(folder, "one"), join(place, "two"), { recursive: true });
    await change(join(place, "two"));
    return await hashOnlyEntry(place);
  };
  assert.equal(await hashOfCopy(async () => {}), original);
  const changes = [
    async (copy: string) => await writeFile(join(copy, "0", "7.bin"), "other"),
    async (copy: string) => await cp(join(copy, "1", "100.bin"), join(copy, "1", "z.bin")),
    async (copy: string) => await rm(join(copy, "1", "100.bin")),
  ];
  for (const change of changes) assert.notEqual(await hashOfCopy(change), original);
});

async function scratch(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "postern-payload-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  await mkdir(join(folder, "content"));
  return join(folder, "content");
}
