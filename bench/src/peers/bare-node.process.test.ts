import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { platform, tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { bareNode } from "./bare-node.ts";

const skip = platform() === "linux" ? false : "costs are read from /proc";

test("bare Node.js carries whole records and the rest", { skip }, async () => {
  const folder = await mkdtemp(join(tmpdir(), "postern-bare-"));
  try {
    const [path, outputFolder] = [join(folder, "file.bin"), join(folder, "output")];
    const content = randomBytes(3 * 1_048_576 + 5);
    await mkdir(outputFolder);
    await writeFile(path, content);
    const { sender, relay, receiver } = await bareNode.run({ path, outputFolder });
    assert.ok((await readFile(join(outputFolder, "output"))).equals(content));
    for (const usage of [sender, relay, receiver]) assert.ok(usage !== undefined);
  } finally {
    await rm(folder, { recursive: true });
  }
});
