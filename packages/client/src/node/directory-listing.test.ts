/** Folders that cannot be looked at, or change while they are. */
import assert from "node:assert/strict";
import calls from "node:fs";
import * as fs from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { hasCode } from "../../test/has-code.ts";
import { scratch } from "../../test/scratch.ts";
import { type Listing, listDirectory } from "./directory-listing.ts";

const IS_ROOT = process.getuid?.() === 0;
const NOBODY = 65_534;

test("listDirectory() skips what is in a folder that may be read, and not entered", async (t) => {
  const folder = await scratch(t);
  await fs.chmod(folder, 0o755);
  await fs.mkdir(join(folder, "names"));
  const path = join(folder, "names", "only");
  for (const file of [path, join(folder, "open")]) await fs.writeFile(file, "x");
  await fs.chmod(join(folder, "names"), 0o444);
  const { entries, skipped } = await listedByNobody(folder, join(folder, "names"));
  const names = entries.map((entry) => entry.path.split("/").slice(1).join("/"));
  assert.deepEqual(names, ["", "names", "open"]);
  assert.deepEqual(skipped, [{ path, why: "unreadable" }]);
});

test("listDirectory() makes no empty folder of one that it may not read", async (t) => {
  const folder = await scratch(t);
  await fs.writeFile(join(folder, "file"), "x");
  await fs.chmod(folder, 0o000);
  await assert.rejects(listedByNobody(folder), hasCode("transfer/source-unreadable"));
});

test("listDirectory() skips what becomes something else meanwhile", async (t) => {
  const folder = await scratch(t);
  const link = join(folder, "link");
  await fs.symlink("nowhere", link);
  const read = calls.readlinkSync;
  const { mock } = t.mock.method(calls, "readlinkSync", (path: string) => {
    calls.rmSync(link);
    calls.writeFileSync(link, "no link any more");
    return read(path);
  });
  syncBuiltinESMExports();
  const { skipped } = await listDirectory([folder], "keep").finally(() => {
    mock.restore();
    syncBuiltinESMExports();
  });
  assert.deepEqual(skipped, [{ path: link, why: "vanished" }]);
});

/** Root may read everything. */
async function listedByNobody(folder: string, closed = folder): Promise<Listing> {
  if (IS_ROOT) process.seteuid?.(NOBODY);
  try {
    return await listDirectory([folder], "skip");
  } finally {
    if (IS_ROOT) process.seteuid?.(0);
    await fs.chmod(closed, 0o700);
  }
}
