/**
 * One side of a transfer is stopped or killed in the middle: the others say what happened within
 * {@link TOLD_WITHIN_MS}, what has come is kept under its unfinished name, and the rest alone is
 * sent: by itself when the side comes back, or by the same command. The tests follow one another:
 * one receiver lives through most of them.
 *
 * @module
 */
import assert from "node:assert/strict";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { after, test, type TestContext } from "node:test";
import { MIB, noise, sha256, sha256File, writeContent } from "./payloads.ts";
import type { Program } from "./program.ts";
import { filesIn, Scene } from "./scene.ts";

/** Long for a person, short for a link of which nobody says that it is dead. */
const TOLD_WITHIN_MS = 15_000;

const scene = await Scene.open({ after });
let relay = await scene.relay();
const inbox = await scene.newFolder("inbox");
const bytes = noise(12 * MIB);
const path = await writeContent(scene.folder, "big.raw", bytes);
const startReceiver = async (): Promise<Program> =>
  await scene.receiver("bob", relay, ["--accept", "all", "-o", inbox]);
let bob = await startReceiver();

/** A transfer of which a part has arrived and most has not. */
async function underWay(): Promise<{ readonly ann: Program; readonly content: unknown }> {
  const args = ["send", path, "--to", "bob", "--json", "--limit", "3M"];
  const ann = scene.client("ann", relay, args);
  const { content } = await ann.event("progress", (event) => Number(event["bytes"]) > 0);
  await bob.event(
    "progress",
    (event) => event["content"] === content && Number(event["bytes"]) > 0,
  );
  return { ann, content };
}

/** Does it; from then on the clock runs for what `told` waits for. */
async function within(
  t: TestContext,
  act: () => void,
  told: () => Promise<unknown>,
): Promise<void> {
  const start = performance.now();
  act();
  await told();
  const took = Math.round(performance.now() - start);
  t.diagnostic(`told after ${took} ms`);
  assert.ok(took < TOLD_WITHIN_MS, `told after ${took} ms`);
}

async function endsWith(program: Program, code: number, said: RegExp): Promise<void> {
  assert.deepEqual(await program.ended(), { code, signal: null }, program.stderr());
  assert.match(program.stderr(), said);
}

async function failed(program: Program, content: unknown): Promise<string> {
  const event = await program.event("failed", (each) => each["content"] === content);
  return String(event["code"]);
}

/** Nothing stands under the final name, and what has come under its unfinished one. */
async function isKept(): Promise<void> {
  assert.deepEqual(await filesIn(inbox), [".big.raw.part"]);
}

/** The file is whole and nothing else is there; the next test begins anew. */
async function isWhole(): Promise<void> {
  assert.deepEqual(await filesIn(inbox), ["big.raw"]);
  assert.equal(await sha256File(join(inbox, "big.raw")), sha256(bytes));
  await rm(join(inbox, "big.raw"));
}

/** The same command again, and it sends the rest alone. */
async function sameCommandGoesOn(): Promise<void> {
  const ann = scene.client("ann", relay, ["send", path, "--to", "bob", "--json"]);
  await endsWith(ann, 0, /^going on with big\.raw for bob: begun before, \d+ % was there /m);
  const { offset } = await ann.event("accepted");
  assert.ok(Number(offset) > 0);
  assert.match(ann.stderr(), /^delivered big\.raw to bob: 13 MB, the last \d+/m);
  await isWhole();
}

async function nextTransferWorks(): Promise<void> {
  const ann = scene.client("ann", relay, ["send", "--text", "still there?", "--to", "bob"]);
  assert.deepEqual(await ann.ended(), { code: 0, signal: null }, ann.stderr());
}

test("sender: Ctrl-C tells both what is kept, ends with 130, and the same command goes on", async (t) => {
  const { ann, content: id } = await underWay();
  await within(
    t,
    () => ann.signal("SIGINT"),
    async () => {
      await endsWith(ann, 130, /^stopping; press Ctrl-C again to end at once$/m);
      assert.equal(await failed(bob, id), "peer/cancelled");
    },
  );
  assert.match(ann.stderr(), /^\d+ % of big\.raw is with bob and stays there; the same command /m);
  await bob.said(/^postern: ann cancelled big\.raw/m);
  await bob.said(/^\d+ % of big\.raw is kept here; it goes on when ann sends it again /m);
  await isKept();
  await nextTransferWorks();
  await sameCommandGoesOn();
});

