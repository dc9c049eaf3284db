/**
 * Sender, receiver and relay are killed with -9 in turn while a folder is sent, and started again
 * as their people would (T-01 to T-03, F-12): it arrives as it is, once, and little of it twice.
 */
import assert from "node:assert/strict";
import * as fs from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { FaultProxy } from "./fault-proxy.ts";
import { MIB, noise, sha256 } from "./payloads.ts";
import type { Program } from "./program.ts";
import { filesIn, freePort, Scene } from "./scene.ts";

const SMALL_FILES = 6_000;
const SMALL_BYTES = 1_024;
const LARGE_BYTES = 20 * MIB;
/** Of what is sent: before a small file, in the middle of them, in the large one, near the end. */
const MOMENTS = [0.02, 0.11, 0.2, 0.35, 0.6, 0.9];
/** Each of them may cost what is under way. */
const LOST_BYTES_MAX = 3 * MIB;

test(
  "F-12 a folder arrives once, whoever is killed on the way",
  { timeout: 300_000 },
  async (t) => {
    const scene = await Scene.open(t);
    const folder = await makeFolder(scene.folder);
    const inbox = await scene.newFolder("inbox");
    let relay = await scene.relay({ port: await freePort() });
    const wire = await FaultProxy.open(t, relay.port);
    const receive = (): Program =>
      scene.client("bob", relay.hostPort, ["receive", "--accept", "all", "-o", inbox, "--json"]);
    const send = (): Program => {
      const options = ["--to", "bob", "--limit", "4M", "--json"];
      return scene.client("ann", wire.hostPort, ["send", folder, ...options]);
    };
    let bob = receive();
    await bob.event("waiting");
    await scene.listed(relay, "bob");
    let ann = send();
    const total = SMALL_FILES * SMALL_BYTES + LARGE_BYTES;
    for (const [k, moment] of MOMENTS.entries()) {
      await until(
        async () => (await bytesIn(inbox)) >= moment * total,
        () => `${ann.stderr()} ${bob.stderr()}`,
      );
      if (k % 3 === 0) {
        await bob.kill("SIGKILL");
        bob = receive();
      } else if (k % 3 === 1) {
        await ann.kill("SIGKILL");
        ann = send();
      } else {
        await relay.program.kill("SIGKILL");
        relay = await scene.relay({ port: relay.port });
      }
    }
    await until(
      async () => !ann.isRunning,
      () => `${ann.stderr()} ${bob.stderr()}`,
    );
    assert.deepEqual(await ann.ended(), { code: 0, signal: null }, ann.stderr());
    assert.deepEqual(await filesIn(inbox), ["photos"]);
    assert.deepEqual(await digestsIn(join(inbox, "photos")), await digestsIn(folder));
    const more = wire.pipeBytes - total;
    t.diagnostic(`on the wire: ${(wire.pipeBytes / total).toFixed(3)} x`);
    assert.ok(more < MOMENTS.length * LOST_BYTES_MAX, `${more} more`);
  },
);

async function makeFolder(parent: string): Promise<string> {
  const folder = join(parent, "photos");
  await fs.mkdir(join(folder, "empty"), { recursive: true });
  const bytes = noise(SMALL_FILES * SMALL_BYTES);
  for (let n = 0; n < SMALL_FILES; n++) {
    const below = join(folder, `d${Math.floor(n / 100)}`);
    if (n % 100 === 0) await fs.mkdir(below);
    const content = bytes.subarray(n * SMALL_BYTES, (n + 1) * SMALL_BYTES);
    await fs.writeFile(join(below, `${n}`), content);
  }
  await fs.mkdir(join(folder, "e"));
  await fs.writeFile(join(folder, "e", "large"), noise(LARGE_BYTES, 2));
  return folder;
}

async function bytesIn(folder: string): Promise<number> {
  const entries = await fs.readdir(folder, { recursive: true, withFileTypes: true });
  const sizes = entries.map(async (entry) => {
    if (!entry.isFile()) return 0;
    const path = join(entry.parentPath, entry.name);
    return await fs.stat(path).then(
      ({ size }) => size,
      () => 0,
    );
  });
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}

async function digestsIn(folder: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  const entries = await fs.readdir(folder, { recursive: true, withFileTypes: true });
  for (const entry of entries) {
    const path = join(entry.parentPath, entry.name);
    found[path.slice(folder.length)] = entry.isFile() ? sha256(await fs.readFile(path)) : "";
  }
  return found;
}

async function until(holds: () => Promise<boolean>, said: () => string): Promise<void> {
  const deadline = performance.now() + 90_000;
  while (!(await holds().catch(() => false))) {
    if (performance.now() > deadline) throw new Error(`it did not come to that: ${said()}`);
    await wait(30);
  }
}
