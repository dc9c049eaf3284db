import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { PosternError, type ErrorCode, type ErrorDetails } from "@postern/core/errors";
import { contactOf, PEER_FINGERPRINT } from "../../test/fake-contacts.ts";
import { FakeTransfer, failed, goodEvents } from "../../test/fake-client.ts";
import { FakeTerminal, type FakeOptions } from "../../test/fake-surroundings.ts";
import { settle, until } from "../../test/until.ts";

const FILE = import.meta.filename;

function terminalThatFails(
  code: ErrorCode,
  details?: ErrorDetails,
  options?: FakeOptions,
): FakeTerminal {
  const terminal = new FakeTerminal(options);
  terminal.client.onSend = async ({ to, content, profile }) => {
    const transfer = new FakeTransfer(to, content.info, profile);
    transfer.events.push({ type: "offered" }, failed(code, details));
    return transfer;
  };
  return terminal;
}

test("send delivers a message and says with which keys", async () => {
  const terminal = new FakeTerminal();
  assert.equal(await terminal.run("send", "--text", "hello", "--to", "bob"), 0);
  const [sent] = terminal.client.sent;
  assert.equal(sent?.to, "bob");
  assert.equal(sent.profile, "end-to-end");
  assert.equal(sent.content, terminal.sources[0]);
  assert.equal(terminal.stdout.text, "");
  const lines = terminal.stderr.text.split("\n");
  assert.ok(
    lines.includes("end-to-end: the relay sees who, when and how much; it cannot read this"),
  );
  assert.ok(
    lines.includes("delivered message to bob: 0.0 s, 3 session keys, channel kept for next time"),
  );
  assert.ok(terminal.client.isClosed);
});

test("send --json writes every event on stdout, one a line", async () => {
  const terminal = new FakeTerminal();
  const args = ["send", FILE, "--to", "bob", "--limit", "500K", "--session-seconds", "2"];
  assert.equal(await terminal.run(...args, "--json"), 0);
  const types = terminal.events().map(({ type }) => type);
  assert.deepEqual(types, [
    "connected",
    "first-contact",
    ...goodEvents(1_000).map(({ type }) => type),
  ]);
  const done = terminal.events().at(-1);
  assert.equal(done?.["bytes"], 1_000);
  assert.equal(terminal.client.sent[0]?.rateLimit, 500_000);
  assert.equal(terminal.client.sent[0]?.sessionSeconds, 2);
});

test("send - streams the standard input under the name of --file-name", async () => {
  const terminal = new FakeTerminal({ stdin: "bytes" });
  assert.equal(await terminal.run("send", "-", "--file-name", "a.tar", "--to", "bob"), 0);
  assert.deepEqual(terminal.sources[0]?.info, { kind: "stream", name: "a.tar", size: undefined });
});

test("F-11 send - says that the receiver has no room, and that a stream begins anew", async () => {
  const terminal = new FakeTerminal({ stdin: "bytes" });
  terminal.client.onSend = async ({ to, content }) => {
    const transfer = new FakeTransfer(to, content.info);
    transfer.events.push(...goodEvents(4).slice(0, -1), failed("peer/no-space"));
    return transfer;
  };
  assert.equal(await terminal.run("send", "-", "--file-name", "a.tar", "--to", "bob"), 8);
  assert.match(terminal.stderr.text, /make room, then send it again, from its beginning$/m);
  assert.doesNotMatch(terminal.stderr.text, /goes on|stays there/);
});

test("F-11 send does not put a folder that cannot be written to down to a full disk", async () => {
  const terminal = terminalThatFails("peer/no-space");
  assert.equal(await terminal.run("send", FILE, "--to", "bob"), 8);
  const why = /^ {2}why: {2}its disk is full, or its folder cannot be written to$/m;
  assert.match(terminal.stderr.text, why);
});

test("T-05 send --text - keeps the text out of the arguments", async () => {
  const terminal = new FakeTerminal({ stdin: "secret\n" });
  assert.equal(await terminal.run("send", "--text", "-", "--to", "bob"), 0);
  assert.deepEqual(terminal.sources[0]?.info, { kind: "message", name: "", size: 256 });
});

