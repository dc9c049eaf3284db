/** A `postern` whose streams are full, closed, or read by nobody. */
import assert from "node:assert/strict";
import { spawn, type StdioOptions } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { text } from "node:stream/consumers";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

const BIN = join(import.meta.dirname, "../bin/postern.js");
const FULL = "/dev/full";
const withFull = { skip: !existsSync(FULL), timeout: 60_000 };
const folder = mkdtempSync(join(tmpdir(), "postern-output-"));
after(() => rmSync(folder, { recursive: true, force: true }));

function postern(args: readonly string[], stdio: StdioOptions) {
  const env = { ...process.env, POSTERN_HOME: folder };
  const child = spawn(process.execPath, [BIN, ...args], { stdio, env });
  const exited = once(child, "exit").then(([code]: unknown[]) => code);
  return { child, exited };
}

test("what the standard output did not take is told, and is no success", withFull, async () => {
  for (const args of [["identity"], ["identity", "--json"], ["help"]]) {
    const { child, exited } = postern(args, ["ignore", openSync(FULL, "w"), "pipe"]);
    const said = await text(child.stderr!);
    assert.match(said, /^postern: could not write to the standard output\n {2}why: {2}no space/m);
    assert.equal(await exited, 1, args.join(" "));
  }
});

test("a full disk under what a relay says and logs does not end it", withFull, async () => {
  const args = ["relay", "--listen", "127.0.0.1:0", "--json"];
  const { child, exited } = postern(args, ["ignore", "pipe", openSync(FULL, "w")]);
  const out = text(child.stdout!);
  await once(child.stdout!, "data");
  // Longer than whoever writes what nobody takes has left.
  assert.equal(await Promise.race([exited, sleep(1_500, "running")]), "running");
  child.kill("SIGTERM");
  assert.equal(await exited, 143);
  assert.match(await out, /"type":"stopped"/);
});

test("SIGUSR1 opens no debugger", { timeout: 60_000 }, async () => {
  const args = ["relay", "--listen", "127.0.0.1:0", "--json"];
  const { child, exited } = postern(args, ["ignore", "pipe", "pipe"]);
  const said = text(child.stderr!);
  await once(child.stdout!, "data");
  child.kill("SIGUSR1");
  await sleep(500);
  child.kill("SIGTERM");
  assert.equal(await exited, 143);
  assert.doesNotMatch(await said, /Debugger listening/);
});
