/**
 * `postern send FILE` without a name, and `postern receive CODE`: two strangers, one command each.
 * docs/protocol-pairing.md 10.3.
 *
 * @module
 */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, test } from "node:test";
import { needsProgram } from "../tools/programs.ts";
import { codeIn, misheard, typeCode } from "./codes.ts";
import { MIB, noise, sha256, sha256File, writeContent } from "./payloads.ts";
import {
  assertInNoArguments,
  assertInNoFile,
  assertNoChildren,
  hasProcesses,
} from "./processes.ts";
import type { EventLine, Program } from "./program.ts";
import { filesIn, Scene, type RunOptions } from "./scene.ts";
import { Terminal } from "./terminal.ts";

const scene = await Scene.open({ after });
const relay = await scene.relay();
const outbox = await scene.newFolder("outbox");
const content = noise(3 * MIB + 5);
const path = await writeContent(outbox, "photo.raw", content);

const send = (who: string, ...args: readonly string[]): Program =>
  scene.client(who, relay, ["send", ...args, "--json"]);

const receive = (who: string, args: readonly string[], options?: RunOptions): Program =>
  scene.client(who, relay, ["receive", ...args, "--json"], options);

/** The code that is shown, another one than `before`. */
async function codeOf(sender: Program, before?: string): Promise<string> {
  const isNew = ({ code }: EventLine): boolean => code !== before;
  return String((await sender.event("code", isNew))["code"]);
}

async function ends(program: Program, code: number, error?: string): Promise<void> {
  assert.deepEqual(await program.ended(), { code, signal: null }, program.stderr());
  if (error !== undefined) assert.equal((await program.event("error"))["code"], error);
}

/** An inbox of its own for each. */
async function inboxOf(who: string): Promise<string> {
  return await scene.newFolder(`inbox-${who}`);
}

test("send FILE shows a code, receive CODE takes the file, and nobody is a contact then", async () => {
  const inbox = await inboxOf("bob");
  const ann = send("ann", path, "--limit", "4M");
  const code = await codeOf(ann);
  await ann.said(
    new RegExp(`^ {2}the other person runs: {2}postern receive ${code} --relay `, "m"),
  );
  const bob = receive("bob", [code, "-o", inbox]);
  // As the help says of this way; it also shows that the tests below would see it.
  if (hasProcesses) await assert.rejects(assertInNoArguments([code]));
  for (const side of [ann, bob]) {
    await ends(side, 0);
    assert.match(side.stderr(), /photo\.raw.*: 3\.1 MB in [^,]+(?:, [^,]+B\/s)?, 1 session key$/m);
    assert.doesNotMatch(side.stderr(), /next time|first contact with (?!the relay)/);
    assert.equal((await side.event("master-key"))["source"], "key-package");
  }
  assert.equal((await bob.event("done"))["path"], join(inbox, "photo.raw"));
  assert.equal(await sha256File(join(inbox, "photo.raw")), sha256(content));
  for (const who of ["ann", "bob"]) {
    const self = ["--name", who, "--home", scene.home(who)];
    const contacts = scene.run(["contacts", "--json", ...self]);
    await ends(contacts, 0);
    assert.deepEqual(contacts.events(), [{ type: "contacts", count: 0 }]);
  }
});

test("T-05 a code from POSTERN_CODE is in no argument, no child, no file and no log", async () => {
  const inbox = await inboxOf("carl");
  // A stream, which has no end before all processes were looked at.
  const dora = send("dora", "-", "--file-name", "photo.raw");
  const code = await codeOf(dora);
  const carl = receive("carl", ["-o", inbox], { env: { POSTERN_CODE: code } });
  await carl.event("accepted");
  const secrets = [code, code.slice(code.indexOf("-") + 1)];
  if (hasProcesses) {
    await assertInNoArguments(secrets);
    for (const program of [dora, carl, relay.program]) await assertNoChildren(program);
  }
  dora.stdin.end(content);
  for (const side of [dora, carl]) await ends(side, 0);
  assert.equal(await sha256File(join(inbox, "photo.raw")), sha256(content));
  await assertInNoFile(
    [scene.home("dora"), scene.home("carl"), join(scene.folder, "relay"), inbox],
    secrets,
  );
  const said = [relay.program, carl].map((side) => side.stdout().toString() + side.stderr());
  for (const text of said) for (const secret of secrets) assert.ok(!text.includes(secret), text);
});

test(
  "T-05 a code typed with Tab takes the file when its person says yes",
  needsProgram("tmux"),
  async (t) => {
    const emil = send("emil", path, "--words", "4", "--limit", "2M");
    const code = await codeOf(emil);
    const inbox = await inboxOf("fred");
    const fred = await Terminal.open(t, scene, "fred", { relay, cwd: inbox });
    await fred.enter("postern receive --code");
    await fred.shows("Code (Tab completes its words):");
    await fred.enter(`${code.split("-")[0]}-xyzzy-zoo`);
    await fred.shows("word 1 is none of the list: Tab shows which there are");
    await fred.shows("Code (Tab completes its words):", 2);
    await typeCode(fred, code);
    await fred.shows("Accept photo.raw (file, 3.1 MB) from emil, into this folder?");
    await fred.press("y");
    await emil.event("accepted");
    if (hasProcesses) await assertInNoArguments([code.slice(code.indexOf("-") + 1)]);
    assert.equal(await fred.exitCode(), 0);
    await ends(emil, 0);
    assert.equal(await sha256File(join(inbox, "photo.raw")), sha256(content));
  },
);

