import assert from "node:assert/strict";
import { homedir } from "node:os";
import { test } from "node:test";
import { FakeOffer } from "../test/fake-client.ts";
import { FakeTerminal } from "../test/fake-surroundings.ts";
import { contactOf, FakePaired } from "../test/fake-contacts.ts";
import { Scripted } from "../test/scripted-prompter.ts";
import { typedPath } from "./role-play.ts";

const CHOICE =
  "What do you want to do? " +
  "1  send | 2  receive | 3  pair with somebody new | 4  contacts | 5  exit";
const BOB = {
  name: "bob",
  fingerprint: "b".repeat(52),
  free: 1,
  profiles: ["end-to-end"] as const,
};

function play(...answers: (string | boolean | undefined)[]): [FakeTerminal, Scripted] {
  const prompter = new Scripted(...answers);
  return [new FakeTerminal({ isTerminal: true, prompter }), prompter];
}

test("rolePlay() lets a sender choose a receiver from the list and send a message", async () => {
  const [terminal, prompter] = play("1", "1  bob", "1", "hello", "5");
  terminal.client.listed.push(BOB);
  assert.equal(await terminal.run(), 0);
  assert.equal(terminal.client.sent[0]?.to, "bob");
  assert.deepEqual(prompter.asked, [
    CHOICE,
    "To whom? 1  bob | look again | back",
    "What do you want to send to bob? 1  a message | 2  a file or folder | 3  back",
    "Your message",
    CHOICE,
  ]);
  assert.match(terminal.stderr.text, /delivered message to bob/);
  assert.ok(terminal.client.isClosed);
});

test("C-10 rolePlay() sends to the contact that the list shows, by the person's name for it", async () => {
  const [terminal, prompter] = play("1", "1  bob", "1", "hello", "5");
  terminal.client.listed.push(BOB);
  const { fingerprint } = BOB;
  const namesake = contactOf("bob", { fingerprint: "c".repeat(52), relayName: "other" });
  terminal.client.contacts.known.push(
    contactOf("robert", { fingerprint, relayName: "bob" }),
    namesake,
  );
  assert.equal(await terminal.run(), 0);
  assert.equal(terminal.client.sent[0]?.to, "robert");
  assert.match(prompter.asked[2]!, /^What do you want to send to robert\?/);
});

test("rolePlay() sends a file and leads back to the choice after a wrong path", async () => {
  const [terminal] = play(
    "1",
    "1  bob",
    "2",
    "/no/such",
    "1",
    "1  bob",
    "2",
    import.meta.filename,
    "5",
  );
  terminal.client.listed.push(BOB);
  assert.equal(await terminal.run(), 0);
  assert.match(terminal.stderr.text, /postern: no such file: \/no\/such\n/);
  assert.match(terminal.stderr.text, /delivered role-play\.test\.ts to bob/);
});

test("rolePlay() as receiver shows an offer, takes it, and leads back", async () => {
  const [terminal, prompter] = play("2", true, "5");
  const bytes = new TextEncoder().encode("hi");
  const offer = new FakeOffer("bob", { kind: "message", name: "", size: 2 }, bytes);
  terminal.client.offers.push({ type: "offer", offer });
  assert.equal(await terminal.run(), 0);
  assert.equal(terminal.stdout.text, "  hi\n");
  assert.equal(prompter.asked[1], "Accept a message from bob, shown here?");
});

test("rolePlay() as receiver leads back after a refusal too", async () => {
  const [terminal] = play("2", false, "5");
  const offer = new FakeOffer("bob", { kind: "file", name: "a", size: 2 }, new Uint8Array(2));
  terminal.client.offers.push({ type: "offer", offer });
  assert.equal(await terminal.run(), 0);
  assert.equal(await offer.decided.promise, "declined");
});

