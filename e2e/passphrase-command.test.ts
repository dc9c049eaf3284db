/**
 * `postern identity passphrase` with real processes and a terminal: keys that open with a
 * passphrase alone, which is never shown and nowhere kept. The tests follow one another.
 *
 * @module
 */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { needsProgram } from "../tools/programs.ts";
import {
  assertInNoArguments,
  assertInNoFile,
  assertNoChildren,
  hasProcesses,
} from "./processes.ts";
import type { Program } from "./program.ts";
import { Scene } from "./scene.ts";
import { Terminal } from "./terminal.ts";

const FIRST = "korrekt pferd Batterie ✓";
const SECOND = "another heap of words 77";

const scene = await Scene.open({ after });
const relay = await scene.relay();

type Env = Readonly<Record<string, string>>;

/** Deriving a key from a passphrase is slow on purpose. */
async function ends(program: Program, code: number, error?: string): Promise<void> {
  assert.deepEqual(await program.ended(60_000), { code, signal: null }, program.stderr());
  if (error !== undefined) assert.equal((await program.event("error"))["code"], error);
}

function change(action: string, env: Env = {}): Program {
  const self = ["--name", "ann", "--home", scene.home("ann"), "--json"];
  return scene.run(["identity", "passphrase", action, ...self], { env });
}

function send(text: string, env: Env = {}): Program {
  const args = ["send", "--text", text, "--to", "bob", "--json"];
  return scene.client("ann", relay, args, { env });
}

async function isProtected(env: Env = {}): Promise<unknown> {
  const program = scene.client("ann", relay, ["status", "--json"], { env });
  await ends(program, 0);
  return (await program.event("identity"))["passphrase"];
}

/** Nobody is told the passphrases, whatever else a program says. */
function saysNothing(program: Program): void {
  const said = program.stdout().toString() + program.stderr();
  for (const secret of [FIRST, SECOND]) assert.ok(!said.includes(secret), said);
}

test("passphrase set takes POSTERN_NEW_PASSPHRASE, and nobody to ask is exit 2", async () => {
  assert.equal(await isProtected(), false);
  await ends(change("change"), 2, "usage/wrong-state");
  await ends(change("set"), 2, "usage/invalid-argument");
  const set = change("set", { POSTERN_NEW_PASSPHRASE: FIRST });
  await ends(set, 0);
  assert.equal((await set.event("passphrase"))["passphrase"], true);
  saysNothing(set);
  assert.equal(await isProtected({ POSTERN_PASSPHRASE: FIRST }), true);
});

test("protected keys open with the passphrase alone: without it, or with a wrong one, exit 4", async () => {
  const bob = await scene.receiver("bob", relay, ["--accept", "all"]);
  const locked = send("without");
  await ends(locked, 4, "store/locked");
  assert.match(locked.stderr(), /^postern: the keys of ann are locked$/m);
  const wrong = send("wrong", { POSTERN_PASSPHRASE: `${FIRST}!` });
  await ends(wrong, 4, "store/wrong-passphrase");
  const right = send("right", { POSTERN_PASSPHRASE: FIRST });
  await ends(right, 0);
  await bob.event("message", ({ text }) => text === "right");
  assert.equal(bob.events().filter(({ type }) => type === "offer").length, 1);
  for (const program of [locked, wrong, right]) saysNothing(program);
});

test("T-05 the passphrase is in no argument, no child and no file", async () => {
  const args = ["receive", "--accept", "all", "--json"];
  const ann = scene.client("ann", relay, args, { env: { POSTERN_PASSPHRASE: FIRST } });
  await ann.event("waiting");
  if (hasProcesses) {
    await assertInNoArguments([FIRST]);
    await assertNoChildren(ann);
  }
  // Whoever has the identity open keeps others from changing it.
  await ends(change("remove", { POSTERN_PASSPHRASE: FIRST }), 78, "store/in-use");
  await ann.kill("SIGTERM");
  saysNothing(ann);
  saysNothing(relay.program);
  await assertInNoFile([scene.folder], [FIRST]);
});

test("passphrase change: the old one opens nothing any more", async () => {
  const both = { POSTERN_PASSPHRASE: FIRST, POSTERN_NEW_PASSPHRASE: SECOND };
  await ends(change("set", both), 2, "usage/wrong-state");
  await ends(change("change", { ...both, POSTERN_PASSPHRASE: "guess" }), 4);
  await ends(change("change", both), 0);
  await ends(send("old", { POSTERN_PASSPHRASE: FIRST }), 4, "store/wrong-passphrase");
  await ends(send("new", { POSTERN_PASSPHRASE: SECOND }), 0);
});

test("the contacts are locked with the keys, and removal opens both to everybody again", async () => {
  const self = ["--name", "ann", "--home", scene.home("ann"), "--json"];
  await ends(scene.run(["contacts", ...self]), 4, "store/locked");
  await ends(change("remove"), 4, "store/locked");
  const remove = change("remove", { POSTERN_PASSPHRASE: SECOND });
  await ends(remove, 0);
  assert.equal((await remove.event("passphrase"))["passphrase"], false);
  await ends(scene.run(["contacts", ...self]), 0);
  await ends(send("open"), 0);
});

test(
  "T-05 on a terminal it is typed twice, asked for at each start, and never shown",
  needsProgram("tmux"),
  async (t) => {
    const cwd = await scene.newFolder("here");
    const ann = await Terminal.open(t, scene, "ann", { relay, cwd });
    await ann.enter("postern identity passphrase set");
    // The second one differs: both are asked for once more.
    for (const [times, second] of [
      [1, SECOND],
      [2, FIRST],
    ] as const) {
      await ann.shows("New passphrase", times);
      await ann.enter(FIRST);
      await ann.shows("The same again", times);
      await ann.enter(second);
    }
    await ann.shows("these two are not the same; once more");
    await ann.shows("a passphrase now protects the keys of ann");
    assert.equal(await ann.exitCode(), 0);

    await ann.enter("postern contacts");
    await ann.shows("Passphrase of ann");
    await ann.enter(SECOND);
    await ann.shows("this is not the passphrase; try again");
    await ann.shows("Passphrase of ann", 2);
    await ann.enter(FIRST);
    await ann.shows("bob  ");
    assert.equal(await ann.exitCode(), 0);
    const text = await ann.text();
    for (const secret of [FIRST, SECOND]) assert.ok(!text.includes(secret), text);
    await assertInNoFile([scene.home("ann")], [FIRST, SECOND]);
    await ends(send("locked"), 4, "store/locked");
  },
);

test(
  "three wrong passphrases at a terminal, or none, end with exit 4",
  needsProgram("tmux"),
  async (t) => {
    const cwd = await scene.newFolder("here");
    const ann = await Terminal.open(t, scene, "ann", { relay, cwd });
    await ann.enter("postern contacts");
    for (const times of [1, 2, 3]) {
      await ann.shows("Passphrase of ann", times);
      await ann.enter("guess");
    }
    await ann.shows("postern: this is not the passphrase of ann");
    assert.equal(await ann.exitCode(), 4);
    await ann.enter("postern contacts");
    await ann.shows("Passphrase of ann", 4);
    await ann.press("C-c");
    await ann.shows("postern: no passphrase was typed");
    assert.equal(await ann.exitCode(), 4);
  },
);
