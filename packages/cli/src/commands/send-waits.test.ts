/** What `postern send` and `postern transfers resume` make of a relay that is not there yet. */
import assert from "node:assert/strict";
import { mock, test, type TestContext } from "node:test";
import { PosternError, type ErrorCode } from "@postern/core/errors";
import { TRANSFER_ID } from "../../test/fake-client.ts";
import { FakeTerminal, type FakeOptions } from "../../test/fake-surroundings.ts";
import { unfinishedOf } from "../../test/unfinished-of.ts";
import { Scripted } from "../../test/scripted-prompter.ts";
import { settle, until } from "../../test/until.ts";

const FILE = import.meta.filename;
const SEND = ["send", FILE, "--to", "bob"];
const RESUME = ["transfers", "resume", TRANSFER_ID.slice(0, 8)];
const MESSAGE = ["send", "--text", "x", "--to", "bob"];
const REFUSED = "could not connect to 127.0.0.1:9999: connection refused";
const WAITS = `${REFUSED}; waiting for the relay, then going on; Ctrl-C ends it`;

const BEGUN = unfinishedOf(FILE);

interface Down {
  readonly terminal: FakeTerminal;
  tries: number;
  /** The relay is there from the next try on. */
  isUp: boolean;
  /** The next wait is over. */
  pass(ms: number): Promise<void>;
}

/** Refuses every connection until it is up. */
function down(t: TestContext, options?: FakeOptions, code: ErrorCode = "relay/unreachable"): Down {
  mock.timers.enable({ apis: ["setTimeout"] });
  t.after(() => mock.timers.reset());
  const terminal = new FakeTerminal(options);
  const lab: Down = {
    terminal,
    tries: 0,
    isUp: false,
    async pass(ms) {
      await until(() => terminal.stderr.text.includes("waiting for the relay"));
      await settle();
      const { tries } = lab;
      terminal.clock += ms;
      mock.timers.tick(ms);
      await until(() => lab.tries > tries);
    },
  };
  terminal.connect = async () => {
    lab.tries++;
    if (lab.isUp) return terminal.client;
    const cause = Object.assign(new Error("connect"), { code: "ECONNREFUSED" });
    throw new PosternError(code, "x", {}, { cause });
  };
  return lab;
}

function begin({ home, client }: FakeTerminal): void {
  home.unfinished.known.push(BEGUN);
  client.unfinished.known.push(BEGUN);
}

const saysWait = ({ stderr }: FakeTerminal): number => stderr.text.split(WAITS).length - 1;

test("send of a file waits for the relay where a person sees it, and says so once", async (t) => {
  const lab = down(t, { isTerminal: true });
  const { terminal } = lab;
  const running = terminal.run(...SEND);
  await lab.pass(1_000);
  await lab.pass(2_000);
  assert.equal(saysWait(terminal), 1, terminal.stderr.text);
  lab.isUp = true;
  await lab.pass(4_000);
  assert.equal(await running, 0, terminal.stderr.text);
  assert.equal(lab.tries, 4);
  assert.match(terminal.stderr.text, /^connected to 127\.0\.0\.1:9999; going on$/m);
});

test("a passphrase is asked for once, however often the relay is tried", async (t) => {
  const prompter = new Scripted("correct horse");
  const lab = down(t, { isTerminal: true, prompter });
  lab.terminal.home.passphrase = "correct horse";
  const running = lab.terminal.run(...SEND);
  await lab.pass(1_000);
  lab.isUp = true;
  await lab.pass(2_000);
  assert.equal(await running, 0, lab.terminal.stderr.text);
  assert.deepEqual(lab.terminal.home.tried, Array(3).fill("correct horse"));
});

test("send waits for the relay until Ctrl-C", async (t) => {
  const lab = down(t, { isTerminal: true });
  const running = lab.terminal.run(...SEND);
  await lab.pass(1_000);
  lab.terminal.process.emit("SIGINT");
  assert.equal(await running, 130);
});

test("send of something new by a script, and of a message by anybody, fails at once", async (t) => {
  for (const [args, isTerminal] of [
    [SEND, false],
    [[...SEND, "--no-input"], true],
    [MESSAGE, false],
    [MESSAGE, true],
  ] as const) {
    const { terminal } = down(t, { isTerminal });
    assert.equal(await terminal.run(...args), 7, args.join(" "));
    assert.ok(terminal.stderr.text.startsWith(`postern: ${REFUSED}\n`), terminal.stderr.text);
    mock.timers.reset();
  }
});

test("what was begun is waited for by scripts too, but not when it begins anew", async (t) => {
  for (const args of [SEND, RESUME]) {
    const lab = down(t);
    begin(lab.terminal);
    const running = lab.terminal.run(...args, "--json");
    await lab.pass(1_000);
    lab.isUp = true;
    await lab.pass(2_000);
    assert.equal(await running, 0, lab.terminal.stderr.text);
    assert.equal(saysWait(lab.terminal), 1);
    const types = lab.terminal.events().map(({ type }) => type);
    assert.deepEqual(types.slice(0, 3), ["reconnecting", "reconnecting", "connected"]);
    mock.timers.reset();
  }
  const { terminal } = down(t);
  begin(terminal);
  assert.equal(await terminal.run(...SEND, "--anew"), 7);
});

test("--timeout ends the wait for the relay with why, and lets everything wait", async (t) => {
  for (const args of [SEND, MESSAGE, RESUME]) {
    const lab = down(t);
    begin(lab.terminal);
    const running = lab.terminal.run(...args, "--timeout", "4s");
    await lab.pass(1_000);
    await lab.pass(2_000);
    await settle();
    mock.timers.tick(1_000);
    assert.equal(await running, 7, lab.terminal.stderr.text);
    assert.deepEqual([lab.tries, saysWait(lab.terminal)], [3, 1]);
    assert.match(lab.terminal.stderr.text, new RegExp(`^postern: ${REFUSED}$`, "m"));
    mock.timers.reset();
  }
});

test("send does not wait for a relay that is another one, or no relay", async (t) => {
  for (const [code, exitCode] of [
    ["relay/not-a-relay", 7],
    ["relay/pin-changed", 6],
  ] as const) {
    const { terminal } = down(t, { isTerminal: true }, code);
    assert.equal(await terminal.run(...SEND), exitCode);
    mock.timers.reset();
  }
});
