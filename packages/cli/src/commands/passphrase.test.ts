import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { PASSPHRASE_BYTES_MAX } from "@postern/core/limits";
import { FakeTerminal, type FakeOptions } from "../../test/fake-surroundings.ts";
import { Scripted } from "../../test/scripted-prompter.ts";

const ENV = { POSTERN_PASSPHRASE: "old words", POSTERN_NEW_PASSPHRASE: "new words" };

function locked(options?: FakeOptions): FakeTerminal {
  const terminal = new FakeTerminal(options);
  terminal.home.passphrase = "old words";
  return terminal;
}

test("identity passphrase set asks twice, and again when the two differ", async () => {
  const prompter = new Scripted("one", "two", "new words", "new words");
  const terminal = new FakeTerminal({ isTerminal: true, prompter });
  assert.equal(await terminal.run("identity", "passphrase", "set"), 0);
  assert.equal(terminal.home.passphrase, "new words");
  assert.match(terminal.stderr.text, /^these two are not the same; once more$/m);
  assert.deepEqual(prompter.asked.slice(0, 2), ["New passphrase", "The same again"]);
});

test("identity passphrase set, change and remove work without a terminal", async () => {
  const terminal = new FakeTerminal({ env: ENV });
  terminal.home.passphrase = undefined;
  assert.equal(await terminal.run("identity", "passphrase", "set", "--json"), 0);
  assert.equal(terminal.home.passphrase, "new words");
  assert.deepEqual(terminal.events(), [{ type: "passphrase", name: "ann", passphrase: true }]);

  const changed = locked({ env: ENV });
  assert.equal(await changed.run("identity", "passphrase", "change"), 0);
  assert.equal(changed.home.passphrase, "new words");

  const removed = locked({ env: ENV });
  assert.equal(await removed.run("identity", "passphrase", "remove"), 0);
  assert.equal(removed.home.passphrase, undefined);
});

test("identity passphrase refuses what does not fit the state, and changes nothing", async () => {
  const protectedOne = locked({ env: ENV });
  assert.equal(await protectedOne.run("identity", "passphrase", "set"), 2);
  assert.match(protectedOne.stderr.text, /"postern identity passphrase change" is for that/);
  assert.equal(protectedOne.home.passphrase, "old words");
  for (const action of ["change", "remove"]) {
    const open = new FakeTerminal({ env: ENV });
    assert.equal(await open.run("identity", "passphrase", action), 2);
    assert.match(open.stderr.text, /"postern identity passphrase set" is for that/);
  }
  assert.equal(await new FakeTerminal().run("identity", "passphrase", "erase"), 2);
  assert.equal(await new FakeTerminal().run("identity", "passphrase", "set"), 2);
});

test("identity passphrase says that a new one from the environment is too long", async () => {
  for (const [length, exitCode] of [
    [PASSPHRASE_BYTES_MAX, 0],
    [PASSPHRASE_BYTES_MAX + 1, 2],
  ] as const) {
    const next = "x".repeat(length);
    const terminal = locked({ env: { ...ENV, POSTERN_NEW_PASSPHRASE: next } });
    assert.equal(await terminal.run("identity", "passphrase", "change"), exitCode);
    assert.equal(terminal.home.passphrase, exitCode === 0 ? next : "old words");
    if (exitCode !== 0)
      assert.match(terminal.stderr.text, /^postern: the new passphrase is too long/m);
  }
});

test("T-05 identity passphrase takes no passphrase from the arguments", async () => {
  const terminal = new FakeTerminal();
  assert.equal(await terminal.run("identity", "passphrase", "set", "secret"), 2);
  assert.equal(terminal.home.passphrase, undefined);
});

const COMMANDS = [
  ["identity"],
  ["status"],
  ["contacts"],
  ["receivers"],
  ["pair"],
  ["send", "--text", "x", "--to", "bob"],
];

test("every command with a locked identity exits 4 when nobody can be asked", async () => {
  for (const args of COMMANDS) {
    const terminal = locked();
    assert.equal(await terminal.run(...args), 4, args.join(" "));
    assert.match(terminal.stderr.text, /^postern: the keys of .+ are locked$/m);
    assert.match(terminal.stderr.text, /POSTERN_PASSPHRASE/);
  }
});

test("every command opens a locked identity with POSTERN_PASSPHRASE, or says that it is wrong", async () => {
  for (const args of COMMANDS) {
    assert.equal(await locked({ env: ENV }).run(...args), 0, args.join(" "));
    const wrong = locked({ env: { POSTERN_PASSPHRASE: "wrong" } });
    assert.equal(await wrong.run(...args), 4, args.join(" "));
    assert.equal(wrong.home.tried.length, 1);
    assert.match(wrong.stderr.text, /^postern: this is not the passphrase of /m);
  }
});

test("a mistyped passphrase is asked for again, three times at most", async () => {
  const prompter = new Scripted("wrong", "old words");
  const terminal = locked({ isTerminal: true, prompter });
  assert.equal(await terminal.run("contacts"), 0);
  assert.deepEqual(prompter.asked, ["Passphrase of your keys", "Passphrase of your keys"]);

  const stubborn = locked({ isTerminal: true, prompter: new Scripted("a", "b", "c", "old words") });
  assert.equal(await stubborn.run("contacts", "--name", "ann"), 4);
  assert.deepEqual(stubborn.home.tried, ["a", "b", "c"]);
});

test("a question for a passphrase that is left ends with exit 4, and says what was left", async () => {
  for (const [terminal, args] of [
    [locked({ isTerminal: true, prompter: new Scripted(undefined) }), ["contacts"]],
    [
      new FakeTerminal({ isTerminal: true, prompter: new Scripted("new words", undefined) }),
      ["identity", "passphrase", "set"],
    ],
  ] as const) {
    assert.equal(await terminal.run(...args), 4);
    assert.match(terminal.stderr.text, /^postern: no passphrase was typed$/m);
    assert.doesNotMatch(terminal.stderr.text, /nobody to ask/);
  }
});

test("a passphrase is asked once for a command that opens the identity twice", async () => {
  const prompter = new Scripted("old words");
  const terminal = locked({ isTerminal: true, prompter });
  assert.equal(await terminal.run("status"), 0);
  assert.equal(prompter.asked.length, 1);
  assert.deepEqual(terminal.home.tried, ["old words", "old words"]);
});

test("a passphrase is the same however the keyboard composes its letters", async () => {
  const terminal = locked({ env: { POSTERN_PASSPHRASE: "scho\u0308n" } });
  terminal.home.passphrase = "schön".normalize("NFC");
  assert.equal(await terminal.run("identity"), 0);
});

test("--timeout does not run while the passphrase is asked for", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  try {
    const asked = Promise.withResolvers<void>();
    const prompter = new Scripted();
    const typed = Promise.withResolvers<string>();
    prompter.password = async () => {
      asked.resolve();
      return await typed.promise;
    };
    const terminal = locked({ isTerminal: true, prompter });
    const running = terminal.run("receivers", "--timeout", "5s");
    await asked.promise;
    mock.timers.tick(60_000);
    typed.resolve("old words");
    assert.equal(await running, 0);
  } finally {
    mock.timers.reset();
  }
});
