/**
 * One side of a transfer is stopped or killed in the middle: the others say what happened within
 * {@link TOLD_WITHIN_MS}, nothing stands under the final name, and the next transfer works. The
 * tests follow one another: one receiver lives through most of them.
 *
 * @module
 */
import assert from "node:assert/strict";
import { after, afterEach, test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { MIB, noise, writeContent } from "./payloads.ts";
import type { Program } from "./program.ts";
import { filesIn, Scene } from "./scene.ts";

const TOLD_WITHIN_MS = 5_000;

const scene = await Scene.open({ after });
let relay = await scene.relay();
const inbox = await scene.newFolder("inbox");
const path = await writeContent(scene.folder, "big.raw", noise(12 * MIB));
const startReceiver = async (): Promise<Program> =>
  await scene.receiver("bob", relay, ["--accept", "all", "-o", inbox]);
let bob = await startReceiver();

/** A transfer of which a part has arrived and most has not. */
async function underWay(): Promise<{ readonly ann: Program; readonly transfer: unknown }> {
  const args = ["send", path, "--to", "bob", "--json", "--limit", "1M"];
  const ann = scene.client("ann", relay, args);
  const { transfer } = await ann.event("progress", ({ bytes }) => Number(bytes) > 0);
  await bob.event("progress", (event) => event["transfer"] === transfer);
  return { ann, transfer };
}

/** Does it; from then on the clock runs for what `told` waits for. */
async function within(act: () => void, told: () => Promise<unknown>): Promise<void> {
  const start = performance.now();
  act();
  await told();
  const took = performance.now() - start;
  assert.ok(took < TOLD_WITHIN_MS, `told after ${Math.round(took)} ms`);
}

async function endsWith(program: Program, code: number, said: RegExp): Promise<void> {
  assert.deepEqual(await program.ended(), { code, signal: null }, program.stderr());
  assert.match(program.stderr(), said);
}

async function failed(program: Program, transfer: unknown): Promise<string> {
  const event = await program.event("failed", (each) => each["transfer"] === transfer);
  return String(event["code"]);
}

/** A part goes when its transfer has failed, a moment after that was said. */
async function isEmptied(): Promise<void> {
  const deadline = performance.now() + TOLD_WITHIN_MS;
  while ((await filesIn(inbox)).length > 0 && performance.now() < deadline) await wait(20);
  assert.deepEqual(await filesIn(inbox), []);
}

async function nextTransferWorks(): Promise<void> {
  const ann = scene.client("ann", relay, ["send", "--text", "still there?", "--to", "bob"]);
  assert.deepEqual(await ann.ended(), { code: 0, signal: null }, ann.stderr());
}

afterEach(async () => {
  assert.ok(!(await filesIn(inbox)).includes("big.raw"));
});

test("sender: Ctrl-C tells the receiver that it was cancelled, and ends with 130", async () => {
  const { ann, transfer } = await underWay();
  await within(
    () => ann.signal("SIGINT"),
    async () => {
      await endsWith(ann, 130, /^stopping; press Ctrl-C again to end at once$/m);
      assert.equal(await failed(bob, transfer), "peer/cancelled");
    },
  );
  await bob.said(/^postern: ann cancelled big\.raw$/m);
  await isEmptied();
  await nextTransferWorks();
});

test("S-17 sender killed with -9: the receiver says so, keeps nothing, and is free again", async () => {
  const { ann, transfer } = await underWay();
  await within(
    () => ann.signal("SIGKILL"),
    async () => {
      assert.equal(await failed(bob, transfer), "peer/gone");
      await scene.listed(relay, "bob");
    },
  );
  await bob.said(/^postern: ann went away$/m);
  await isEmptied();
  await nextTransferWorks();
});

test("relay killed with -9: both ends say so; the receiver comes back by itself", async () => {
  const { ann, transfer } = await underWay();
  await within(
    () => relay.program.signal("SIGKILL"),
    async () => {
      const { code } = await ann.ended();
      assert.ok(code === 1 || code === 7, `exit ${code}`);
      await failed(bob, transfer);
      await bob.event("reconnecting");
    },
  );
  assert.match(ann.stderr(), /^postern: lost the connection (?:to|while) /m);
  await bob.said(/^lost the relay 127\.0\.0\.1:\d+ .*trying again in /m);
  assert.ok(bob.isRunning);
  await isEmptied();

  relay = await scene.relay({ port: relay.port });
  await scene.listed(relay, "bob");
  await bob.said(/^connected to 127\.0\.0\.1:\d+; waiting for offers$/m);
  await nextTransferWorks();
});

test("relay ended in order: clients are told that it restarts, and the receiver comes back", async () => {
  const { ann, transfer } = await underWay();
  await within(
    () => relay.program.signal("SIGTERM"),
    async () => {
      assert.notEqual((await ann.ended()).code, 0);
      await failed(bob, transfer);
    },
  );
  await bob.said(/^the relay 127\.0\.0\.1:\d+ says: restarting$/m);
  await relay.program.ended();
  relay = await scene.relay({ port: relay.port });
  await scene.listed(relay, "bob");
  await nextTransferWorks();
});

test("receiver: Ctrl-C tells the sender that it was cancelled, and ends with 130", async () => {
  const { ann } = await underWay();
  await within(
    () => bob.signal("SIGINT"),
    async () => {
      await endsWith(bob, 130, /^cancelled; nothing incomplete was kept$/m);
      await endsWith(ann, 8, /^postern: bob cancelled big\.raw$/m);
    },
  );
  // The receiver is no more: what it left behind stays.
  assert.deepEqual(await filesIn(inbox), []);
  await scene.listed(relay, "bob", false);
  bob = await startReceiver();
  await nextTransferWorks();
});

test("S-17 F-12 receiver killed with -9: the sender says so, and the receiver is off the list", async () => {
  const { ann } = await underWay();
  await within(
    () => bob.signal("SIGKILL"),
    async () => {
      await endsWith(ann, 5, /^postern: bob went away$/m);
      await scene.listed(relay, "bob", false);
    },
  );
  bob = await startReceiver();
  await nextTransferWorks();
});
