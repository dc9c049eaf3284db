/** A directory for one test, removed after it. @module */
import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";

export async function scratch(t: TestContext): Promise<string> {
  const directory = await realpath(await mkdtemp(join(tmpdir(), "postern-")));
  t.after(() => rm(directory, { recursive: true, force: true }));
  return directory;
}
