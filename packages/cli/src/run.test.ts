import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { PosternError } from "@postern/core/errors";
import { FakeTerminal } from "../test/fake-surroundings.ts";

const SUBCOMMANDS =
  "send receive transfers verify pair contacts receivers identity status relay".split(" ");

test("run() exits 2 for a mistyped command and says which one may be meant", async () => {
  const terminal = new FakeTerminal();
  assert.equal(await terminal.run("sned"), 2);
  assert.equal(
    terminal.stderr.text,
    "postern: unknown command 'sned'\n  why:  Did you mean send?\n" +
      '  next: see "postern --help"\n',
  );
});

test("run() exits 2 for a mistyped option, with one event under --json", async () => {
  const terminal = new FakeTerminal();
  assert.equal(await terminal.run("send", "--to", "bob", "--txet", "x", "--json"), 2);
  assert.match(terminal.stderr.text, /why: {2}Did you mean --text\?/);
  assert.deepEqual(terminal.events(), [{ type: "error", code: "usage/invalid-argument" }]);
});

test("run() exits 2 for one word more than a command takes, whichever it is", async () => {
  const lines = ["status", "contacts list", "contacts remove ann", "transfers list"];
  for (const line of [...lines, "transfers cancel 1a2b3c4d", "transfers clean"]) {
    const terminal = new FakeTerminal();
    assert.equal(await terminal.run(...line.split(" "), "more"), 2, line);
    assert.match(terminal.stderr.text, /^postern: too many arguments for /, line);
  }
});

test("T-01 run() shows control characters of its arguments", async () => {
  const terminal = new FakeTerminal();
  assert.equal(await terminal.run("\u001b[2J"), 2);
  assert.ok(!terminal.stderr.text.includes("\u001b"));
});

test("run() prints help on stdout and exits 0", async () => {
  for (const args of [["--help"], ["help"], ["help", "send"], ["send", "--help"], []]) {
    const terminal = new FakeTerminal();
    assert.equal(await terminal.run(...args), 0, args.join(" "));
    assert.match(terminal.stdout.text, /^Usage: postern/);
    assert.equal(terminal.stderr.text, "");
  }
});

test("run() gives every command a help with three examples", async () => {
  for (const command of SUBCOMMANDS) {
    const terminal = new FakeTerminal();
    await terminal.run(command, "--help");
    const [, examples = ""] = terminal.stdout.text.split("Examples:\n");
    assert.equal(examples.trim().split("\n").length, 3, command);
  }
});

test("run() explains the topics that hold for all commands", async () => {
  for (const topic of ["exit-codes", "environment", "formats", "on-done", "security"]) {
    const terminal = new FakeTerminal();
    assert.equal(await terminal.run("help", topic), 0);
    assert.ok(terminal.stdout.text.length > 300);
  }
  assert.equal(await new FakeTerminal().run("help", "nonsense"), 2);
});

test("run() names the inner command whose options are wrong", async () => {
  const terminal = new FakeTerminal();
  assert.equal(await terminal.run("contacts", "show"), 2);
  assert.match(terminal.stderr.text, /next: see "postern contacts show --help"/);
});

test("run() completes inner commands and their choices", async () => {
  const lines: string[] = [];
  const log = mock.method(console, "log", (line: string) => void lines.push(line));
  await new FakeTerminal().run("complete", "--", "contacts", "ver");
  await new FakeTerminal().run("complete", "--", "identity", "passphrase", "");
  log.mock.restore();
  const offered = lines.join("\n");
  assert.match(offered, /^verify\t/m);
  assert.match(offered, /^change/m);
});

test("run() takes shared options before and after the command", async () => {
  for (const args of [
    ["--name", "Bad!", "status"],
    ["status", "--name", "Bad!"],
  ]) {
    const terminal = new FakeTerminal();
    assert.equal(await terminal.run(...args), 2);
    assert.match(terminal.stderr.text, /^postern: --name does not understand "Bad!"/);
  }
});

test("run() takes relay and name from the environment unless options say otherwise", async () => {
  const env = { POSTERN_RELAY: "example.org:1", POSTERN_NAME: "Bad!" };
  const wrong = new FakeTerminal({ env });
  assert.equal(await wrong.run("status"), 2);
  const right = new FakeTerminal({ env });
  assert.equal(await right.run("status", "--name", "ann"), 0);
  assert.match(right.stdout.text, /^relay {8}example\.org:1$/m);
});

test("T-01 receivers shows names of others without control characters", async () => {
  const terminal = new FakeTerminal();
  const receiver = { fingerprint: "b".repeat(52), free: 1, profiles: ["symmetric"] as const };
  terminal.client.listed.push({ ...receiver, name: "bob" }, { ...receiver, name: "e\u001b[2Jve" });
  assert.equal(await terminal.run("receivers"), 0);
  assert.match(terminal.stdout.text, /^bob +no contact +1 free {2}symmetric {2}bbbb-bbbb/);
  assert.match(terminal.stdout.text, /^e\\u\{1b\}\[2Jve/m);
});

test("relay tells its address on stderr and ends in order at SIGTERM", async () => {
  const terminal = new FakeTerminal();
  const running = terminal.run("relay", "--listen", "127.0.0.1:7000");
  await new Promise((resolve) => setImmediate(resolve));
  terminal.process.emit("SIGTERM");
  assert.equal(await running, 143);
  assert.match(terminal.stderr.text, /postern:\/\/127\.0\.0\.1:7000#a{52}/);
  assert.equal(terminal.stdout.text, "");
});

test("a user without a home folder is told what to choose", async () => {
  const terminal = new FakeTerminal();
  terminal.surroundings.backend.defaultHome = async () => {
    throw new Error("uv_os_homedir returned ENOENT");
  };
  for (const command of ["identity", "status"]) assert.equal(await terminal.run(command), 78);
  assert.match(terminal.stderr.text, /^ {2}why: {2}this user has no home folder$/m);
  assert.match(terminal.stderr.text, /--home/);
});

test("a disk that is full under the state is not called too small for a file", async () => {
  const terminal = new FakeTerminal();
  terminal.connect = async () => {
    throw new PosternError("store/no-space", "no space for the state", { path: "/state/state.db" });
  };
  assert.equal(await terminal.run("send", "--text", "hello", "--to", "bob"), 1);
  assert.match(terminal.stderr.text, /^postern: no room for the state of this identity$/m);
});