const wrong: Record<string, { args: string[]; exitCode: number; what: RegExp }> = {
  "nothing to send": { args: ["send", "--to", "bob"], exitCode: 2, what: /nothing to send/ },
  "a file and a text": {
    args: ["send", FILE, "--text", "x", "--to", "bob"],
    exitCode: 2,
    what: /not both/,
  },
  "a missing file": {
    args: ["send", `${FILE}.missing`, "--to", "bob"],
    exitCode: 3,
    what: /no such file: /,
  },
  "several things and the standard input": {
    args: ["send", FILE, "-", "--to", "bob"],
    exitCode: 2,
    what: /- stands alone/,
  },
  "a receipt of several receivers in one file": {
    args: ["send", FILE, "--to", "ann,bob", "--receipt", "x.json"],
    exitCode: 2,
    what: /--receipt is for one receiver/,
  },
  "too many receivers": {
    args: ["send", FILE, "--to", Array.from({ length: 65 }, (_, i) => `r${i}`).join()],
    exitCode: 2,
    what: /--to takes up to 64 receivers/,
  },
  "a profile that does not exist": {
    args: ["send", FILE, "--to", "bob", "--profile", "magic"],
    exitCode: 2,
    what: /--profile magic is not available/,
  },
  "a weaker profile with a code": {
    args: ["send", FILE, "--profile", "symmetric"],
    exitCode: 2,
    what: /--profile symmetric needs --to/,
  },
  "words where there is no code": {
    args: ["send", FILE, "--to", "bob", "--words", "3"],
    exitCode: 2,
    what: /--words is for codes/,
  },
  "a wrong rate": {
    args: ["send", FILE, "--to", "bob", "--limit", "fast"],
    exitCode: 2,
    what: /--limit does not understand "fast"/,
  },
};

for (const [name, { args, exitCode, what }] of Object.entries(wrong))
  test(`send refuses ${name} before it connects`, async () => {
    const terminal = new FakeTerminal();
    terminal.connect = () => assert.fail("connected");
    assert.equal(await terminal.run(...args), exitCode);
    assert.match(terminal.stderr.text, what);
    assert.match(terminal.stderr.text, /^postern: .+\n {2}why: {2}.+\n {2}next: .+\n$/);
  });

test("send says exactly that no relay is running, exits 7 and closes the source", async () => {
  const terminal = new FakeTerminal();
  const cause = Object.assign(new Error("connect"), { code: "ECONNREFUSED" });
  terminal.connect = () =>
    Promise.reject(new PosternError("relay/unreachable", "internal words", {}, { cause }));
  assert.equal(await terminal.run("send", "--text", "x", "--to", "bob"), 7);
  const [what, why, next] = terminal.stderr.text.split("\n");
  assert.equal(what, "postern: could not connect to 127.0.0.1:9999: connection refused");
  assert.match(why!, /^ {2}why: {2}/);
  assert.match(next!, /^ {2}next: start one with "postern relay/);
  assert.ok(!terminal.stderr.text.includes("internal words"));
  assert.ok(terminal.sources[0]?.isClosed);
});

test("send exits 8 when the receiver declines, with the code as the last event", async () => {
  const terminal = terminalThatFails("peer/declined");
  assert.equal(await terminal.run("send", FILE, "--to", "bob", "--json"), 8);
  assert.deepEqual(terminal.events().at(-1), { type: "error", code: "peer/declined" });
  assert.match(terminal.stderr.text, /postern: bob declined send\.test\.ts\n/);
  assert.ok(terminal.client.isClosed);
});

test("C-16 send says of a refusal that no key confirms who may have said it", async () => {
  const terminal = terminalThatFails("peer/declined", { verdict: "decline", confirmed: "no" });
  assert.equal(await terminal.run("send", FILE, "--to", "bob", "--json"), 8);
  const [failure, error] = terminal.events().slice(-2);
  assert.deepEqual(error, { type: "error", code: "peer/declined", confirmed: false });
  assert.equal(failure?.["confirmed"], false);
  assert.match(terminal.stderr.text, /^postern: bob declined send\.test\.ts \(not confirmed\)$/m);
  assert.match(terminal.stderr.text, /so says the relay 127\.0\.0\.1:9999, or bob, and no key/);
});

test("send says that a message has left, unless that was refused", async () => {
  const left = /^the message had left: bob may have read it, though no receipt came$/m;
  const said = async (details: ErrorDetails, ...args: string[]) => {
    const terminal = terminalThatFails("peer/declined", details);
    assert.equal(await terminal.run("send", "-q", ...args), 8);
    return terminal.stderr.text;
  };
  const message = ["--text", "x", "--to", "bob"];
  assert.match(await said({}, ...message), left);
  assert.match(await said({}, ...message), /^ {2}the next transfer to bob asks for its receipt/m);
  assert.doesNotMatch(await said({ verdict: "decline" }, ...message), left);
  assert.doesNotMatch(await said({}, FILE, "--to", "bob"), left);
  assert.doesNotMatch(await said({}, ...message, "--profile", "symmetric"), left);
  assert.doesNotMatch(await said({}, "--text", "x"), /next transfer/);
});

test("send tells what became of an earlier transfer, whose receipt comes with this one", async () => {
  const fingerprint = PEER_FINGERPRINT;
  const at = { type: "late-receipt", transfer: "ab".repeat(16), fingerprint } as const;
  const terminal = new FakeTerminal();
  terminal.client.events.push(
    { ...at, name: "bob", outcome: "arrived" },
    { ...at, name: "bob", outcome: "declined" },
    { ...at, name: undefined, outcome: "not-arrived" },
    { ...at, name: "bob", outcome: "goes-on" },
  );
  assert.equal(await terminal.run("send", "--text", "x", "--to", "bob"), 0);
  const { text } = terminal.stderr;
  assert.match(text, /^an earlier transfer to bob has arrived: its receipt is here now$/m);
  assert.match(text, /^an earlier transfer to bob was declined: /m);
  assert.equal(text.match(/^an earlier transfer/gm)?.length, 3, "what goes on is not lost");
  assert.match(
    text,
    new RegExp(`^an earlier transfer to ${fingerprint} did not arrive whole: `, "m"),
  );
});

test("send stops with STOPPED and exit 6 at a security event", async () => {
  const terminal = new FakeTerminal();
  terminal.connect = () => Promise.reject(new PosternError("relay/pin-changed", "x"));
  assert.equal(await terminal.run("send", "--text", "x", "--to", "bob"), 6);
  assert.match(
    terminal.stderr.text,
    /^postern: STOPPED - the key of 127\.0\.0\.1:9999 has changed/,
  );
});

test("send cancels its transfer at the first Ctrl-C and exits 130", async () => {
  const terminal = new FakeTerminal();
  let transfer: FakeTransfer | undefined;
  terminal.client.onSend = async ({ to, content }) => {
    transfer = new FakeTransfer(to, content.info);
    transfer.events.push({ type: "offered" });
    return transfer;
  };
  const running = terminal.run("send", FILE, "--to", "bob");
  while (transfer === undefined) await settle();
  await settle();
  terminal.process.emit("SIGINT");
  assert.equal(await running, 130);
  assert.ok(transfer.isCancelled);
  assert.match(terminal.stderr.text, /press Ctrl-C again/);
  assert.doesNotMatch(terminal.stderr.text, /why:/);
});

test("send gives up at Ctrl-C while it connects and closes a late connection", async () => {
  const terminal = new FakeTerminal();
  const connecting = Promise.withResolvers<typeof terminal.client>();
  let isConnecting = false;
  terminal.connect = async () => {
    isConnecting = true;
    return await connecting.promise;
  };
  const running = terminal.run("send", "--text", "x", "--to", "bob");
  await until(() => isConnecting);
  terminal.process.emit("SIGINT");
  assert.equal(await running, 130);
  connecting.resolve(terminal.client);
  await settle();
  assert.ok(terminal.client.isClosed);
});

test("send --timeout ends the wait for a receiver that does not decide", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  try {
    const terminal = new FakeTerminal();
    let transfer: FakeTransfer | undefined;
    terminal.client.onSend = async ({ to, content }) => {
      transfer = new FakeTransfer(to, content.info);
      transfer.events.push({ type: "offered" });
      return transfer;
    };
    const running = terminal.run("send", "--text", "x", "--to", "bob", "--timeout", "30s");
    while (transfer === undefined) await settle();
    await settle();
    mock.timers.tick(30_000);
    assert.equal(await running, 5);
    assert.ok(transfer.isCancelled);
    assert.match(terminal.stderr.text, /bob did not answer in time/);
  } finally {
    mock.timers.reset();
  }
});

