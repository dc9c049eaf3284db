import assert from "node:assert/strict";
import { test } from "node:test";
import { contactOf, WALL_NOW } from "../../test/fake-contacts.ts";
import { FakeTerminal, type FakeOptions } from "../../test/fake-surroundings.ts";
import { Scripted } from "../../test/scripted-prompter.ts";

const CHANNEL = {
  role: "sending",
  epoch: 3,
  transfers: 12,
  unacknowledged: 1,
  renewedAt: WALL_NOW - 300_000,
} as const;

function knowing(options?: FakeOptions): FakeTerminal {
  const terminal = new FakeTerminal(options);
  terminal.connect = () => assert.fail("connected");
  terminal.home.contacts.known.push(
    contactOf("bob", { channels: [CHANNEL] }),
    contactOf("carl", { trust: "verified", paired: true, fingerprint: "c".repeat(52) }),
  );
  return terminal;
}

test("contacts lists people with their trust in words, without a relay", async () => {
  for (const args of [["contacts"], ["contacts", "list"]]) {
    const terminal = knowing();
    assert.equal(await terminal.run(...args), 0);
    assert.match(terminal.stdout.text, /^bob +not verified +bbbb-/m);
    assert.match(terminal.stdout.text, /^carl +verified, paired +cccc-/m);
    assert.ok(!terminal.home.isOpen);
  }
});

test("contacts says who it is that has none: another --name may have some", async () => {
  const terminal = new FakeTerminal();
  assert.equal(await terminal.run("contacts"), 0);
  assert.match(terminal.stderr.text, /^\S+ has no contacts yet; "postern pair" makes the first$/m);
});

test("contacts show prints fingerprint, keys with their age, and the number in groups", async () => {
  const terminal = knowing();
  assert.equal(await terminal.run("contacts", "show", "bob"), 0);
  assert.match(terminal.stdout.text, /^fingerprint +bbbb-bbbb-/m);
  assert.match(
    terminal.stdout.text,
    /^sending +end-to-end, epoch 3, 12 transfers, 1 without a receipt yet, key 5 minutes old$/m,
  );
  assert.match(terminal.stdout.text, /10004 10005\n +10006 10007 10008 10009 10010 10011$/m);
  assert.doesNotMatch(terminal.stdout.text, /█/);
});

test("contacts show draws the QR code on a terminal, in colours of its own or without", async () => {
  const colored = knowing({ isTerminal: true });
  assert.equal(await colored.run("contacts", "show", "bob"), 0);
  const [line = ""] = colored.stdout.text.split("\n").filter((each) => each.includes("█"));
  assert.ok(line.startsWith("\u001b[38;5;16;48;5;231m") && line.endsWith("\u001b[0m"));
  const plain = knowing({ isTerminal: true });
  assert.equal(await plain.run("contacts", "show", "bob", "--no-color"), 0);
  assert.match(plain.stdout.text, /^[█▀▄ ]+$/m);
  assert.ok(!plain.stdout.text.includes("\u001b"));
});

test("contacts show --json has all of it in one event", async () => {
  const terminal = knowing();
  assert.equal(await terminal.run("contacts", "show", "bob", "--json"), 0);
  const [contact, ...others] = terminal.events();
  assert.deepEqual(others, []);
  assert.equal(
    contact?.["safetyNumber"],
    "10000 10001 10002 10003 10004 10005 10006 10007 10008 10009 10010 10011",
  );
  assert.deepEqual(contact["channels"], [{ profile: "end-to-end", ...CHANNEL }]);
});

test("contacts verify shows the number, asks, and only then marks", async () => {
  const prompter = new Scripted(true);
  const terminal = knowing({ isTerminal: true, prompter });
  assert.equal(await terminal.run("contacts", "verify", "bob"), 0);
  assert.match(terminal.stdout.text, /10000 10001/);
  assert.deepEqual(prompter.asked, ["Have you compared it with bob, and is every digit the same?"]);
  assert.equal(terminal.home.contacts.known[0]?.trust, "verified");
  assert.match(terminal.stderr.text, /bob is verified/);
});

test("C-10 contacts verify marks nobody when the numbers differ, and says what that means", async () => {
  const terminal = knowing({ isTerminal: true, prompter: new Scripted(false) });
  assert.equal(await terminal.run("contacts", "verify", "bob"), 1);
  assert.equal(terminal.home.contacts.known[0]?.trust, "first-use");
  assert.match(terminal.stderr.text, /if a digit differs, somebody is between you/);
});

test("contacts verify and remove need --yes where nobody can be asked", async () => {
  for (const command of ["verify", "remove"]) {
    const terminal = knowing();
    assert.equal(await terminal.run("contacts", command, "bob"), 2);
    assert.equal(terminal.home.contacts.known[0]?.trust, "first-use");
    assert.equal(await terminal.run("contacts", command, "bob", "--yes", "--json"), 0);
  }
});

test("contacts remove forgets after a yes, and keeps after a no", async () => {
  const kept = knowing({ isTerminal: true, prompter: new Scripted(false) });
  assert.equal(await kept.run("contacts", "remove", "bob"), 1);
  assert.equal(kept.home.contacts.known.length, 2);
  const gone = knowing({ isTerminal: true, prompter: new Scripted(true) });
  assert.equal(await gone.run("contacts", "remove", "bob"), 0);
  assert.deepEqual(
    gone.home.contacts.known.map(({ name }) => name),
    ["carl"],
  );
});

test("contacts rename, block and unblock change one and report it", async () => {
  const terminal = knowing();
  assert.equal(await terminal.run("contacts", "rename", "bob", "robert"), 0);
  assert.equal(await terminal.run("contacts", "block", "b".repeat(52)), 0);
  assert.equal(terminal.home.contacts.known[0]?.name, "robert");
  assert.ok(terminal.home.contacts.known[0]?.blocked);
  assert.equal(await terminal.run("contacts", "--json", "unblock", "robert"), 0);
  assert.equal(terminal.home.contacts.known[0]?.blocked, false);
  const types = terminal.events().map(({ type }) => type);
  assert.deepEqual(types, ["contact"]);
});

test("contacts rename refuses a taken name and what is no name", async () => {
  const terminal = knowing();
  assert.equal(await terminal.run("contacts", "rename", "bob", "carl"), 2);
  assert.match(terminal.stderr.text, /^postern: another contact is called carl already$/m);
  assert.equal(await terminal.run("contacts", "rename", "bob", "Ca rl"), 2);
});

test("T-01 contacts names an unknown one without its control characters, exit 3", async () => {
  for (const command of ["show", "verify", "block", "unblock", "remove"]) {
    const terminal = knowing();
    assert.equal(await terminal.run("contacts", command, "e\u001bve"), 3, command);
    assert.match(terminal.stderr.text, /^postern: no contact called e\\u\{1b\}ve$/m);
  }
});

test("contacts refuses a command it does not have", async () => {
  const terminal = knowing();
  assert.equal(await terminal.run("contacts", "vrify", "bob"), 2);
  assert.match(terminal.stderr.text, /^postern: unknown command "contacts vrify"$/m);
});

test("T-01 contacts shows relay names of others without control characters", async () => {
  const terminal = knowing();
  terminal.home.contacts.known.push(
    contactOf("eve", { relayName: "e\u001b[2Jve", fingerprint: "e".repeat(52) }),
  );
  assert.equal(await terminal.run("contacts", "show", "eve"), 0);
  assert.match(terminal.stdout.text, /^at the relay +e\\u\{1b\}\[2Jve$/m);
});
