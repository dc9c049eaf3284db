import assert from "node:assert/strict";
import { test } from "node:test";
import { contactOf, FakePaired, PEER_FINGERPRINT } from "../../test/fake-contacts.ts";
import { FakeTerminal } from "../../test/fake-surroundings.ts";
import { until } from "../../test/until.ts";
import { Scripted } from "../../test/scripted-prompter.ts";

const CODE = "37-crystal-velvet";
// The first words of the list that are valid anywhere.
const REAL_CODE = "37-abandon-ability";

test("pair shows a code and how to join, and ends with a verified contact", async () => {
  const terminal = new FakeTerminal();
  assert.equal(await terminal.run("pair"), 0);
  assert.deepEqual(terminal.client.pairings[0]?.options, {});
  assert.match(terminal.stderr.text, new RegExp(`^the code is {2}${CODE}$`, "m"));
  assert.match(terminal.stderr.text, new RegExp(`runs: {2}postern pair ${CODE}$`, "m"));
  assert.match(terminal.stderr.text, /^paired with bob: verified by the code$/m);
  assert.match(terminal.stdout.text, /^trust +verified, paired$/m);
  assert.match(terminal.stdout.text, /^safety number +10000 10001 10002 10003 10004 10005$/m);
  assert.ok(terminal.client.isClosed);
});

test("pair --quiet still shows the code", async () => {
  const terminal = new FakeTerminal();
  await terminal.run("pair", "-q");
  assert.match(terminal.stderr.text, new RegExp(CODE));
});

test("pair names another relay where the other person needs it", async () => {
  const terminal = new FakeTerminal();
  await terminal.run("pair", "--relay", "relay.example:7");
  assert.match(terminal.stderr.text, new RegExp(`pair ${CODE} --relay relay\\.example:7$`, "m"));
});

test("pair CODE joins with it, in any spelling that people use", async () => {
  for (const code of [REAL_CODE, "37 ABANDON ability"]) {
    const terminal = new FakeTerminal();
    assert.equal(await terminal.run("pair", code), 0);
    assert.deepEqual(terminal.client.pairings[0]?.options, { code });
    assert.doesNotMatch(terminal.stderr.text, /the code is/);
  }
});

test("pair takes the code from POSTERN_CODE, and asks for it with --code", async () => {
  const silent = new FakeTerminal({ env: { POSTERN_CODE: REAL_CODE } });
  assert.equal(await silent.run("pair"), 0);
  assert.deepEqual(silent.client.pairings[0]?.options, { code: REAL_CODE });

  // A mistyped word is asked for again, before it costs the code.
  const prompter = new Scripted("37-abandon-abilliti", "37-aban-abili");
  const asked = new FakeTerminal({ isTerminal: true, prompter });
  assert.equal(await asked.run("pair", "--code"), 0);
  assert.deepEqual(asked.client.pairings[0]?.options, { code: REAL_CODE });
  assert.match(asked.stderr.text, /^word 2 is none of the list/m);

  assert.equal(await new FakeTerminal().run("pair", "--code"), 2);
});

test("pair refuses what is no code before it connects", async () => {
  const codes = {
    crossbow: /^postern: this is not a code$/m,
    "37-abandon": /^postern: this is not a code$/m,
    "37-abandon-notaword": /^postern: word 2 of the code is none of the list$/m,
    "37 notaword able": /^postern: word 1 of the code is none of the list$/m,
  };
  for (const [code, what] of Object.entries(codes)) {
    const terminal = new FakeTerminal();
    terminal.connect = () => assert.fail("connected");
    assert.equal(await terminal.run("pair", code), 2);
    assert.match(terminal.stderr.text, what);
    assert.ok(!terminal.stderr.text.includes("notaword"));
  }
});

test("pair says that a blocked contact stays blocked, however often one meets", async () => {
  const terminal = new FakeTerminal();
  terminal.client.contacts.known.push(contactOf("bob", { blocked: true }));
  assert.equal(await terminal.run("pair", "-q"), 0);
  assert.match(terminal.stderr.text, /^bob is still blocked: /m);
  assert.match(terminal.stderr.text, /"postern contacts unblock bob"/);
});