test("send explains an unexpected exception in one line without its stack", async () => {
  const terminal = new FakeTerminal();
  terminal.connect = () => Promise.reject(new RangeError("odd\u001b[2J"));
  assert.equal(await terminal.run("send", "--text", "x", "--to", "bob", "--json"), 1);
  assert.equal(
    terminal.stderr.text,
    "postern: unexpected failure: odd\\u{1b}[2J (POSTERN_DEBUG=1 shows where)\n",
  );
  assert.deepEqual(terminal.events(), [{ type: "error", code: "internal" }]);
});

test("send shows the stack with POSTERN_DEBUG=1", async () => {
  const terminal = new FakeTerminal({ env: { POSTERN_DEBUG: "1" } });
  terminal.connect = () => Promise.reject(new RangeError("odd"));
  assert.equal(await terminal.run("send", "--text", "x", "--to", "bob"), 1);
  assert.match(terminal.stderr.text, /send\.test\.ts/);
});

test("send --quiet says nothing but errors", async () => {
  const good = new FakeTerminal();
  good.client.contacts.known.push(contactOf("bob"));
  await good.run("send", "--text", "x", "--to", "bob", "-q");
  assert.equal(good.stderr.text, "");
  const bad = terminalThatFails("peer/busy", { verdict: "busy", confirmed: "no" });
  bad.client.contacts.known.push(contactOf("bob"));
  assert.equal(await bad.run("send", "--text", "x", "--to", "bob", "-q"), 5);
  assert.match(bad.stderr.text, /^postern: bob is busy/);
});

test("send shows how far it is on a terminal that does not know its size", async () => {
  const terminal = new FakeTerminal({ isTerminal: true });
  terminal.stderr.columns = 0;
  assert.equal(await terminal.run("send", FILE, "--to", "bob"), 0);
  assert.match(terminal.stderr.text, /100%/);
});
