/**
 * `postern contacts` and `postern status` with real processes: what a person says about others, and
 * what follows from it for the transfers between them. The tests follow one another.
 *
 * @module
 */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { needsProgram } from "../tools/programs.ts";
import type { EventLine, Program } from "./program.ts";
import { Scene } from "./scene.ts";
import { Terminal } from "./terminal.ts";

const scene = await Scene.open({ after });
const relay = await scene.relay();

/** Needs no relay: none is named. */
async function contacts(who: string, ...args: readonly string[]): Promise<Program> {
  const self = ["--name", who, "--home", scene.home(who)];
  const program = scene.run(["contacts", ...args, ...self]);
  await program.ended();
  return program;
}

async function succeeds(who: string, ...args: readonly string[]): Promise<EventLine> {
  const program = await contacts(who, ...args, "--json");
  assert.deepEqual(await program.ended(), { code: 0, signal: null }, program.stderr());
  return await program.event("contact");
}

async function tell(from: string, to: string, text: string): Promise<Program> {
  const program = scene.client(from, relay, ["send", "--text", text, "--to", to, "--json"]);
  await program.ended();
  return program;
}

async function ends(program: Program, code: number, error: string): Promise<void> {
  assert.deepEqual(await program.ended(), { code, signal: null }, program.stderr());
  assert.equal((await program.event("error"))["code"], error);
}

/** Takes all while `act` runs, and leaves its home to others again. */
async function whileReceiving(who: string, act: (program: Program) => Promise<void>) {
  const program = await scene.receiver(who, relay, ["--accept", "all"]);
  try {
    await act(program);
  } finally {
    await program.kill("SIGTERM");
  }
  await scene.listed(relay, who, false);
}

test("the first transfer makes each a contact of the other, not verified", async () => {
  await whileReceiving("bob", async (bob) => {
    assert.equal((await (await tell("ann", "bob", "one")).ended()).code, 0);
    assert.equal((await (await tell("ann", "bob", "two")).ended()).code, 0);
    await bob.event("message", ({ text }) => text === "two");
  });
  const [atAnn, atBob] = [await succeeds("ann", "list"), await succeeds("bob")];
  assert.deepEqual([atAnn["name"], atAnn["trust"], atAnn["paired"]], ["bob", "first-use", false]);
  assert.deepEqual([atBob["name"], atBob["trust"], atBob["paired"]], ["ann", "first-use", false]);
  assert.match(String(atAnn["safetyNumber"]), /^(?:\d{5} ){11}\d{5}$/);
  assert.equal(atAnn["safetyNumber"], atBob["safetyNumber"]);
});

test("status --json shows profile, epoch, transfers and the age of the keys", async () => {
  const before = Date.now();
  const status = scene.client("ann", relay, ["status", "--json"]);
  assert.deepEqual(await status.ended(), { code: 0, signal: null }, status.stderr());
  const { channels } = await status.event("contact");
  assert.ok(Array.isArray(channels));
  const [sending] = (channels as EventLine[]).filter(({ role }) => role === "sending");
  assert.ok(sending !== undefined);
  const { renewedAt, epoch, ...state } = sending;
  assert.deepEqual(state, {
    profile: "end-to-end",
    role: "sending",
    transfers: 2,
    unacknowledged: 0,
  });
  // An epoch is the time at which its channel began.
  for (const time of [Number(renewedAt), Number(epoch)])
    assert.ok(time <= before && time > before - 60_000, `${time}, ${before}`);
  const { profile, usable, contacts: count } = await status.event("status");
  assert.deepEqual([profile, usable, count], ["end-to-end", true, 1]);

  const shown = scene.client("ann", relay, ["status"]);
  assert.equal((await shown.ended()).code, 0, shown.stderr());
  const text = shown.stdout().toString();
  assert.match(text, /^profile +end-to-end: the relay sees who, when and how much; /m);
  assert.match(text, /^contact +bob: not verified$/m);
  assert.match(text, /^ +sending +end-to-end, epoch \d+, 2 transfers, key \d+ \w+ old$/m);
});

