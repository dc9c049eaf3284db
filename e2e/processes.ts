/**
 * What other users of a computer could see or find of a secret: arguments of processes, files,
 * logs. T-05 of the list of attacks.
 *
 * @module
 */
import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import type { Program } from "./program.ts";

/** Arguments can be read here, and environments of others cannot be by others. */
export const hasProcesses = process.platform === "linux";

/** Asserts that no process of this computer has one of these texts among its arguments. */
export async function assertInNoArguments(secrets: readonly string[]): Promise<void> {
  const found = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  let seen = 0;
  for (const pid of found) {
    // Processes come and go.
    const text = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
    if (text !== "") seen++;
    for (const secret of secrets) assert.ok(!text.includes(secret), `${pid}: ${text}`);
  }
  assert.ok(seen > 0, "no process was seen");
}

/** Asserts that it has started nobody who inherits its environment. */
export async function assertNoChildren({ pid }: Program): Promise<void> {
  for (const task of await readdir(`/proc/${pid}/task`)) {
    const children = await readFile(`/proc/${pid}/task/${task}/children`, "utf8");
    assert.equal(children, "", `children of ${pid}`);
  }
}

/** Asserts that no file in these folders holds one of these texts. */
export async function assertInNoFile(
  folders: readonly string[],
  secrets: readonly string[],
): Promise<void> {
  let seen = 0;
  for (const folder of folders)
    for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const bytes = await readFile(join(entry.parentPath, entry.name));
      seen++;
      for (const secret of secrets) assert.ok(!bytes.includes(secret), entry.name);
    }
  assert.ok(seen > 0, "no file was seen");
}
