/** `postern receive --wait`: by rules, for ever, several at once, with a command for each. */
import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, mock, test } from "node:test";
import { PosternError } from "@postern/core/errors";
import { FakeOffer, FakeSink, goodEvents } from "../../test/fake-client.ts";
import { FakeTerminal, type FakeOptions } from "../../test/fake-surroundings.ts";
import { settle, until } from "../../test/until.ts";

const folder = mkdtempSync(join(tmpdir(), "postern-wait-"));
after(() => rmSync(folder, { recursive: true, force: true }));

let made = 0;

function offerOf(from: string, size = 4, name = "a.bin"): FakeOffer {
  const id = String(++made).padStart(32, "0");
  return new FakeOffer(from, { kind: "file", name, size }, new Uint8Array(4), { id });
}

function messageOf(from: string, text: string): FakeOffer {
  const bytes = new TextEncoder().encode(text);
  return new FakeOffer(from, { kind: "message", name: "", size: bytes.length }, bytes);
}

interface Waiting {
  readonly terminal: FakeTerminal;
  readonly offer: (offer: FakeOffer) => Promise<"accepted" | "declined">;
  readonly says: (text: string) => Promise<void>;
  readonly stop: () => Promise<void>;
}

function waiting(args: readonly string[], options?: FakeOptions): Waiting {
  const terminal = new FakeTerminal(options);
  const running = terminal.run("receive", "--wait", ...args);
  return {
    terminal,
    async offer(offer) {
      terminal.client.offers.push({ type: "offer", offer });
      return await offer.decided.promise;
    },
    async says(text) {
      await until(() => terminal.stderr.text.includes(text));
    },
    async stop() {
      terminal.process.emit("SIGTERM");
      assert.equal(await running, 143, terminal.stderr.text);
    },
  };
}

test("receive --wait takes from those of --accept, tells all others no, and asks nobody", async () => {
  // A terminal whose person would fail the test when asked.
  const { offer, says, stop, terminal } = waiting(["--accept", "ann,bob"], { isTerminal: true });
  assert.equal(await offer(offerOf("eve")), "declined");
  await says("declined: eve is not among those of --accept; eve is told no");
  assert.equal(await offer(offerOf("bob")), "accepted");
  await says("received ./a.bin: 4 B");
  assert.match(terminal.stderr.text, /^takes from ann, bob; declines all others$/m);
  assert.deepEqual(terminal.client.received[0]?.capacity, 4);
  await stop();
});

test("receive --wait declines what is larger than --max-size, and says which on both sides", async () => {
  const { offer, says, stop, terminal } = waiting([
    "--accept",
    "all",
    "--max-size",
    "1K",
    "--json",
  ]);
  const large = offerOf("ann", 1_001);
  assert.equal(await offer(large), "declined");
  assert.equal(large.reason, "too-large");
  await says("declined: 1.0 KB is more than --max-size; ann is told so");
  const declined = terminal.events().find(({ type }) => type === "declined");
  assert.deepEqual(declined, {
    type: "declined",
    transfer: large.id,
    from: "ann",
    reason: "too-large",
  });
  assert.equal(await offer(offerOf("ann", 1_000)), "accepted");
  await stop();
});

test("T-04 receive --max-size ends a stream of unknown size where it grows beyond it", async (t) => {
  const { offer, says, stop, terminal } = waiting(["--accept", "all", "--max-size", "3"]);
  const content = { kind: "stream", name: "a.tar", size: undefined } as const;
  const directory = mkdtempSync(join(tmpdir(), "postern-over-"));
  t.after(() => rmSync(directory, { recursive: true }));
  const part = ".a.tar.part";
  writeFileSync(join(directory, part), "abc");
  const note = { directory, name: "a.tar", part, bytes: 3, boot: "b" };
  const over = Object.assign(new FakeOffer("ann", content, new Uint8Array(4)), { note });
  assert.equal(await offer(over), "accepted");
  await says("postern: stopped what came in: it is larger than --max-size allows");
  assert.deepEqual(terminal.sinks[0]?.chunks, []);
  // Otherwise whoever sends such streams fills the disk with parts that nobody can go on with.
  assert.deepEqual([over.note, readdirSync(directory)], [undefined, []]);
  await stop();
});

test("F-11 a stream beyond --max-size is not said to be kept, however late its note goes", async () => {
  const { offer, says, stop, terminal } = waiting(["--accept", "all", "--max-size", "3"]);
  const content = { kind: "stream", name: "a.tar", size: undefined } as const;
  const note = { directory: "/nowhere", name: "a.tar", part: ".a.tar.part", bytes: 3, boot: "b" };
  const over = new FakeOffer("ann", content, new Uint8Array(4));
  const journal = { ...over.journal, read: async () => note, drop: async () => {} };
  assert.equal(await offer(Object.assign(over, { journal })), "accepted");
  await says("  next: raise --max-size, or ask the sender to send less");
  await settle();
  await stop();
  assert.doesNotMatch(terminal.stderr.text, / is kept /);
});

