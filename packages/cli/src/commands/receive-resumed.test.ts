/** `postern receive` of what breaks off and comes back, and of folders. */
import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { mock, test } from "node:test";
import type { ContentInfo, ContentSink, Manifest, Transfer, Unfinished } from "@postern/client";
import type { ErrorCode } from "@postern/core/errors";
import { failed, FakeOffer, FakeSink } from "../../test/fake-client.ts";
import { FakeTerminal } from "../../test/fake-surroundings.ts";
import { Scripted } from "../../test/scripted-prompter.ts";
import { unfinishedOf } from "../../test/unfinished-of.ts";
import { settle, until } from "../../test/until.ts";

const NOTE = { directory: "/in", name: "a.bin", part: ".a.bin.part", bytes: 450, boot: "b" };
const CONTENT = { kind: "file", name: "a.bin", size: 1_000 } as const;

const HASHED = { update() {}, copy: () => assert.fail(), digest: () => assert.fail() };

let made = 0;

function offerOf(content: ContentInfo = CONTENT, from = "ann"): FakeOffer {
  const id = String(++made).padStart(32, "0");
  return new FakeOffer(from, content, new Uint8Array(4), { id });
}

/** Breaks off after a part of it has come. */
class BrokenOffer extends FakeOffer {
  readonly #code: ErrorCode;
  readonly #isNoted: boolean;

  constructor(code: ErrorCode, content: ContentInfo = CONTENT, isNoted = true) {
    super("ann", content, new Uint8Array(4), { id: String(++made).padStart(32, "0") });
    this.#code = code;
    this.#isNoted = isNoted;
  }

