import assert from "node:assert/strict";
import { test } from "node:test";
import { PosternError } from "@postern/core/errors";
import { FakeOffer, FakeSink, failed, TRANSFER_ID } from "../../test/fake-client.ts";
import { FakeTerminal } from "../../test/fake-surroundings.ts";
import { settle, until } from "../../test/until.ts";
import type { Prompter, Question } from "../terminal/prompter.ts";

const ATTACK = "hi\u001b]52;c;cm0=\u0007\u202e\u009b2J\nnext line";

function message(text: string, from = "eve"): FakeOffer {
  const bytes = new TextEncoder().encode(text);
  return new FakeOffer(from, { kind: "message", name: "", size: bytes.length }, bytes);
}

function file(name: string, from = "eve"): FakeOffer {
  return new FakeOffer(from, { kind: "file", name, size: 4 }, new Uint8Array(4));
}

function asking(confirm: (question: Question) => Promise<boolean | undefined>): Prompter {
  const never = (): never => assert.fail("asked something else");
  return { confirm, select: never, text: never, password: never, completed: never };
}

test("T-01 receive shows a message on a terminal without its control characters", async () => {
  const terminal = new FakeTerminal({ isTerminal: true });
  terminal.client.offers.push({ type: "offer", offer: message(ATTACK) });
  assert.equal(await terminal.run("receive", "--once", "--accept", "all"), 0);
  assert.equal(
    terminal.stdout.text,
    "  hi\\u{1b}]52;c;cm0=\\u{7}\\u{202e}\\u{9b}2J\n  next line\n",
  );
});

test("receive gives a message as it is to a pipe", async () => {
  const terminal = new FakeTerminal();
  terminal.client.offers.push({ type: "offer", offer: message(ATTACK) });
  assert.equal(await terminal.run("receive", "--once", "--accept", "all"), 0);
  assert.equal(terminal.stdout.text, `${ATTACK}\n`);
  assert.match(terminal.stderr.text, /^eve offers a message$/m);
});

test("receive takes no message that the standard output does not take, and says why", async () => {
  for (const json of [[], ["--json"]])
    for (const [errno, code] of [
      ["ENOSPC", "store/no-space"],
      ["EPIPE", "store/failed"],
    ] as const) {
      const terminal = new FakeTerminal();
      terminal.stdout.on("error", () => {});
      const offer = message("the only copy");
      terminal.client.offers.push({ type: "offer", offer });
      // Its first events have been taken.
      const running = terminal.run("receive", "--once", "--accept", "all", ...json);
      await offer.decided.promise;
      terminal.stdout.failsWith = Object.assign(new Error(errno), { code: errno });
      assert.equal(await running, 1, errno);
      assert.equal(offer.failure, code, "its sender must not be told that it is here");
      assert.match(terminal.stderr.text, /^postern: could not write to the standard output$/m);
    }
});