test("S-17 sender killed with -9: the receiver says so, keeps what came, and is free", async (t) => {
  const { ann, content: id } = await underWay();
  await within(
    t,
    () => ann.signal("SIGKILL"),
    async () => {
      assert.equal(await failed(bob, id), "peer/gone");
      await scene.listed(relay, "bob");
    },
  );
  await bob.said(/^postern: ann went away$/m);
  await bob.said(/^waiting for ann to come back, \d+ % of big\.raw is here; Ctrl-C keeps it$/m);
  await isKept();
  await nextTransferWorks();
  await sameCommandGoesOn();
});

test("relay killed with -9: both ends wait and say so, and go on by themselves", async (t) => {
  const { ann, content: id } = await underWay();
  await within(
    t,
    () => relay.program.signal("SIGKILL"),
    async () => {
      await ann.event("retrying");
      await failed(bob, id);
      await bob.event("reconnecting");
    },
  );
  await ann.said(/; waiting for .+ to come back, \d+ % \(.+\) is there; Ctrl-C keeps it$/m);
  await bob.said(/^lost the relay 127\.0\.0\.1:\d+ .*trying again in /m);
  assert.ok(bob.isRunning);
  await isKept();

  relay = await scene.relay({ port: relay.port });
  await endsWith(ann, 0, /^going on at \d+ % /m);
  await bob.said(/^connected to 127\.0\.0\.1:\d+; waiting for offers$/m);
  await bob.said(/^going on with big\.raw of ann, \d+ % is here$/m);
  await isWhole();
});

test("relay ended in order: clients are told that it restarts, and go on", async (t) => {
  const { ann, content: id } = await underWay();
  await within(
    t,
    () => relay.program.signal("SIGTERM"),
    async () => {
      await ann.event("retrying");
      await failed(bob, id);
    },
  );
  await bob.said(/^the relay 127\.0\.0\.1:\d+ says: restarting$/m);
  await relay.program.ended();
  relay = await scene.relay({ port: relay.port });
  await endsWith(ann, 0, /^bob is back$/m);
  await isWhole();
});

test("receiver: Ctrl-C tells both what is kept, and ends with 130", async (t) => {
  const { ann } = await underWay();
  await within(
    t,
    () => bob.signal("SIGINT"),
    async () => {
      await endsWith(bob, 130, /^\d+ % of big\.raw is kept here; it goes on when ann sends it /m);
      await endsWith(ann, 8, /^postern: bob cancelled big\.raw/m);
    },
  );
  assert.match(ann.stderr(), /^\d+ % of big\.raw is with bob and stays there; /m);
  await isKept();
  await scene.listed(relay, "bob", false);
  bob = await startReceiver();
  await sameCommandGoesOn();
});

test("receiver ended by another program: the sender waits until it is started again", async (t) => {
  const { ann } = await underWay();
  await within(
    t,
    () => bob.signal("SIGTERM"),
    async () => {
      await endsWith(bob, 143, /^\d+ % of big\.raw is kept here; it goes on when ann sends it /m);
      await ann.said(/; waiting for bob to come back, \d+ % /m);
    },
  );
  await isKept();
  bob = await startReceiver();
  await endsWith(ann, 0, /^bob is back$/m);
  await isWhole();
});

test("S-17 F-12 receiver killed with -9: the sender waits for it, and goes on by itself", async (t) => {
  const { ann } = await underWay();
  await within(
    t,
    () => bob.signal("SIGKILL"),
    async () => {
      await ann.said(/^bob went away; waiting for bob to come back, \d+ % /m);
      await scene.listed(relay, "bob", false);
    },
  );
  await isKept();
  bob = await startReceiver();
  await endsWith(ann, 0, /^bob is back$/m);
  await isWhole();
});