test("F-11 receive declines before the transfer what the disk has no room for", async () => {
  const { offer, says, stop, terminal } = waiting(["--accept", "all"]);
  terminal.freeSpace = 3;
  const large = offerOf("ann");
  assert.equal(await offer(large), "declined");
  assert.equal(large.reason, "no-space");
  await says("postern: the disk is full");
  assert.deepEqual(
    terminal.sinks.map(({ chunks, isAbandoned }) => [chunks.length, isAbandoned]),
    [[0, true]],
  );
  await stop();
});

test("receive --capacity takes so many at once, and one that hangs holds up no other", async () => {
  const { offer, says, stop, terminal } = waiting(["--accept", "all", "--capacity", "2"]);
  const hanging = offerOf("ann", 4, "slow.bin");
  hanging.accept = () => {
    hanging.decided.resolve("accepted");
    return hanging.transfer;
  };
  assert.equal(await offer(hanging), "accepted");
  assert.equal(await offer(offerOf("bob", 4, "b.bin")), "accepted");
  await says("received ./b.bin");
  assert.equal(await offer(offerOf("cy", 4, "c.bin")), "accepted");
  await says("received ./c.bin");
  hanging.transfer.events.push(...goodEvents(4));
  await says("received ./slow.bin");
  assert.equal(terminal.client.received[0]?.capacity, 2);
  await stop();
});

test("receive --per-sender keeps senders apart by key, whatever they are called", async () => {
  const { offer, says, stop, terminal } = waiting([
    "--accept",
    "all",
    "--into",
    folder,
    "--per-sender",
  ]);
  const from = (name: string, letter: string): FakeOffer =>
    new FakeOffer(name, { kind: "file", name: "a.bin", size: 4 }, new Uint8Array(4), {
      id: String(++made).padStart(32, "0"),
      fingerprint: letter.repeat(52),
    });
  for (const each of [from("ann", "c"), from("ann", "d"), from("anna", "c"), from("..", "e")]) {
    assert.equal(await offer(each), "accepted");
    await until(() => terminal.stderr.text.split("received ").length > terminal.sinks.length);
  }
  assert.deepEqual(
    terminal.sinks.map(({ path }) => path),
    [
      join(folder, `ann-${"c".repeat(16)}`, "a.bin"),
      join(folder, `ann-${"d".repeat(16)}`, "a.bin"),
      join(folder, `ann-${"c".repeat(16)}`, "a.bin"),
      join(folder, `__-${"e".repeat(16)}`, "a.bin"),
    ],
  );
  // Nobody is led out of the folder by a link that stands in the sender's place.
  symlinkSync(tmpdir(), join(folder, `mallory-${"f".repeat(16)}`));
  assert.equal(await offer(from("mallory", "f")), "declined");
  await says("postern: could not read or write on this computer");
  assert.equal(readdirSync(folder).length, 4);
  await stop();
});

test("T-05 receive --on-done runs a command that learns of it by its environment alone", async () => {
  const env = { PATH: "/bin", POSTERN_PASSPHRASE: "secret", POSTERN_CODE: "37-abandon-ability" };
  const { offer, says, stop, terminal } = waiting(["--accept", "all", "--on-done", "notify"], {
    env: { ...env, POSTERN_CODE: "" },
  });
  const sent = offerOf("ann", 4, "$(touch x).bin");
  assert.equal(await offer(sent), "accepted");
  await says("received ");
  await until(() => terminal.commands.length === 1);
  assert.deepEqual(terminal.commands[0], {
    command: "notify",
    input: undefined,
    env: {
      PATH: "/bin",
      POSTERN_PATH: "./$(touch x).bin",
      POSTERN_PATHS: "./$(touch x).bin",
      POSTERN_FROM: "ann",
      POSTERN_FINGERPRINT: sent.from.fingerprint,
      POSTERN_TRUST: "none",
      POSTERN_KIND: "file",
      POSTERN_SIZE: "4",
      POSTERN_TRANSFER: sent.id,
    },
  });
  assert.equal(await offer(messageOf("ann", "hi\n`x`")), "accepted");
  await until(() => terminal.commands.length === 2);
  assert.equal(terminal.commands[1]?.input, "hi\n`x`");
  assert.equal(terminal.commands[1].env["POSTERN_PATH"], "");
  // Of its text, not of its padding.
  assert.equal(terminal.commands[1].env["POSTERN_SIZE"], "6");
  await stop();
});

test("receive says that --on-done failed, keeps what came, and goes on", async () => {
  const { offer, says, stop, terminal } = waiting(["--accept", "all", "--on-done", "x", "--json"]);
  const ends = [
    async () => ({ code: 3, signal: undefined }),
    async () => ({ code: undefined, signal: "SIGKILL" }),
    async () => await Promise.reject(new Error("no \u001b[2J shell")),
  ];
  terminal.onCommand = async () => await ends.shift()!();
  for (const said of [
    "--on-done failed with exit code 3; what has come is kept",
    "--on-done failed by SIGKILL; what has come is kept",
    "--on-done could not be run (no \\u{1b}[2J shell); what has come is kept",
  ]) {
    assert.equal(await offer(offerOf("ann")), "accepted");
    await says(said);
  }
  const events = terminal.events().filter(({ type }) => type === "on-done");
  assert.deepEqual(
    events.map(({ exitCode, signal }) => exitCode ?? signal),
    [3, "SIGKILL", undefined],
  );
  await stop();
});