  override accept(sink: ContentSink): Transfer {
    this.decided.resolve("accepted");
    void sink.write(new Uint8Array(4), 0).then(async () => {
      if (this.#isNoted) await this.journal.write(NOTE);
      await sink.abandon();
      this.transfer.events.push(failed(this.#code));
    });
    return this.transfer;
  }
}

test("receive --once waits for the sender of what broke off, and takes the rest unasked", async () => {
  const terminal = new FakeTerminal({ isTerminal: true, prompter: new Scripted(true) });
  const first = new BrokenOffer("peer/gone");
  terminal.client.offers.push({ type: "offer", offer: first });
  const running = terminal.run("receive", "--once", "--json");
  await until(() => terminal.stderr.text.includes("45 % of a.bin is here; Ctrl-C keeps it"));
  assert.match(terminal.stderr.text, /^postern: ann went away$/m);
  assert.match(terminal.stderr.text, /^waiting for ann to come back, 45 % of a\.bin is here/m);
  const second = offerOf();
  Object.assign(second, { contentId: first.contentId, note: NOTE });
  terminal.client.offers.push({ type: "offer", offer: second });
  assert.equal(await running, 0);
  assert.match(terminal.stderr.text, /^going on with a\.bin of ann, 45 % is here$/m);
  const types = terminal.events().map(({ type }) => type);
  assert.ok(types.indexOf("waiting-for-sender") < types.indexOf("going-on"));
});

test("receive takes unasked what was agreed to though nothing of it had come", async () => {
  const terminal = new FakeTerminal({ isTerminal: true, prompter: new Scripted(true) });
  const first = new BrokenOffer("transfer/pipe-lost", CONTENT, false);
  terminal.client.offers.push({ type: "offer", offer: first });
  const running = terminal.run("receive", "--once");
  await until(() => terminal.stderr.text.includes("waiting for ann to come back; Ctrl-C ends it"));
  const second = offerOf();
  Object.assign(second, { contentId: first.contentId });
  terminal.client.offers.push({ type: "offer", offer: second });
  assert.equal(await running, 0);
});

test("T-05 receive goes on with what was begun only by the rules that it was started with", async () => {
  for (const [args, reason] of [
    [["--wait", "--accept", "ben"], "not-accepted"],
    [["--wait", "--accept", "all", "--max-size", "999"], "too-large"],
    [["--once", "--accept", "ben"], "not-accepted"],
    [["--wait", "--accept", "ann", "--max-size", "1000"], undefined],
  ] as const) {
    const terminal = new FakeTerminal();
    const offer = Object.assign(offerOf(), { note: NOTE });
    terminal.client.offers.push({ type: "offer", offer });
    const running = terminal.run("receive", ...args, "--json");
    assert.equal(await offer.decided.promise, reason === undefined ? "accepted" : "declined");
    await until(() => terminal.events().some(({ type }) => type === "declined" || type === "done"));
    assert.equal(terminal.events().find(({ type }) => type === "declined")?.["reason"], reason);
    assert.deepEqual(offer.note, NOTE);
    terminal.process.emit("SIGTERM");
    await running;
  }
});

test("receive asks about the same content id of somebody else", async () => {
  const prompter = new Scripted(true, false);
  const terminal = new FakeTerminal({ isTerminal: true, prompter });
  const first = new BrokenOffer("peer/gone", CONTENT, false);
  terminal.client.offers.push({ type: "offer", offer: first });
  const running = terminal.run("receive");
  await until(() => terminal.stderr.text.includes("waiting for ann"));
  const other = new FakeOffer("eve", CONTENT, new Uint8Array(4), { fingerprint: "e".repeat(52) });
  Object.assign(other, { contentId: first.contentId });
  terminal.client.offers.push({ type: "offer", offer: other });
  assert.equal(await other.decided.promise, "declined");
  assert.equal(prompter.asked.length, 2);
  terminal.process.emit("SIGINT");
  assert.equal(await running, 130);
});

test("receive --once ends when the sender stopped, and says what is kept", async () => {
  const terminal = new FakeTerminal();
  terminal.client.offers.push({ type: "offer", offer: new BrokenOffer("peer/cancelled") });
  assert.equal(await terminal.run("receive", "--once", "--accept", "all"), 8);
  assert.match(
    terminal.stderr.text,
    /^45 % of a\.bin is kept here; it goes on when ann sends it again \("postern transfers" shows it\)$/m,
  );
});

test("receive removes what is kept of a content when all of what replaces it is here", async (t) => {
  const directory = mkdtempSync(join(tmpdir(), "postern-replaced-"));
  t.after(() => rmSync(directory, { recursive: true }));
  const keep = (name: string, more: Partial<Unfinished> = {}): Unfinished => {
    const path = join(directory, `.${name}.part`);
    writeFileSync(path, "part");
    return unfinishedOf(path, { id: name.padEnd(32, "0"), role: "receiving", ...more });
  };
  const old = keep("aa");
  const stream = keep("bb", { content: { kind: "stream", name: "bb", size: undefined } });
  const running = keep("cc");
  const other = keep("dd");
  const terminal = new FakeTerminal();
  const { unfinished, offers } = terminal.client;
  unfinished.known.push(old, stream, running, other);
  unfinished.replaced = [old, stream, running];
  const hanging = Object.assign(offerOf(), { contentId: running.id });
  hanging.accept = () => hanging.transfer;
  offers.push({ type: "offer", offer: hanging });
  const args = ["--accept", "all", "--capacity", "2", "--json"];
  const receiving = terminal.run("receive", ...args);
  offers.push({ type: "offer", offer: new BrokenOffer("transfer/damaged") });
  await until(() => terminal.stderr.text.includes("next:"));
  assert.equal(readdirSync(directory).length, 4, "not before all of it is here");
  const whole = offerOf();
  offers.push({ type: "offer", offer: whole });
  await until(() => terminal.stdout.text.includes("replaced"));
  assert.deepEqual(readdirSync(directory).toSorted(), [".bb.part", ".cc.part", ".dd.part"]);
  assert.deepEqual(unfinished.known, [stream, running, other]);
  const said = terminal.events().filter(({ type }) => type === "replaced");
  assert.deepEqual(said, [{ type: "replaced", content: old.id, by: whole.contentId }]);
  terminal.process.emit("SIGTERM");
  hanging.transfer.cancel();
  assert.equal(await receiving, 143);
});

test("F-11 receive says of a stream where its part is, and that nobody goes on with it", async () => {
  const stream = { kind: "stream", name: "a\u001b[2J.tar", size: undefined } as const;
  for (const code of ["store/no-space", "peer/cancelled"] as const) {
    const terminal = new FakeTerminal();
    const offer = new BrokenOffer(code, stream);
    terminal.client.offers.push({ type: "offer", offer });
    assert.notEqual(await terminal.run("receive", "--once", "--accept", "all"), 0);
    const { text } = terminal.stderr;
    assert.ok(
      text.includes(
        "450 B of a\\u{1b}[2J.tar is kept in /in/.a.bin.part; a pipe's content goes on only while " +
          "ann's program runs, not when that is started again\n" +
          `"postern transfers cancel ${offer.contentId.slice(0, 8)}" removes it, `,
      ),
      text,
    );
    assert.doesNotMatch(text, /when ann sends it again|what came is kept|goes on from there/);
  }
});

test("receive -o - says that what came of a stream is gone, and names nothing to remove", async () => {
  const terminal = new FakeTerminal();
  const stream = { kind: "stream", name: "a.tar", size: undefined } as const;
  const sink = Object.assign(new FakeSink("-"), { held: { offset: 4, hashed: HASHED } });
  terminal.openSink = () => sink;
  const offer = new BrokenOffer("peer/cancelled", stream, false);
  terminal.client.offers.push({ type: "offer", offer });
  assert.equal(await terminal.run("receive", "-o", "-", "--once", "--accept", "all"), 8);
  assert.match(
    terminal.stderr.text,
    /^4 B of a\.tar went to the standard output; a pipe's content /m,
  );
  assert.doesNotMatch(terminal.stderr.text, /kept in|postern transfers/);
});

test("receive at Ctrl-C says what is kept, or that nothing is", async () => {
  for (const note of [NOTE, undefined]) {
    const terminal = new FakeTerminal();
    const offer = offerOf();
    offer.accept = () => {
      offer.decided.resolve("accepted");
      offer.note = note;
      return offer.transfer;
    };
    terminal.client.offers.push({ type: "offer", offer });
    const running = terminal.run("receive", "--accept", "all");
    await offer.decided.promise;
    terminal.process.emit("SIGINT");
    assert.equal(await running, 130);
    const said =
      note === undefined ? "cancelled; nothing incomplete was kept" : "45 % of a.bin is kept here";
    assert.ok(terminal.stderr.text.includes(said), terminal.stderr.text);
  }
});

test("F-11 receive at Ctrl-C says of a disk that hangs where a part of it may stay", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  try {
    for (const isNoted of [true, false]) {
      const terminal = new FakeTerminal();
      const sink = new FakeSink("/in/a\u001b[2J.bin");
      sink.write = () => new Promise(() => {});
      terminal.openSink = () => sink;
      const offer = offerOf();
      offer.accept = (opened) => {
        // As a part begins: it is there, and nothing of it is on the disk for sure.
        if (isNoted) offer.note = { ...NOTE, part: ".a\u001b[2J.bin.part", bytes: 0 };
        void opened.write(new Uint8Array(4), 0);
        offer.decided.resolve("accepted");
        return offer.transfer;
      };
      terminal.client.offers.push({ type: "offer", offer });
      const running = terminal.run("receive", "--accept", "all");
      await offer.decided.promise;
      await settle();
      terminal.process.emit("SIGINT");
      await until(() => offer.transfer.isCancelled);
      await settle();
      mock.timers.tick(2_000);
      assert.equal(await running, 130);
      const { text } = terminal.stderr;
      const nothing = "cancelled; nothing incomplete was kept\n";
      const id = offer.contentId.slice(0, 8);
      const hanging =
        "cancelled; the disk has not answered, so a part of a.bin may stay in " +
        "/in/.a\\u{1b}[2J.bin.part\n" +
        `  "postern transfers" shows it if so, "postern transfers cancel ${id}" removes it\n`;
      assert.equal(text.includes(hanging), isNoted, text);
      assert.equal(text.includes(nothing), !isNoted, text);
      assert.equal(sink.isAbandoned, false);
    }
  } finally {
    mock.timers.reset();
  }
});

test("receive --timeout ends the wait for a sender that does not come back", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  try {
    const terminal = new FakeTerminal();
    terminal.client.offers.push({ type: "offer", offer: new BrokenOffer("peer/gone") });
    const args = ["receive", "--once", "--accept", "all", "--timeout", "30s"];
    const running = terminal.run(...args);
    await until(() => terminal.stderr.text.includes("waiting for ann"));
    await settle();
    mock.timers.tick(30_000);
    assert.equal(await running, 5);
  } finally {
    mock.timers.reset();
  }
});

test("receive -o - goes on with the stream it has begun, and takes no other one", async () => {
  const terminal = new FakeTerminal();
  const sink = Object.assign(new FakeSink("-"), { held: { offset: 4, hashed: HASHED } });
  terminal.openSink = () => sink;
  const stream = { kind: "stream", name: "a.tar", size: undefined } as const;
  const first = new BrokenOffer("peer/gone", stream, false);
  terminal.client.offers.push({ type: "offer", offer: first });
  const running = terminal.run("receive", "-o", "-", "--once", "--accept", "all");
  const told = "4 B of a.tar is here; a pipe's content goes on only while ann's program runs\n";
  await until(() => terminal.stderr.text.includes(told));
  const other = offerOf(stream);
  terminal.client.offers.push({ type: "offer", offer: other });
  assert.equal(await other.decided.promise, "declined");
  await until(() => terminal.stderr.text.includes("waits for the rest of something else"));
  const second = offerOf(stream);
  Object.assign(second, { contentId: first.contentId });
  terminal.client.offers.push({ type: "offer", offer: second });
  assert.equal(await running, 0);
  assert.equal(sink.chunks.length, 2);
});

test("receive -o - ends when a part of a stream is written that cannot be gone on with", async () => {
  const terminal = new FakeTerminal();
  const stream = { kind: "stream", name: "a.tar", size: undefined } as const;
  terminal.client.offers.push({
    type: "offer",
    offer: new BrokenOffer("peer/gone", stream, false),
  });
  assert.equal(await terminal.run("receive", "-o", "-", "--once", "--accept", "all"), 5);
});

const MANIFEST: Manifest = {
  entries: [
    { kind: "directory", path: "photos", mode: 0o755, modifiedMs: 0 },
    { kind: "file", path: "photos/.bashrc", size: 4, mode: 0o644, modifiedMs: 0 },
    { kind: "file", path: "photos/run.sh", size: 1_000, mode: 0o755, modifiedMs: 0 },
    { kind: "file", path: "photos/.hidden\u001b[2J\u202e", size: 1, mode: 0o644, modifiedMs: 0 },
    { kind: "link", path: "photos/link", target: "run.sh\u0007" },
    ...Array.from({ length: 7 }, (_, i) => ({
      kind: "file" as const,
      path: `photos/${i}.jpg`,
      size: 2_000_000,
      mode: 0o644,
      modifiedMs: 0,
    })),
  ],
};

const FOLDER = {
  kind: "directory",
  name: "photos",
  size: 14_001_905,
  manifest: { entries: 12, bytes: 900 },
} as const;

function folder(terminal: FakeTerminal): { answers: boolean[] } {
  const answers: boolean[] = [];
  terminal.onFolder = async (ask, where) => {
    answers.push(await ask(MANIFEST, where));
  };
  return { answers };
}

test("F-08 receive shows what a folder holds, and every name to look at twice, before it asks", async () => {
  const prompter = new Scripted("3  show", "1  yes");
  const terminal = new FakeTerminal({ isTerminal: true, prompter, env: { NO_COLOR: "1" } });
  const { answers } = folder(terminal);
  const offer = offerOf(FOLDER);
  terminal.client.offers.push({ type: "offer", offer });
  assert.equal(await terminal.run("receive", "--once"), 0);
  assert.deepEqual(answers, [true]);
  const text = terminal.stderr.text;
  assert.match(text, /ann offers photos \(folder, 12 entries, 14 MB\)/);
  assert.match(text, /^it holds 10 files, 1 folder, 1 link, 14 MB; it goes into \.\/photos:$/m);
  assert.match(text, /^ {2}and 4 more$/m);
  assert.match(
    text,
    /^look twice at 3 names:\n {2}runs by itself {2}photos\/\.bashrc\n {2}executable {6}photos\/run\.sh\n {2}hidden {10}photos\/\.hidden\\u\{1b\}\[2J\\u\{202e\}$/m,
  );
  assert.match(text, /^ {2}photos\/6\.jpg {2}2\.0 MB$/m);
  assert.match(text, /^ {2}photos\/run\.sh {2}1\.0 KB {2}\[executable\]$/m);
  const [asked = ""] = text.split("master key: ");
  assert.doesNotMatch(asked.replaceAll("\n", ""), /\p{Cc}|\u202e/u);
  assert.match(
    prompter.asked[0]!,
    /^Accept photos \(folder, 12 entries, 14 MB\) from ann, into this folder\?/,
  );
});

test("receive --wait takes a folder by its rules, and marks names in what it says", async () => {
  const terminal = new FakeTerminal();
  const { answers } = folder(terminal);
  terminal.client.offers.push({ type: "offer", offer: offerOf(FOLDER) });
  const running = terminal.run("receive", "--wait", "--accept", "all", "--json", "--on-done", "x");
  await until(() => terminal.commands.length === 1);
  assert.deepEqual(answers, [true]);
  const event = terminal.events().find(({ type }) => type === "folder");
  assert.deepEqual(
    { files: event?.["files"], dangerous: event?.["dangerous"] },
    { files: 10, dangerous: 3 },
  );
  assert.equal(terminal.commands[0]?.env["POSTERN_PATHS"], "./photos");
  terminal.process.emit("SIGTERM");
  assert.equal(await running, 143);
});

test("receive -o - takes no folder", async () => {
  const terminal = new FakeTerminal();
  const offer = offerOf(FOLDER);
  terminal.client.offers.push({ type: "offer", offer });
  const running = terminal.run("receive", "-o", "-", "--accept", "all");
  assert.equal(await offer.decided.promise, "declined");
  await until(() => terminal.stderr.text.includes("a folder does not go to the standard output"));
  terminal.process.emit("SIGINT");
  assert.equal(await running, 130);
});
