/** `postern transfers` and `postern verify`. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { after, test } from "node:test";
import { PosternError } from "@postern/core/errors";
import type { Unfinished } from "@postern/client";
import { contactOf, PEER_FINGERPRINT, WALL_NOW } from "../../test/fake-contacts.ts";
import { FINGERPRINT } from "../../test/fake-client.ts";
import { FakeTerminal } from "../../test/fake-surroundings.ts";

const folder = mkdtempSync(join(tmpdir(), "postern-transfers-"));
after(() => rmSync(folder, { recursive: true, force: true }));

const FILE = import.meta.filename;
const HOUR = 3_600_000;

function one(id: string, more: Partial<Unfinished> = {}): Unfinished {
  return {
    id: id.padEnd(32, "0"),
    role: "sending",
    peer: { name: "bob", fingerprint: PEER_FINGERPRINT, trust: "verified" },
    content: { kind: "file", name: basename(FILE), size: 1_000 },
    profile: "end-to-end",
    signed: false,
    bytes: 450,
    beganAt: WALL_NOW - 100 * HOUR,
    changedAt: WALL_NOW - 3 * HOUR,
    error: "peer/gone",
    paths: [FILE],
    ...more,
  };
}

function holding(...known: readonly Unfinished[]): FakeTerminal {
  const terminal = new FakeTerminal();
  terminal.home.unfinished.known.push(...known);
  terminal.client.unfinished.known.push(...known);
  return terminal;
}

test("T-01 transfers lists both roles, how much is there and since when, names escaped", async () => {
  const stream = { kind: "stream", name: "e\u001b[2J.tar", size: undefined } as const;
  const from = one("bb", { role: "receiving", content: stream, bytes: 2_000_000 });
  for (const args of [["transfers"], ["transfers", "list"]]) {
    const terminal = holding(one("aa"), from);
    terminal.connect = () => assert.fail("connected");
    assert.equal(await terminal.run(...args), 0);
    assert.deepEqual(terminal.stdout.text.split("\n"), [
      "aa000000  to bob          45 %      3 hours ago     transfers.test.ts (file, 1.0 KB)",
      "bb000000  from bob        2.0 MB    3 hours ago     e\\u{1b}[2J.tar (stream, size unknown)",
      "",
    ]);
  }
  const json = holding(one("aa"));
  assert.equal(await json.run("transfers", "--json"), 0);
  const [event, last] = json.events();
  assert.equal(event?.["bytes"], 450);
  assert.deepEqual(event["paths"], [FILE]);
  assert.deepEqual(last, { type: "transfers", count: 1 });
  const none = new FakeTerminal();
  assert.equal(await none.run("transfers"), 0);
  assert.equal(none.stderr.text, "nothing is unfinished\n");
});

test("what only reads works beside a receiver that runs; what changes something says why not", async () => {
  for (const args of [["transfers"], ["contacts"], ["identity"], ["contacts", "show", "bob"]]) {
    const terminal = holding(one("aa"));
    terminal.home.contacts.known.push(contactOf("bob"));
    terminal.home.isTaken = true;
    assert.equal(await terminal.run(...args), 0, terminal.stderr.text);
  }
  for (const args of [["cancel", "aa"], ["clean"], ["resume", "aa"]]) {
    const terminal = holding(one("aa"));
    terminal.home.isTaken = true;
    assert.equal(await terminal.run("transfers", ...args), 78);
    assert.match(terminal.stderr.text, /in use\n.+another postern on this computer runs under it/);
  }
});

test("transfers resume goes on with one by the first digits of its id", async () => {
  const terminal = holding(one("aa11", { signed: true }), one("aa22"));
  assert.equal(await terminal.run("transfers", "resume", "aa", "--limit", "1M"), 3);
  // The transfer of this test gives no receipt, and that is said.
  assert.equal(await terminal.run("transfers", "resume", "AA11", "--limit", "1M"), 6);
  const [options] = terminal.client.delivered;
  assert.equal(options?.id, "aa11".padEnd(32, "0"));
  assert.deepEqual([options.to, options.signed, options.rateLimit], ["bob", true, 1_000_000]);
  assert.match(terminal.stderr.text, /^going on with .+ for bob: begun before, 45 % was there/m);
});

test("transfers resume lists a folder as it was listed, once, and remembers it so", async () => {
  for (const links of ["keep", undefined] as const) {
    const content = { kind: "directory", name: basename(folder), size: 1_000 } as const;
    const terminal = holding(one("aa", { content, paths: [folder], ...(links && { links }) }));
    assert.equal(await terminal.run("transfers", "resume", "aa"), 0, terminal.stderr.text);
    const listed = links ?? "skip";
    assert.deepEqual(terminal.listings, [listed]);
    assert.equal(terminal.client.delivered[0]?.links, listed);
  }
});

test("transfers resume of what another sends says what to do", async () => {
  const terminal = holding(one("aa", { role: "receiving" }));
  assert.equal(await terminal.run("transfers", "resume", "aa"), 2);
  assert.match(terminal.stderr.text, /^postern: bob sends this one\n/);
  assert.match(terminal.stderr.text, /ask bob to send it again$/m);
  const content = { kind: "stream", name: "a.tar", size: undefined } as const;
  const stream = holding(one("aa", { role: "receiving", content }));
  assert.equal(await stream.run("transfers", "resume", "aa"), 2);
  assert.match(stream.stderr.text, /while bob's program still runs: what comes from a pipe ends/);
});

test("transfers knows no id that is none, and no other command", async () => {
  for (const id of ["zz", "", "../x", "a".repeat(33)])
    assert.equal(await holding(one("aa")).run("transfers", "cancel", id), 3, id);
  assert.equal(await new FakeTerminal().run("transfers", "eat"), 2);
});

test("F-05 transfers cancel removes the part on this disk, and nothing that is no part", async () => {
  const part = join(folder, ".a.bin.part");
  const tree = join(folder, ".photos.part");
  const kept = join(folder, "kept");
  const link = join(folder, ".link.part");
  writeFileSync(part, "x");
  mkdirSync(join(tree, "sub"), { recursive: true });
  writeFileSync(kept, "x");
  symlinkSync(folder, link);
  for (const path of [part, tree, link, kept]) {
    const terminal = holding(one("aa", { role: "receiving", paths: [path] }));
    assert.equal(await terminal.run("transfers", "cancel", "aa"), 0);
    assert.deepEqual(terminal.home.unfinished.known, []);
  }
  assert.deepEqual(
    [part, tree, link, kept].map((path) => existsSync(path)),
    [false, false, false, true],
  );
  const sending = holding(one("aa", { paths: [kept] }));
  assert.equal(await sending.run("transfers", "cancel", "aa"), 0);
  assert.ok(existsSync(kept));
  assert.match(sending.stderr.text, /^forgotten; what bob has of .+ is there until/m);
});

test("transfers clean removes what is older than it is told, a week by default", async () => {
  const day = 24 * HOUR;
  const [fresh, old] = [one("aa"), one("bb", { changedAt: WALL_NOW - 8 * day })];
  const terminal = holding(fresh, old);
  assert.equal(await terminal.run("transfers", "clean"), 0);
  assert.deepEqual(terminal.home.unfinished.known, [fresh]);
  assert.match(terminal.stderr.text, /^1 unfinished transfer removed$/m);
  assert.equal(await terminal.run("transfers", "clean", "--older-than", "1h"), 0);
  assert.deepEqual(terminal.home.unfinished.known, []);
  assert.equal(await terminal.run("transfers", "clean", "--older-than", "long"), 2);
});

test("transfers clean removes all others when one cannot be removed", async () => {
  const old = { changedAt: WALL_NOW - 200 * HOUR };
  const [first, stuck, last] = [one("aa", old), one("bb", old), one("cc", old)];
  const terminal = holding(first, stuck, last);
  const { unfinished } = terminal.home;
  const drop = unfinished.drop.bind(unfinished);
  unfinished.drop = async (each) => {
    if (each.id === stuck.id) throw new PosternError("store/failed", "cannot remove the part");
    await drop(each);
  };
  assert.equal(await terminal.run("transfers", "clean"), 1);
  assert.deepEqual(unfinished.known, [stuck]);
  assert.match(terminal.stderr.text, /^2 unfinished transfers removed$/m);
});

const BYTES = new TextEncoder().encode("what was sent");
const RECEIPT = {
  profile: "end-to-end",
  kind: "file",
  name: "a\u001b[2J.bin",
  size: BYTES.length,
  digest: createHash("sha256").update(BYTES).digest("hex"),
  sender: FINGERPRINT,
  receiver: PEER_FINGERPRINT,
  sentAt: WALL_NOW,
  receivedAt: WALL_NOW + 1_000,
} as const;

function judging(bytes: Uint8Array): FakeTerminal {
  const terminal = new FakeTerminal();
  terminal.connect = () => assert.fail("connected");
  terminal.fileBytes = bytes;
  terminal.onReceipt = async () => RECEIPT;
  return terminal;
}

test("verify says who sent what to whom and when, names escaped; it needs no relay", async () => {
  const terminal = judging(BYTES);
  assert.equal(await terminal.run("verify", FILE, FILE), 0, terminal.stderr.text);
  const lines = terminal.stdout.text.split("\n");
  assert.equal(lines[0], "holds: a\\u{1b}[2J.bin is what was sent and received");
  assert.match(lines[2]!, /^sent by {3}abcd-efgh-.*, 2023-11-14 22:13:20 UTC$/);
  assert.match(lines[3]!, /^received {2}bbbb-bbbb-.*, 2023-11-14 22:13:21 UTC$/);
});

test("verify of another content, or of a receipt that does not hold, exits 6", async () => {
  for (const bytes of ["what was Sent", "what was sent ", "what was sen"]) {
    const terminal = judging(new TextEncoder().encode(bytes));
    assert.equal(await terminal.run("verify", FILE, FILE, "--json"), 6);
    assert.match(terminal.stderr.text, /^postern: the receipt is not of .+transfers\.test\.ts$/m);
    assert.equal(terminal.events().at(-1)?.["code"], "transfer/receipt-invalid");
  }
  assert.equal(await new FakeTerminal().run("verify", FILE, FILE), 6);
  assert.equal(await new FakeTerminal().run("verify", `${FILE}.missing`, FILE), 3);
  assert.equal(await judging(BYTES).run("verify", FILE, tmpdir()), 6);
});

test("verify takes a message as its text, with a line break more or without, and no other", async () => {
  const signed = new Uint8Array(256);
  signed.set([0, 0, 0, 10, ...new TextEncoder().encode("pay ann 10")]);
  const digest = createHash("sha256").update(signed).digest("hex");
  const receipt = { ...RECEIPT, kind: "message", name: "", size: signed.length, digest } as const;
  const path = join(folder, "message.txt");
  const verify = async (saved: string | Uint8Array): Promise<number> => {
    const terminal = judging(BYTES);
    terminal.onReceipt = async () => receipt;
    writeFileSync(path, saved);
    return await terminal.run("verify", FILE, path);
  };
  for (const saved of ["pay ann 10", "pay ann 10\n", "pay ann 10\r\n"])
    assert.equal(await verify(saved), 0, JSON.stringify(saved));
  for (const saved of ["pay ann 100", "pay ann 1", "pay ann 10\n\n", "", signed])
    assert.equal(await verify(saved), 6, JSON.stringify(saved));
  assert.equal(await verify(new Uint8Array([...signed.subarray(4, 14), 0xff])), 6);
  assert.equal(await verify("a".repeat(2 ** 20)), 6);
});