test("a command of --on-done that hangs holds its place, and no more", async () => {
  const args = ["--accept", "all", "--on-done", "x", "--capacity", "2"];
  const { offer, says, stop, terminal } = waiting(args);
  const ending = Promise.withResolvers<{ code: number; signal: undefined }>();
  terminal.onCommand = async () => await ending.promise;
  for (const name of ["1.bin", "2.bin"]) {
    assert.equal(await offer(offerOf("ann", 4, name)), "accepted");
    await says(`received ./${name}`);
  }
  const third = offerOf("ann", 4, "3.bin");
  terminal.client.offers.push({ type: "offer", offer: third });
  await settle();
  assert.doesNotMatch(terminal.stderr.text, /3\.bin/);
  ending.resolve({ code: 0, signal: undefined });
  assert.equal(await third.decided.promise, "accepted");
  await stop();
});

test("receive --wait tries a relay that is not there again, until Ctrl-C", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  try {
    const terminal = new FakeTerminal();
    let tries = 0;
    terminal.connect = async () => {
      if (++tries < 3) throw new PosternError("relay/unreachable", "x");
      return terminal.client;
    };
    const running = terminal.run("receive", "--wait", "--accept", "all", "--json");
    for (const seconds of [1, 2]) {
      await until(() => tries === seconds);
      await settle();
      mock.timers.tick(seconds * 1_000);
    }
    await until(() => terminal.stderr.text.includes("is waiting for offers"));
    const types = terminal.events().map(({ type }) => type);
    assert.deepEqual(types.slice(0, 3), ["reconnecting", "reconnecting", "connected"]);
    const waits = terminal.stderr.text.match(/no answer; waiting for the relay, then waiting for/g);
    assert.equal(waits?.length, 1);
    terminal.process.emit("SIGINT");
    assert.equal(await running, 130);
  } finally {
    mock.timers.reset();
  }
});

test("receive --wait ends at once when waiting does not help", async () => {
  const terminal = new FakeTerminal();
  terminal.connect = () => Promise.reject(new PosternError("relay/pin-changed", "x"));
  assert.equal(await terminal.run("receive", "--wait", "--accept", "all"), 6);
});

test("receive refuses options that do not go together before it connects", async () => {
  for (const args of [
    ["--wait"],
    ["--wait", "--accept", "ask"],
    ["--wait", "--accept", "all", "-o", "-"],
    ["--per-sender", "--accept", "all", "-o", "-"],
    ["--once", "--capacity", "2", "--accept", "all"],
    ["--capacity", "0", "--accept", "all"],
    ["--capacity", "65", "--accept", "all"],
    ["--max-size", "much", "--accept", "all"],
    ["-o", ".", "--into", "/", "--accept", "all"],
    ["37-abandon-ability", "--wait", "--accept", "all"],
  ]) {
    const terminal = new FakeTerminal({ isTerminal: true });
    terminal.connect = () => assert.fail("connected");
    assert.equal(await terminal.run("receive", ...args), 2, args.join(" "));
    assert.match(terminal.stderr.text, /^postern: .+\n {2}why: {2}.+\n {2}next: .+\n$/);
  }
});

test("receive takes one question after the other, and says nothing into it", async () => {
  const answers: ((answer: boolean) => void)[] = [];
  const never = (): never => assert.fail("asked something else");
  const terminal = new FakeTerminal({
    isTerminal: true,
    env: { NO_COLOR: "1" },
    prompter: {
      confirm: async () => await new Promise<boolean>((resolve) => answers.push(resolve)),
      select: never,
      text: never,
      password: never,
      completed: never,
    },
  });
  const [first, second] = [offerOf("ann", 4, "1.bin"), offerOf("bob", 4, "2.bin")];
  terminal.client.offers.push({ type: "offer", offer: first }, { type: "offer", offer: second });
  const running = terminal.run("receive", "--capacity", "2");
  await until(() => answers.length === 1);
  await settle();
  assert.equal(answers.length, 1);
  assert.doesNotMatch(terminal.stderr.text, /bob .*offers/);
  answers[0]!(true);
  await until(() => answers.length === 2);
  assert.match(terminal.stderr.text, /bob .*offers 2\.bin/);
  answers[1]!(false);
  assert.equal(await second.decided.promise, "declined");
  terminal.process.emit("SIGINT");
  assert.equal(await running, 130);
});

test("receive with a sink that cannot be made says so and frees its place", async () => {
  const { offer, says, stop, terminal } = waiting(["--accept", "all", "--capacity", "1"]);
  terminal.openSink = (path) => {
    if (path.includes("..")) throw new PosternError("store/unsafe-name", "x");
    return new FakeSink(path);
  };
  assert.equal(await offer(offerOf("ann", 4, "../x")), "declined");
  assert.equal(await offer(offerOf("ann")), "accepted");
  await says("received ./a.bin");
  await stop();
});
