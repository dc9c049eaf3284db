/**
 * `postern pair` with real processes and terminals: two people meet by a code, and what they then
 * are to each other. docs/protocol-pairing.md.
 *
 * @module
 */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { needsProgram } from "../tools/programs.ts";
import { codeIn, misheard, typeCode } from "./codes.ts";
import type { EventLine, Program } from "./program.ts";
import { Scene, type RelayProgram } from "./scene.ts";
import { Terminal } from "./terminal.ts";

const scene = await Scene.open({ after });
const relay = await scene.relay();

test(
  "postern pair: one shows a code, the other completes its words by Tab, both are verified",
  needsProgram("tmux"),
  async (t) => {
    const cwd = await scene.newFolder("here");
    const ann = await Terminal.open(t, scene, "ann", { relay, cwd });
    const bob = await Terminal.open(t, scene, "bob", { relay, cwd });
    await bob.enter("postern pair --words 6");
    const code = codeIn(await bob.shows("it is good for one guess within 10:00 minutes"));
    assert.match(code, /^[1-9]\d{0,4}(-[a-z]{3,8}){6}$/);
    await ann.enter("postern pair --code --as robert");
    await ann.shows("Code (Tab completes its words):");
    const completed = await typeCode(ann, code);
    assert.ok(completed.length > 0, "Tab made no word longer");
    await ann.shows("paired with robert: verified by the code");
    await bob.shows("paired with ann: verified by the code");
    for (const terminal of [ann, bob]) await terminal.matches(/^trust +verified, paired$/m);
    assert.deepEqual([await ann.exitCode(), await bob.exitCode()], [0, 0]);
    // What people compare is the same on both screens: the digits, and the code for a camera.
    assert.deepEqual(await numberOn(ann), await numberOn(bob));
  },
);

test("after it a message goes to the contact by its name, under the pairing's secret", async () => {
  const [opener, joiner] = await paired("carl", "dora", ["--as", "dora-b"]);
  assert.equal((await opener.event("paired"))["name"], "dora-b");
  assert.equal((await joiner.event("paired"))["name"], "carl");
  // A name behind --accept is the contact's: nobody else of this name is meant.
  const dora = await scene.receiver("dora", relay, ["--accept", "carl"]);
  const carl = scene.client("carl", relay, ["send", "--text", "hi", "--to", "dora-b", "--json"]);
  assert.deepEqual(await carl.ended(), { code: 0, signal: null }, carl.stderr());
  assert.equal((await dora.event("message"))["from"], "carl");
  assert.equal((await carl.event("offered"))["trust"], "verified");
  assert.equal((await dora.event("offer"))["trust"], "verified");
  assert.match(carl.stderr(), /^dora-b is a contact: verified$/m);
  await dora.said(/^carl \(verified\) offers a message$/m);
  for (const side of [carl, dora]) {
    assert.equal((await side.event("master-key"))["source"], "key-package");
    assert.doesNotMatch(side.stderr(), /first contact with (?!the relay)/);
  }
});

test("C-14 a wrong code costs one guess: both ends are told, and the next code works", async () => {
  const emil = scene.client("emil", relay, ["pair", "--json"]);
  const burned = await codeOf(emil);
  const guess = scene.client("fred", relay, ["pair", misheard(burned), "--json"]);
  assert.deepEqual(await guess.ended(), { code: 6, signal: null }, guess.stderr());
  assert.match(guess.stderr(), /^postern: STOPPED - the code does not fit\n {2}why: {2}.*burned$/m);
  assert.equal((await guess.event("error"))["code"], "pairing/wrong-code");
  await emil.event("guessed");
  await emil.said(/^somebody came with a wrong code; that code is burned, here is a new one$/m);

  const late = scene.client("fred", relay, ["pair", burned, "--json"]);
  assert.deepEqual(await late.ended(), { code: 3, signal: null }, late.stderr());
  assert.equal((await late.event("error"))["code"], "pairing/unknown-code");

  const next = await codeOf(emil, burned);
  const fred = scene.client("fred", relay, ["pair", "--json"], { env: { POSTERN_CODE: next } });
  assert.deepEqual(await fred.ended(), { code: 0, signal: null }, fred.stderr());
  assert.deepEqual(await emil.ended(), { code: 0, signal: null }, emil.stderr());
  assert.equal((await emil.event("paired"))["name"], "fred");
});