test("contacts verify asks a person, and without one takes only --yes", async (t) => {
  await ends(await contacts("ann", "verify", "bob", "--json"), 2, "usage/invalid-argument");
  assert.equal((await succeeds("ann", "show", "bob"))["trust"], "first-use");
  assert.equal((await succeeds("ann", "verify", "bob", "--yes"))["trust"], "verified");
  await t.test("on a terminal, with number and QR code", needsProgram("tmux"), async (inner) => {
    const cwd = await scene.newFolder("here");
    const bob = await Terminal.open(inner, scene, "bob", { relay, cwd });
    const question = "Have you compared it with ann, and is every digit the same?";
    await bob.enter("postern contacts verify ann");
    const text = await bob.shows(question);
    assert.match(text, /^safety number +(?:\d{5} ?){6}\n +(?:\d{5} ?){6}\n█{20,}$/m);
    // Who answers without reading has compared nothing.
    await bob.press("Enter");
    assert.equal(await bob.exitCode(), 1);
    await bob.shows("ann stays: not verified");
    await bob.enter("postern contacts verify ann");
    await bob.shows(question, 2);
    await bob.press("y");
    await bob.shows("ann is verified");
    assert.equal(await bob.exitCode(), 0);
  });
  assert.equal((await succeeds("bob", "show", "ann"))["trust"], "verified");
});

test("contacts rename: the new name reaches the same person, the old one nobody it knows", async () => {
  const renamed = await succeeds("ann", "rename", "bob", "robert");
  assert.deepEqual([renamed["name"], renamed["relayName"]], ["robert", "bob"]);
  // By its fingerprint it is found too, however it is grouped.
  const grouped = String(renamed["fingerprint"]).match(/.{4}/g)!.join("-");
  assert.equal((await succeeds("ann", "show", grouped))["name"], "robert");
  await ends(await contacts("ann", "show", "bob", "--json"), 3, "contact/unknown");
  await whileReceiving("bob", async (bob) => {
    const ann = await tell("ann", "robert", "by your new name");
    assert.deepEqual(await ann.ended(), { code: 0, signal: null }, ann.stderr());
    assert.match(ann.stderr(), /^robert is a contact: verified$/m);
    assert.equal((await bob.event("message"))["text"], "by your new name");
  });
});

test("contacts block: nothing goes to it, and its offers are refused unseen, until unblock", async () => {
  assert.equal((await succeeds("ann", "block", "robert"))["blocked"], true);
  await ends(await tell("ann", "robert", "to a blocked one"), 1, "peer/blocked");
  await whileReceiving("ann", async (ann) => {
    await ends(await tell("bob", "ann", "please"), 8, "peer/declined");
    assert.ok(!ann.events().some(({ type }) => type === "offer" || type === "message"));
    assert.doesNotMatch(ann.stderr(), /bob|robert/);
  });
  assert.equal((await succeeds("ann", "unblock", "robert"))["blocked"], false);
  await whileReceiving("ann", async (ann) => {
    assert.equal((await (await tell("bob", "ann", "thanks")).ended()).code, 0);
    assert.equal((await ann.event("message"))["from"], "robert");
  });
});

test("contacts remove: forgotten with its keys, and the next contact is a first one", async () => {
  await ends(await contacts("ann", "remove", "robert", "--json"), 2, "usage/invalid-argument");
  const removed = await contacts("ann", "remove", "robert", "--yes", "--json");
  assert.equal((await removed.ended()).code, 0, removed.stderr());
  assert.equal((await removed.event("contact-removed"))["name"], "robert");
  const list = await contacts("ann", "--json");
  assert.deepEqual(list.events(), [{ type: "contacts", count: 0 }]);
  await ends(await contacts("ann", "show", "robert", "--json"), 3, "contact/unknown");
  await whileReceiving("bob", async () => {
    const ann = await tell("ann", "bob", "do we know each other?");
    assert.deepEqual(await ann.ended(), { code: 0, signal: null }, ann.stderr());
    assert.equal((await ann.event("first-contact"))["name"], "bob");
    assert.equal((await ann.event("master-key"))["source"], "key-package");
  });
});

test("a name that a contact has is not given to another, and commands that are none are named", async () => {
  await whileReceiving("carl", async () => {
    assert.equal((await (await tell("ann", "carl", "hello")).ended()).code, 0);
  });
  await ends(await contacts("ann", "rename", "carl", "bob", "--json"), 2, "contact/name-taken");
  const unknown = await contacts("ann", "forget", "bob");
  assert.equal((await unknown.ended()).code, 2);
  assert.match(unknown.stderr(), /^postern: unknown command "contacts forget"$/m);
});