test(
  "a code shown on a terminal is on the screen alone, and Ctrl-C takes it back",
  needsProgram("tmux"),
  async (t) => {
    const gwen = await Terminal.open(t, scene, "gwen", { relay, cwd: outbox });
    await gwen.enter("postern send photo.raw");
    const code = codeIn(await gwen.shows("it is good for one guess"));
    await gwen.press("C-c");
    await gwen.shows("stopping; press Ctrl-C again to end at once");
    assert.equal(await gwen.exitCode(), 130);
    await ends(receive("hans", [code]), 3, "pairing/unknown-code");
  },
);

test("C-14 a wrong code: exit 6, the sender is told, and the next code brings the file", async () => {
  const inbox = await inboxOf("jack");
  const ines = send("ines", path);
  const burned = await codeOf(ines);
  const guess = receive("jack", [misheard(burned), "-o", inbox]);
  await ends(guess, 6, "pairing/wrong-code");
  assert.match(guess.stderr(), /^postern: STOPPED - the code does not fit$/m);
  await ines.said(/^somebody came with a wrong code; that code is burned, here is a new one$/m);
  await ends(receive("jack", [burned, "-o", inbox]), 3, "pairing/unknown-code");
  assert.deepEqual(await filesIn(inbox), []);
  await ends(receive("jack", [await codeOf(ines, burned), "-o", inbox]), 0);
  await ends(ines, 0);
  assert.equal(await sha256File(join(inbox, "photo.raw")), sha256(content));
});

test("a message by code comes on stdout, a stream goes through, and both ends with 0", async () => {
  const kate = send("kate", "--text", "psst ✓");
  const shown = scene.client("liam", relay, ["receive", await codeOf(kate)]);
  await ends(shown, 0);
  await ends(kate, 0);
  assert.equal(shown.stdout().toString(), "psst ✓\n");

  const stream = send("kate", "-", "--file-name", "data.tar");
  const taken = scene.client("liam", relay, ["receive", await codeOf(stream), "-o", "-"]);
  stream.stdin.end(content);
  await ends(taken, 0);
  await ends(stream, 0);
  assert.equal(sha256(taken.stdout()), sha256(content));
});

test("who has the code alone is served: nobody else can send to the one who typed it", async () => {
  const inbox = await inboxOf("nora");
  // A stream, which has no end before the other one has tried.
  const mona = send("mona", "-", "--file-name", "photo.raw");
  const nora = receive("nora", [await codeOf(mona), "-o", inbox]);
  await nora.event("accepted");
  assert.ok(!(await scene.receivers(relay)).includes("nora"));
  const other = send("owen", "--text", "me too", "--to", "nora");
  assert.ok([5, 8].includes((await other.ended()).code ?? 0), other.stderr());
  mona.stdin.end(content);
  await ends(nora, 0);
  await ends(mona, 0);
  assert.equal(nora.events().filter(({ type }) => type === "offer").length, 1);
});

test("Ctrl-C at either end tells the other and keeps what came: another code brings the rest", async () => {
  const inbox = await inboxOf("quin");
  for (const [stopped, code] of [
    ["sender", 8],
    ["receiver", 8],
  ] as const) {
    const pia = send("pia", path, "--limit", "1M");
    const quin = receive("quin", [await codeOf(pia), "-o", inbox]);
    for (const one of [quin, pia]) await one.event("progress", ({ bytes }) => Number(bytes) > 0);
    const [first, second] = stopped === "sender" ? [pia, quin] : [quin, pia];
    assert.deepEqual(await first.kill("SIGINT"), { code: 130, signal: null }, first.stderr());
    await ends(second, code);
    assert.match(second.stderr(), /^postern: \w+ cancelled photo\.raw(?: \(not confirmed\))?$/m);
    for (const one of [pia, quin]) assert.match(one.stderr(), /^\d+ % of photo\.raw is /m);
    assert.deepEqual(await filesIn(inbox), [".photo.raw.part"]);
  }
  const pia = send("pia", path);
  const quin = receive("quin", [await codeOf(pia), "-o", inbox]);
  await ends(quin, 0);
  await ends(pia, 0);
  assert.match(pia.stderr(), /^going on with photo\.raw for quin: begun before, \d+ % was there /m);
  assert.deepEqual(await filesIn(inbox), ["photo.raw"]);
});

test("--timeout ends the wait for somebody with the code: exit 5", async () => {
  await ends(send("rosa", path, "--timeout", "3s"), 5, "peer/timed-out");
  assert.equal(sha256(await readFile(path)), sha256(content), "the file is where it was");
});
