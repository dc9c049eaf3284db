import assert from "node:assert/strict";
import * as fs from "node:fs/promises";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { hasCode } from "../../test/has-code.ts";
import { scratch } from "../../test/scratch.ts";
import { syncTree } from "./sync-tree.ts";

test("syncTree() resolves when the system has flushed a tree", async (t) => {
  await syncTree(await tree(t));
});

test("syncTree() flushes each file where there is no command for all", async (t) => {
  const directory = await tree(t);
  for (const command of [undefined, "/nonexistent/sync", await script(t, "invalid option -- f", 1)])
    await syncTree(directory, command);
});

test("F-11 syncTree() says what the disk did not take", async (t) => {
  const directory = await tree(t);
  for (const [said, code] of [
    ["error syncing '.': No space left on device", "store/no-space"],
    ["error syncing '.': Disk quota exceeded", "store/no-space"],
    ["error syncing '.': Input/output error", "store/failed"],
    ["", "store/failed"],
  ] as const)
    await assert.rejects(syncTree(directory, await script(t, said, 1)), hasCode(code), said);
});

test("syncTree() names nothing of the tree to other users", async (t) => {
  const directory = await tree(t);
  const path = join(await scratch(t), "arguments");
  await syncTree(directory, await script(t, "", 0, `echo "$@ $(pwd)" > "${path}"`));
  assert.equal(await fs.readFile(path, "utf8"), `-f . ${directory}\n`);
});

async function tree(t: TestContext): Promise<string> {
  const directory = await scratch(t);
  await fs.mkdir(join(directory, "a", "b"), { recursive: true });
  await fs.symlink("/nonexistent", join(directory, "a", "link"));
  for (let n = 0; n < 20; n++) await fs.writeFile(join(directory, "a", `${n}`), "x");
  return directory;
}

/** A `sync` that says this and ends so. */
async function script(t: TestContext, said: string, code: number, first = ""): Promise<string> {
  const path = join(await scratch(t), "sync");
  const text = `#!/bin/sh\n${first}\necho "sync: ${said}" >&2\nexit ${code}\n`;
  await fs.writeFile(path, text, { mode: 0o755 });
  return path;
}