test("rolePlay() leads back to the choice at Ctrl-C while it waits", async () => {
  const [terminal, prompter] = play("2", "2", "5");
  const running = terminal.run();
  for (const asked of [1, 2]) {
    while (prompter.asked.length < asked) await new Promise((resolve) => setImmediate(resolve));
    await new Promise((resolve) => setImmediate(resolve));
    terminal.process.emit("SIGINT");
  }
  assert.equal(await running, 0);
  assert.equal(prompter.asked.length, 3);
  assert.deepEqual(terminal.process.exits, []);
});

test("rolePlay() sends end-to-end without a question, and to nobody who waits for less", async () => {
  const [terminal, prompter] = play("1", "1  bob", "2  carl", "1", "hello", "5");
  terminal.client.listed.push(
    { ...BOB, profiles: ["symmetric", "asymmetric"] },
    { ...BOB, name: "carl", profiles: ["end-to-end", "symmetric"] },
  );
  assert.equal(await terminal.run(), 0);
  assert.match(terminal.stderr.text, /^bob does not wait end-to-end, so nothing is sent;$/m);
  assert.deepEqual(
    terminal.client.sent.map(({ to, profile }) => [to, profile]),
    [["carl", "end-to-end"]],
  );
  assert.ok(!prompter.asked.some((question) => question.includes("profile")));
});

test("rolePlay() pairs by a new code and by one that was told", async () => {
  const [terminal, prompter] = play("3", "1  I show", "3", "2  I was told", "37 aban abil", "5");
  let count = 0;
  terminal.client.onPair = (pairing) =>
    pairing.meet(new FakePaired(`bob-${++count}`, terminal.client.contacts));
  assert.equal(await terminal.run(), 0);
  const codes = terminal.client.pairings.map(({ options }) => options.code);
  assert.deepEqual(codes, [undefined, "37-abandon-ability"]);
  assert.equal(
    prompter.asked[1],
    "Who has the code? 1  I show a new code | 2  I was told a code | 3  back",
  );
  const names = terminal.client.contacts.known.map(({ name, trust }) => `${name} ${trust}`);
  assert.deepEqual(names, ["bob-1 verified", "bob-2 verified"]);
});

test("rolePlay() shows, verifies, renames, blocks and removes contacts", async () => {
  const one = (...answers: (string | boolean)[]) => ["1  ", ...answers];
  const [terminal] = play(
    "4",
    ...one("1  show"),
    ...one("2  verify", true),
    ...one("3  rename", "robert"),
    ...one("4  block"),
    ...one("4  unblock"),
    ...one("5  remove", true),
    "5",
  );
  terminal.client.contacts.known.push(contactOf("bob"));
  assert.equal(await terminal.run(), 0);
  assert.match(terminal.stdout.text, /^trust +not verified$/m);
  for (const said of [
    /bob is verified/,
    /bob is now called robert/,
    /robert is blocked/,
    /robert is not blocked now/,
    /robert is forgotten/,
    /no contacts yet/,
  ])
    assert.match(terminal.stderr.text, said);
  assert.deepEqual(terminal.client.contacts.known, []);
});

test("T-01 rolePlay() shows names of receivers without control characters", async () => {
  const [terminal, prompter] = play("1", "back", "5");
  terminal.client.listed.push({ ...BOB, name: "b\u001b[2J\u202eob" });
  await terminal.run();
  assert.match(prompter.asked[1]!, /1 {2}b\\u\{1b\}\[2J\\u\{202e\}ob/);
});

test("rolePlay() is not played without a terminal, with --no-input, or under CI", async () => {
  for (const [terminal, args] of [
    [new FakeTerminal(), []],
    [new FakeTerminal({ isTerminal: true }), ["--no-input"]],
    [new FakeTerminal({ isTerminal: true, env: { CI: "1" } }), []],
  ] as const) {
    assert.equal(await terminal.run(...args), 0);
    assert.match(terminal.stdout.text, /^Usage: postern/);
  }
});

test("typedPath() takes quotes and a leading tilde as people mean them", () => {
  assert.equal(typedPath(" '/a b/c' "), "/a b/c");
  assert.equal(typedPath("~/x"), `${homedir()}/x`);
  assert.equal(typedPath("a~b"), "a~b");
});
