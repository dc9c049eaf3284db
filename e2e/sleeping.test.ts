/**
 * A computer that sleeps in the middle of a transfer, and is taken for gone meanwhile: nobody has
 * stopped anything, and it goes on by itself (docs/protocol-transfers.md 8.2).
 *
 * @module
 */
import assert from "node:assert/strict";
import process from "node:process";
import { after, test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { LAST_BYTES_MS } from "@postern/core/limits";
import { FaultProxy } from "./fault-proxy.ts";
import { MIB, noise, sha256File, writeContent } from "./payloads.ts";
import type { Program } from "./program.ts";
import { Scene } from "./scene.ts";

const scene = await Scene.open({ after });
const relay = await scene.relay();

/** As after a minute of silence, for its link; its pipe has longer. */
async function sleep({ pid }: Program, wire: FaultProxy): Promise<void> {
  process.kill(pid, "SIGSTOP");
  wire.cutLinks();
  // The other side has taken what was on its way, and given this transfer up.
  await wait(2 * LAST_BYTES_MS);
  process.kill(pid, "SIGCONT");
}

for (const who of ["sender", "receiver"] as const)
  test(`a ${who} that slept goes on by itself`, { timeout: 90_000 }, async (t) => {
    const wire = await FaultProxy.open(t, relay.port);
    const inbox = await scene.newFolder(`inbox-${who}`);
    const path = await writeContent(scene.folder, `${who}.raw`, noise(8 * MIB, 8));
    const [annAt, bobAt] = who === "sender" ? [wire.hostPort, relay] : [relay, wire.hostPort];
    const name = `bob-${who}`;
    const options = ["receive", "--once", "--accept", "all", "-o", inbox, "--json"];
    const bob = scene.client(name, bobAt, options);
    await scene.listed(relay, name);
    const slowly = ["--limit", "4M", "--timeout", "60s", "--json"];
    const ann = scene.client("ann", annAt, ["send", path, "--to", name, ...slowly]);
    await bob.event("progress", ({ bytes }) => Number(bytes) > MIB);
    await sleep(who === "sender" ? ann : bob, wire);
    for (const program of [ann, bob]) {
      assert.deepEqual(await program.ended(), { code: 0, signal: null }, program.stderr());
      assert.doesNotMatch(program.stderr(), /cancelled|stopped/);
    }
    assert.equal(await sha256File(`${inbox}/${who}.raw`), await sha256File(path));
  });