test("C-14 pair says aloud that somebody guessed wrong, and shows the new code", async () => {
  const terminal = new FakeTerminal();
  terminal.client.onPair = (pairing) => {
    pairing.events.push({ type: "guessed" });
    pairing.showCode("41-velvet-tulip");
    pairing.meet(new FakePaired("bob", terminal.client.contacts));
  };
  assert.equal(await terminal.run("pair", "-q"), 0);
  assert.match(
    terminal.stderr.text,
    /37-crystal-velvet[^]*somebody came with a wrong code; [^\n]* burned[^]*41-velvet-tulip/,
  );
});

test("C-14 pair with a wrong code stops with exit 6 and tells how to go on", async () => {
  const terminal = new FakeTerminal();
  terminal.client.onPair = (pairing) => pairing.fail("pairing/wrong-code");
  assert.equal(await terminal.run("pair", REAL_CODE, "--json"), 6);
  assert.match(terminal.stderr.text, /^postern: STOPPED - the code does not fit$/m);
  assert.match(terminal.stderr.text, /this code is burned[^]*new code/);
  assert.deepEqual(terminal.events().at(-1), { type: "error", code: "pairing/wrong-code" });
  assert.deepEqual(terminal.client.contacts.known, []);
});

test("pair --json gives code, guesses, who came and the contact as events", async () => {
  const terminal = new FakeTerminal();
  assert.equal(await terminal.run("pair", "--json"), 0);
  const events = terminal.events();
  assert.deepEqual(
    events.map(({ type }) => type),
    ["connected", "code", "met", "paired"],
  );
  assert.deepEqual(events[1], { type: "code", code: CODE, validMs: 600_000 });
  assert.equal(events[3]?.["trust"], "verified");
  assert.equal(events[3]["fingerprint"], PEER_FINGERPRINT);
});

test("pair --as keeps the contact under this name, or another when it is taken", async () => {
  const free = new FakeTerminal();
  assert.equal(await free.run("pair", "--as", "robert"), 0);
  assert.equal(free.client.contacts.known[0]?.name, "robert");

  const taken = new FakeTerminal();
  taken.client.contacts.known.push(contactOf("robert", { fingerprint: "c".repeat(52) }));
  assert.equal(await taken.run("pair", "--as", "robert"), 0);
  assert.deepEqual(
    taken.client.contacts.known.map(({ name }) => name),
    ["robert", "bob"],
  );
  assert.match(taken.stderr.text, /called robert already; this one is kept as bob/);
  assert.equal(await new FakeTerminal().run("pair", "--as", "Robert!"), 2);
});

test("pair --words takes 2 to 6, and only for a new code", async () => {
  const terminal = new FakeTerminal();
  assert.equal(await terminal.run("pair", "--words", "4"), 0);
  assert.deepEqual(terminal.client.pairings[0]?.options, { words: 4 });
  for (const args of [
    ["--words", "1"],
    ["--words", "7"],
    [REAL_CODE, "--words", "3"],
  ])
    assert.equal(await new FakeTerminal().run("pair", ...args), 2);
});

test("pair is cancelled by Ctrl-C, so that nobody can use the code afterwards", async () => {
  const terminal = new FakeTerminal();
  terminal.client.onPair = () => {};
  const running = terminal.run("pair");
  await until(() => terminal.client.pairings.length > 0);
  terminal.process.emit("SIGINT");
  assert.equal(await running, 130);
  assert.ok(terminal.client.pairings[0]?.isCancelled);
  assert.ok(terminal.client.isClosed);
});

test("T-01 pair shows the other side's name without control characters", async () => {
  const terminal = new FakeTerminal();
  terminal.client.onPair = (pairing) =>
    pairing.meet(new FakePaired("b\u001b[2J\u202eob", terminal.client.contacts));
  assert.equal(await terminal.run("pair"), 0);
  const shown = terminal.stdout.text + terminal.stderr.text;
  for (const obeyed of ["\u001b", "\u202e"]) assert.ok(!shown.includes(obeyed));
});
