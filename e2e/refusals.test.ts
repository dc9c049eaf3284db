/** What goes wrong before anything is sent: each has its sentence and its exit code. @module */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { writeContent } from "./payloads.ts";
import type { Program } from "./program.ts";
import { filesIn, freePort, Scene, type RelayProgram } from "./scene.ts";

const scene = await Scene.open({ after });
const relay = await scene.relay();
const inbox = await scene.newFolder("inbox");
const observer = await scene.sdk("watcher", relay);

async function fails(program: Program, code: number, lines: RegExp, event: string): Promise<void> {
  assert.deepEqual(await program.ended(), { code, signal: null }, program.stderr());
  assert.match(program.stderr(), lines);
  assert.doesNotMatch(program.stderr(), /^\s+at |node:internal|\.ts:\d/m);
  if (program.args.includes("--json")) assert.equal((await program.event("error"))["code"], event);
}

function hello(to: string, who = "ann", at: string | RelayProgram = relay): Program {
  return scene.client(who, at, ["send", "--text", "hello", "--to", to, "--json"]);
}

test("no relay: one line says so, the next ones why and what to do, exit 7, no stack", async () => {
  const nowhere = `127.0.0.1:${await freePort()}`;
  const args = [["send", "--text", "x", "--to", "bob"], ["receive", "--accept", "all"], ["status"]];
  for (const command of [...args, ["receivers"]]) {
    const program = scene.client("ann", nowhere, command);
    await fails(program, 7, /^ {2}why: .+\n {2}next: start one with "postern relay/m, "");
    const lines = program.stderr().trimEnd().split("\n");
    const first = lines.findIndex((line) => line.startsWith("postern:"));
    assert.equal(lines[first], `postern: could not connect to ${nowhere}: connection refused`);
    assert.equal(lines.length, first + 3);
  }
});

test("a receiver that nobody knows is exit 3, one that is away is exit 5", async () => {
  await fails(hello("nobody"), 3, /^postern: nobody called nobody is known at /m, "peer/unknown");
  const dave = await scene.sdk("dave", relay);
  await dave.close();
  await fails(hello("dave"), 5, /^postern: dave is not there$/m, "peer/absent");
});

test("a receiver that decides about another offer is busy: exit 5, and it is not listed", async () => {
  const events = observer.receive({ profiles: ["end-to-end"] })[Symbol.asyncIterator]();
  const { value: listening } = await events.next();
  assert.equal(listening?.type, "listening");
  const first = events.next();
  await scene.listed(relay, "watcher");
  const waiting = hello("watcher", "carl");
  const { value: asked } = await first;
  assert.equal(asked?.type, "offer");
  await scene.listed(relay, "watcher", false);
  await fails(hello("watcher"), 5, /^postern: watcher is busy$/m, "peer/busy");
  if (asked?.type === "offer") asked.offer.decline();
  await fails(waiting, 8, /^postern: watcher declined the message$/m, "peer/declined");
  await scene.listed(relay, "watcher");
});

test("a receiver declines whom it was not told to accept: exit 8, and goes on waiting", async () => {
  const args = ["--accept", "carl", "--no-input", "-o", inbox];
  const bob = await scene.receiver("bob", relay, args);
  await fails(hello("bob"), 8, /^postern: bob declined the message$/m, "peer/declined");
  await bob.said(/^declined: ann is not among those of --accept; ann is told no$/m);
  const path = await writeContent(scene.folder, "a.txt", "a");
  const carl = scene.client("carl", relay, ["send", path, "--to", "bob", "--json"]);
  assert.equal((await carl.ended()).code, 0, carl.stderr());
  assert.deepEqual(await filesIn(inbox), ["a.txt"]);
});

test("C-09 who waits end-to-end takes nothing less, and who has sent so sends nothing less", async () => {
  const dora = await scene.receiver("dora", relay, ["--accept", "all", "-o", inbox]);
  for (const profile of ["symmetric", "asymmetric"]) {
    const less = ["--profile", profile, "--json"];
    const refused = scene.client("emil", relay, ["send", "--text", "x", "--to", "dora", ...less]);
    const said = /^postern: dora does not accept this profile$/m;
    await fails(refused, 8, said, "peer/profile-refused");
    assert.ok(!refused.events().some(({ type }) => type === "offered"));
  }
  assert.equal((await hello("dora", "emil").ended()).code, 0);
  await dora.kill("SIGTERM");
  const args = ["--accept", "all", "-o", inbox, "--profile", "end-to-end,symmetric"];
  await scene.receiver("dora", relay, args);
  const less = ["--to", "dora", "--profile", "symmetric", "--json"];
  const back = scene.client("emil", relay, ["send", "--text", "x", ...less]);
  await fails(back, 2, /^postern: refused a weaker profile with dora$/m, "contact/downgrade");
});

test("S-03 R-01 a name belongs to the identity that had it first", async () => {
  const self = ["--relay", relay.hostPort, "--name", "watcher", "--home", scene.home("impostor")];
  const impostor = scene.run(["receive", "--accept", "all", "--json", ...self]);
  const said = /^postern: the name watcher is taken at /m;
  await fails(impostor, 7, said, "relay/name-taken");
  const names: string[] = [];
  for await (const { name } of observer.receivers()) names.push(name);
  assert.ok(names.length > 0, "the owner is still connected");
});

test("C-10 a relay that is not the one of the address is refused: STOPPED, exit 6", async () => {
  const other = await scene.relay({ data: "other" });
  const fingerprint = relay.address.slice(relay.address.indexOf("#"));
  const wrong = `postern://${other.hostPort}${fingerprint}`;
  const said = /^postern: STOPPED - 127\.0\.0\.1:\d+ is not the relay you asked for$/m;
  await fails(hello("bob", "ann", wrong), 6, said, "link/wrong-relay-key");
  await other.program.kill("SIGTERM");
});

test("C-10 a relay whose key has changed is refused: STOPPED, exit 6", async () => {
  const known = await scene.relay({ data: "known" });
  const status = scene.client("ann", known, ["status"]);
  assert.equal((await status.ended()).code, 0, status.stderr());
  assert.deepEqual(await known.program.kill("SIGTERM"), { code: 143, signal: null });
  const changed = await scene.relay({ data: "changed", port: known.port });
  const said = /^postern: STOPPED - the key of 127\.0\.0\.1:\d+ has changed$/m;
  await fails(hello("bob", "ann", changed), 6, said, "relay/pin-changed");
  // It stays so: the new key was not kept.
  await fails(hello("bob", "ann", changed), 6, said, "relay/pin-changed");
});