test("T-01 receive shows names of files and senders without control characters", async () => {
  const terminal = new FakeTerminal();
  const offer = file("photo\u202egpj.exe\u001b[2J", "e\u001bve");
  terminal.client.offers.push({ type: "offer", offer });
  assert.equal(await terminal.run("receive", "--once", "--accept", "all"), 0);
  for (const obeyed of ["\u001b", "\u202e"]) assert.ok(!terminal.stderr.text.includes(obeyed));
  assert.match(terminal.stderr.text, /e\\u\{1b\}ve offers photo\\u\{202e\}gpj\.exe\\u\{1b\}\[2J/);
});

test("receive --json gives text, path and keys as events", async () => {
  const terminal = new FakeTerminal();
  terminal.client.offers.push({ type: "offer", offer: file("a.bin") });
  assert.equal(await terminal.run("receive", "--once", "--accept", "all", "--json"), 0);
  const events = terminal.events();
  assert.deepEqual(events.map(({ type }) => type).slice(0, 5), [
    "connected",
    "waiting",
    "offer",
    "first-contact",
    "offered",
  ]);
  const done = events.find(({ type }) => type === "done");
  assert.equal(done?.["path"], "./a.bin");
  assert.equal(done["sessionKeys"], 3);

  const second = new FakeTerminal();
  second.client.offers.push({ type: "offer", offer: message("héllo\n") });
  assert.equal(await second.run("receive", "--once", "--accept", "all", "--json"), 0);
  const [text] = second.events().filter(({ type }) => type === "message");
  assert.deepEqual(text, { type: "message", transfer: TRANSFER_ID, from: "eve", text: "héllo\n" });
});

test("receive without a terminal names --accept and exits 2", async () => {
  const terminal = new FakeTerminal();
  terminal.connect = () => assert.fail("connected");
  assert.equal(await terminal.run("receive"), 2);
  assert.match(terminal.stderr.text, /^postern: receive needs --accept here\n/);
  assert.equal(await new FakeTerminal({ isTerminal: true }).run("receive", "-o", "/nowhere"), 3);
});

test("receive --no-input does not ask on a terminal either", async () => {
  const terminal = new FakeTerminal({ isTerminal: true });
  assert.equal(await terminal.run("receive", "--no-input"), 2);
});

test("receive -o - refuses bytes on a terminal, and --json", async () => {
  const terminal = new FakeTerminal({ isTerminal: true });
  assert.equal(await terminal.run("receive", "-o", "-", "--accept", "all"), 2);
  const piped = new FakeTerminal();
  assert.equal(await piped.run("receive", "-o", "-", "--accept", "all", "--json"), 2);
});

test("receive --accept NAME takes from that sender and declines all others", async () => {
  const terminal = new FakeTerminal();
  const stranger = file("b.bin", "mallory");
  const friend = file("a.bin", "bob");
  terminal.client.offers.push({ type: "offer", offer: stranger });
  const running = terminal.run("receive", "--once", "--accept", "ann,bob");
  assert.equal(await stranger.decided.promise, "declined");
  await settle();
  terminal.client.offers.push({ type: "offer", offer: friend });
  assert.equal(await running, 0);
  assert.equal(await friend.decided.promise, "accepted");
});

test("receive asks on a terminal who sends what to where, and declines on no", async () => {
  const questions: string[] = [];
  const answers = [false, true];
  const prompter = asking(async ({ message: question }) => {
    questions.push(question);
    return answers.shift();
  });
  const terminal = new FakeTerminal({ isTerminal: true, prompter });
  const first = file("a.bin");
  terminal.client.offers.push({ type: "offer", offer: first });
  const running = terminal.run("receive", "--once");
  assert.equal(await first.decided.promise, "declined");
  await settle();
  terminal.client.offers.push({ type: "offer", offer: file("b.bin") });
  assert.equal(await running, 0);
  assert.deepEqual(questions, [
    "Accept a.bin (file, 4 B) from eve, into this folder?",
    "Accept b.bin (file, 4 B) from eve, into this folder?",
  ]);
});

test("receive takes its question back when the offer is withdrawn, and goes on", async () => {
  const asked = Promise.withResolvers<void>();
  let isFirst = true;
  const prompter = asking(async ({ signal }) => {
    if (!isFirst) return true;
    isFirst = false;
    asked.resolve();
    return await new Promise((resolve) =>
      signal?.addEventListener("abort", () => resolve(undefined)),
    );
  });
  const terminal = new FakeTerminal({ isTerminal: true, prompter });
  const offer = file("a.bin");
  terminal.client.offers.push({ type: "offer", offer });
  const running = terminal.run("receive", "--once");
  await asked.promise;
  const error = new PosternError("peer/gone", "scripted");
  terminal.client.offers.push({ type: "withdrawn", id: offer.id, error });
  await until(() => terminal.stderr.text.includes("the offer of eve is gone"));
  terminal.client.offers.push({ type: "offer", offer: file("b.bin") });
  assert.equal(await running, 0);
});

test("receive goes on after a transfer that failed; --once exits with its code", async () => {
  for (const isOnce of [false, true]) {
    const terminal = new FakeTerminal();
    const bad = file("bad.bin");
    bad.transfer.events.push(failed("transfer/damaged"));
    terminal.client.offers.push({ type: "offer", offer: bad });
    const once = isOnce ? ["--once"] : [];
    const running = terminal.run("receive", "--accept", "all", ...once);
    if (isOnce) assert.equal(await running, 6);
    else {
      await until(() => terminal.stderr.text.includes("next:"));
      await settle();
      terminal.client.offers.push({ type: "offer", offer: file("good.bin") });
      await until(() => terminal.stderr.text.includes("received ./good.bin: 4 B"));
      terminal.process.emit("SIGINT");
      assert.equal(await running, 130);
    }
    assert.match(terminal.stderr.text, /^postern: STOPPED - bad\.bin arrives damaged/m);
  }
});

test("F-11 receive --once ends when the disk has no room for what it accepted", async () => {
  for (const [code, freeSpace] of [
    ["no-space", 3],
    ["failed", 1e12],
  ] as const) {
    const terminal = new FakeTerminal();
    terminal.freeSpace = freeSpace;
    if (code === "failed")
      terminal.openSink = () => {
        throw new PosternError("store/failed", "scripted");
      };
    const offer = file("large.bin");
    terminal.client.offers.push({ type: "offer", offer });
    assert.equal(await terminal.run("receive", "--once", "--json", "--accept", "all"), 1);
    assert.equal(await offer.decided.promise, "declined");
    assert.equal(offer.reason, "no-space");
    assert.match(terminal.stdout.text, new RegExp(`"code":"store/${code}"`));
  }
});

test("receive --once goes on waiting after what it does not take of its sender", async () => {
  const terminal = new FakeTerminal();
  terminal.openSink = (path) => {
    if (path.includes("..")) throw new PosternError("store/unsafe-name", "scripted");
    return new FakeSink(path);
  };
  const running = terminal.run("receive", "--once", "--accept", "all", "--max-size", "4");
  const content = { kind: "file", name: "large.bin", size: 5 } as const;
  const large = new FakeOffer("eve", content, new Uint8Array(5));
  for (const [bad, reason] of [
    [file("../x"), "invalid"],
    [large, "too-large"],
  ] as const) {
    terminal.client.offers.push({ type: "offer", offer: bad });
    assert.equal(await bad.decided.promise, "declined");
    assert.equal(bad.reason, reason);
  }
  terminal.client.offers.push({ type: "offer", offer: file("good.bin") });
  assert.equal(await running, 0);
});

test("F-02 receive declines a name that cannot be a file here, and goes on", async () => {
  const terminal = new FakeTerminal();
  terminal.openSink = (path) => {
    if (path.includes("..")) throw new PosternError("store/unsafe-name", "scripted");
    return new FakeSink(path);
  };
  const bad = file("../x");
  terminal.client.offers.push({ type: "offer", offer: bad });
  const running = terminal.run("receive", "--accept", "all");
  assert.equal(await bad.decided.promise, "declined");
  await until(() => terminal.stderr.text.includes("next:"));
  assert.match(terminal.stderr.text, /^postern: refused the file name \.\.\/x$/m);
  terminal.process.emit("SIGTERM");
  assert.equal(await running, 143);
  assert.ok(terminal.client.isClosed);
});

for (const [signal, exitCode, isLeft] of [
  ["SIGINT", 130, false],
  ["SIGTERM", 143, true],
] as const)
  test(`receive ${isLeft ? "leaves" : "cancels"} its transfer at ${signal} and then ends`, async () => {
    const terminal = new FakeTerminal();
    const offer = file("a.bin");
    let isAccepted = false;
    offer.accept = () => {
      isAccepted = true;
      return offer.transfer;
    };
    offer.transfer.events.push({ type: "offered" });
    terminal.client.offers.push({ type: "offer", offer });
    const running = terminal.run("receive", "--accept", "all");
    await until(() => isAccepted);
    terminal.process.emit(signal);
    assert.equal(await running, exitCode);
    const { hasLeft, isCancelled } = offer.transfer;
    assert.deepEqual([hasLeft, isCancelled], [isLeft, !isLeft]);
    assert.ok(terminal.client.isClosed);
  });

test("receive says that it lost the relay, what it waits for, and that it is back", async () => {
  const terminal = new FakeTerminal();
  const running = terminal.run("receive", "--accept", "all");
  await until(() => terminal.stderr.text.includes("is waiting"));
  const cause = Object.assign(new Error("x"), { code: "ECONNRESET" });
  const error = new PosternError("link/closed", "x", {}, { cause });
  const relay = terminal.client.relay;
  terminal.client.events.push(
    { type: "reconnecting", error, inMs: 2_000 },
    { type: "connected", relay, firstUse: false, clockAheadMs: 0 },
  );
  await until(() => terminal.stderr.text.includes("connected to"));
  assert.match(
    terminal.stderr.text,
    /lost the relay \S+ \(connection reset\); trying again in 2\.0 s, then waiting for offers/,
  );
  const connected = "connected to 127.0.0.1:9999; waiting for offers";
  assert.equal(terminal.stderr.text.split(connected).length, 2, "only the second time");
  terminal.process.emit("SIGINT");
  assert.equal(await running, 130);
});

test("receive says that its clock is not that of the relay, at first and later", async () => {
  const terminal = new FakeTerminal();
  const { relay, events } = terminal.client;
  const connected = { type: "connected", relay, firstUse: false } as const;
  events.unshift({ ...connected, clockAheadMs: 3 * 86_400_000 });
  const running = terminal.run("receive", "--accept", "all", "--json");
  events.push({ ...connected, clockAheadMs: -7_200_000 }, { ...connected, clockAheadMs: 15_000 });
  await until(() => terminal.stderr.text.includes("2 hours behind that of 127.0.0.1:9999"));
  assert.match(terminal.stderr.text, /^the clock of this computer is 3 days ahead of that of /m);
  terminal.process.emit("SIGINT");
  assert.equal(await running, 130);
  const apart = terminal.events().filter(({ type }) => type === "clocks-apart");
  assert.deepEqual(
    apart.map(({ aheadMs }) => aheadMs),
    [3 * 86_400_000, -7_200_000],
  );
});

test("receive ends with the code of a client that ended for good", async () => {
  const terminal = new FakeTerminal();
  const running = terminal.run("receive", "--accept", "all");
  await until(() => terminal.stderr.text.includes("is waiting"));
  const error = new PosternError("link/superseded", "x");
  terminal.client.events.push({ type: "closed", error });
  terminal.client.offers.end();
  assert.equal(await running, 7);
  assert.match(terminal.stderr.text, /^postern: ann was signed out of 127\.0\.0\.1:9999$/m);
});