test("a code that is none is refused before anybody is bothered; Ctrl-C takes a code back", async () => {
  for (const code of ["37-nonsense-words", "crystal-velvet", "37"]) {
    const typo = scene.client("gwen", relay, ["pair", code, "--json"]);
    assert.deepEqual(await typo.ended(), { code: 2, signal: null }, typo.stderr());
    assert.deepEqual(
      typo.events().map((event) => event["code"]),
      ["pairing/invalid-code"],
    );
  }
  const gwen = scene.client("gwen", relay, ["pair", "--json"]);
  const code = await codeOf(gwen);
  assert.deepEqual(await gwen.kill("SIGINT"), { code: 130, signal: null });
  const hans = scene.client("hans", relay, ["pair", code, "--json"]);
  assert.deepEqual(await hans.ended(), { code: 3, signal: null }, hans.stderr());
});

test("C-10 a contact's key that has changed stops sender and receiver: STOPPED, exit 9", async () => {
  await paired("ines", "jack");
  // At another relay somebody else has the name that Ines knows.
  const other = await scene.relay({ data: "other" });
  const impostor = impostorOf("jack", other, ["receive", "--accept", "all", "--json"]);
  await scene.listed(other, "jack");
  const args = ["send", "--text", "for jack alone", "--to", "jack", "--json"];
  const ines = scene.client("ines", other, args);
  assert.deepEqual(await ines.ended(), { code: 9, signal: null }, ines.stderr());
  assert.equal((await ines.event("error"))["code"], "peer/key-changed");
  await saidAlarm(ines);
  assert.ok(!impostor.events().some(({ type }) => type === "offer" || type === "message"));
  await impostor.kill("SIGTERM");
  await scene.listed(other, "jack", false);

  const waiting = await scene.receiver("ines", other, ["--accept", "all"]);
  const sent = impostorOf("jack", other, ["send", "--text", "it is me", "--to", "ines", "--json"]);
  assert.deepEqual(await sent.ended(), { code: 8, signal: null }, sent.stderr());
  assert.equal((await waiting.event("error"))["code"], "peer/key-changed");
  await saidAlarm(waiting);
  assert.ok(!waiting.events().some(({ type }) => type === "offer" || type === "message"));
  assert.ok(waiting.isRunning, "one impostor ends no waiting");
});

test("C-10 the list of receivers says whose key has changed and who is a contact", async () => {
  await paired("kate", "liam");
  const other = await scene.relay({ data: "other-list" });
  impostorOf("liam", other, ["receive", "--accept", "all", "--json"]);
  await scene.listed(other, "liam");
  const changed = scene.client("kate", other, ["receivers", "--json"]);
  assert.equal((await changed.ended()).code, 0, changed.stderr());
  const event = await changed.event("receiver", ({ name }) => name === "liam");
  assert.deepEqual([event["keyChanged"], event["trust"]], [true, undefined]);
  await scene.receiver("liam", relay, ["--accept", "all"]);
  const known = scene.client("kate", relay, ["receivers"]);
  assert.equal((await known.ended()).code, 0, known.stderr());
  assert.match(known.stdout().toString(), /^liam +verified +1 free +end-to-end +\w{4}-/m);
});

/** Two programs meet by a code. Returns the opener's and the joiner's, both ended. */
async function paired(
  opener: string,
  joiner: string,
  args: readonly string[] = [],
): Promise<readonly [Program, Program]> {
  const opening = scene.client(opener, relay, ["pair", "--json", ...args]);
  const joining = scene.client(joiner, relay, ["pair", await codeOf(opening), "--json"]);
  for (const side of [opening, joining])
    assert.deepEqual(await side.ended(), { code: 0, signal: null }, side.stderr());
  return [opening, joining];
}

/** The code that a `pair --json` shows, another one than `before`. */
async function codeOf(program: Program, before?: string): Promise<string> {
  const isNew = ({ code }: EventLine): boolean => code !== before;
  return String((await program.event("code", isNew))["code"]);
}

/** Another identity with this name. */
function impostorOf(name: string, at: RelayProgram, args: readonly string[]): Program {
  const self = ["--relay", at.hostPort, "--name", name, "--home", scene.home(`impostor-${name}`)];
  return scene.run([...args, ...self]);
}

/** A changed key is a security event, and nobody is told to try again. */
async function saidAlarm(program: Program): Promise<void> {
  const said =
    /^postern: STOPPED - the key of jack has changed\n {2}why: {2}(.+)\n {2}next: (.+)$/m;
  const [, why = "", next = ""] = await program.said(said);
  assert.match(why, /names another key than the one you know/);
  assert.match(next, /^nothing was sent or taken; ask jack over another way/);
  assert.doesNotMatch(why + next, /network|connection|try again|timed? ?out/i);
}

/** The lines of the safety number and its QR code. */
async function numberOn(terminal: Terminal): Promise<string[]> {
  const lines = (await terminal.text()).split("\n");
  const at = lines.findIndex((line) => line.startsWith("safety number"));
  const found = lines.slice(at).filter((line) => /\d{5}|[█▀▄]/.test(line));
  assert.ok(found.length > 15, found.join("\n"));
  return found;
}
