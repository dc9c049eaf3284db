/** `postern send` without a name, and `postern receive CODE`: two strangers. */
import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { PosternError } from "@postern/core/errors";
import { contactOf, FakePaired } from "../../test/fake-contacts.ts";
import { FakeOffer, FakeSink, failed } from "../../test/fake-client.ts";
import { FakeTerminal, type FakeOptions } from "../../test/fake-surroundings.ts";
import { settle, until } from "../../test/until.ts";
import { Scripted } from "../../test/scripted-prompter.ts";

const FILE = import.meta.filename;
const CODE = "37-abandon-ability";

function offering(offer: FakeOffer, options?: FakeOptions): FakeTerminal {
  const terminal = new FakeTerminal(options);
  terminal.client.offers.push({ type: "offer", offer });
  return terminal;
}

function file(): FakeOffer {
  return new FakeOffer("bob", { kind: "file", name: "a.bin", size: 4 }, new Uint8Array(4));
}

function message(): FakeOffer {
  const bytes = new TextEncoder().encode("hi");
  return new FakeOffer("bob", { kind: "message", name: "", size: 2 }, bytes);
}

test("send without --to shows a code and sends to whoever comes with it", async () => {
  const terminal = new FakeTerminal();
  assert.equal(await terminal.run("send", FILE, "--words", "3"), 0);
  assert.deepEqual(terminal.client.pairings[0]?.options, { words: 3 });
  assert.match(terminal.stderr.text, /other person runs: {2}postern receive 37-crystal-velvet$/m);
  assert.match(terminal.stderr.text, /^bob came with the code$/m);
  assert.match(terminal.stderr.text, /^delivered by-code\.test\.ts to bob: /m);
  const [sent] = terminal.client.sent;
  assert.ok(sent?.to instanceof FakePaired);
  assert.equal(sent.profile, "end-to-end");
});

test("a transfer by code leaves no contact behind and speaks of none", async () => {
  const sender = new FakeTerminal();
  assert.equal(await sender.run("send", "--text", "x"), 0);
  const receiver = offering(message());
  assert.equal(await receiver.run("receive", CODE), 0);
  for (const { client, stderr } of [sender, receiver]) {
    assert.deepEqual(client.contacts.known, []);
    assert.match(stderr.text, /: [\d.]+ s, 3 session keys$/m);
    assert.doesNotMatch(stderr.text, /contact|next time/);
  }
});

test("send by code closes its source when nobody comes", async () => {
  const terminal = new FakeTerminal();
  terminal.client.onPair = (pairing) => pairing.fail("pairing/expired");
  assert.equal(await terminal.run("send", FILE), 5);
  assert.ok(terminal.sources[0]?.isClosed);
  assert.deepEqual(terminal.client.sent, []);
});

test("receive CODE takes one file from who made the code, unlisted, and ends", async () => {
  const offer = file();
  const terminal = offering(offer);
  assert.equal(await terminal.run("receive", CODE), 0);
  assert.deepEqual(terminal.client.pairings[0]?.options, { code: CODE });
  const [receiving] = terminal.client.received;
  assert.deepEqual(receiving?.profiles, ["end-to-end"]);
  assert.equal(receiving.listed, false);
  assert.ok(receiving.from instanceof FakePaired);
  assert.equal(await offer.decided.promise, "accepted");
  assert.match(terminal.stderr.text, /^received \.\/a\.bin: 4 B/m);
});

test("receive takes the code from POSTERN_CODE, and --code asks for it", async () => {
  const silent = offering(file(), { env: { POSTERN_CODE: CODE } });
  assert.equal(await silent.run("receive"), 0);
  assert.deepEqual(silent.client.pairings[0]?.options, { code: CODE });
  const asked = offering(file(), { isTerminal: true, prompter: new Scripted(CODE, true) });
  assert.equal(await asked.run("receive", "--code"), 0);
  assert.deepEqual(asked.client.pairings[0]?.options, { code: CODE });
});

test("receive CODE asks about a file on a terminal and declines on no, exit 8", async () => {
  const offer = file();
  const prompter = new Scripted(false);
  const terminal = offering(offer, { isTerminal: true, prompter });
  assert.equal(await terminal.run("receive", CODE), 8);
  assert.equal(await offer.decided.promise, "declined");
  assert.deepEqual(prompter.asked, ["Accept a.bin (file, 4 B) from bob, into this folder?"]);
});

test("receive CODE shows a message without a question, and asks with --ask", async () => {
  const terminal = offering(message(), { isTerminal: true });
  assert.equal(await terminal.run("receive", CODE), 0);
  assert.equal(terminal.stdout.text, "  hi\n");
  const prompter = new Scripted(true);
  assert.equal(
    await offering(message(), { isTerminal: true, prompter }).run("receive", CODE, "--ask"),
    0,
  );
  assert.deepEqual(prompter.asked, ["Accept a message from bob, shown here?"]);
});

test("receive CODE refuses --profile, and --ask where nobody can be asked", async () => {
  for (const args of [
    ["--profile", "symmetric"],
    ["--profile", "end-to-end,symmetric"],
    ["--ask"],
  ]) {
    const terminal = offering(file());
    terminal.connect = () => assert.fail("connected");
    assert.equal(await terminal.run("receive", CODE, ...args), 2, args.join(" "));
  }
});

test("receive CODE exits with the code of what went wrong", async () => {
  const broken = file();
  broken.transfer.events.push(failed("transfer/expired"));
  assert.equal(await offering(broken).run("receive", CODE), 5);

  const unsafe = offering(file());
  unsafe.openSink = (path) => {
    if (path !== "") throw new PosternError("store/unsafe-name", "scripted");
    return new FakeSink(path);
  };
  assert.equal(await unsafe.run("receive", CODE), 1);

  for (const [code, exitCode] of [
    ["pairing/unknown-code", 3],
    ["pairing/wrong-code", 6],
    ["pairing/limited", 7],
    ["pairing/cancelled", 8],
    ["pairing/failed", 6],
  ] as const) {
    const terminal = new FakeTerminal();
    terminal.client.onPair = (pairing) => pairing.fail(code);
    assert.equal(await terminal.run("receive", CODE), exitCode, code);
    assert.match(terminal.stderr.text, /^ {2}next: /m);
  }
});

test("receive CODE exits 5 when the sender goes away before it is decided", async () => {
  const offer = file();
  const prompter = new Scripted();
  const asked = Promise.withResolvers<void>();
  prompter.confirm = async ({ signal }) => {
    asked.resolve();
    return await new Promise((resolve) => {
      signal?.addEventListener("abort", () => resolve(undefined));
    });
  };
  const terminal = offering(offer, { isTerminal: true, prompter });
  const running = terminal.run("receive", CODE);
  await asked.promise;
  const error = new PosternError("peer/gone", "scripted");
  terminal.client.offers.push({ type: "withdrawn", id: offer.id, error });
  assert.equal(await running, 5);
});

test("receive CODE does not wait for ever when nothing is offered", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  try {
    const terminal = new FakeTerminal();
    const running = terminal.run("receive", CODE);
    await until(() => terminal.client.received.length > 0);
    await settle();
    mock.timers.tick(60_000);
    assert.equal(await running, 5);
    assert.match(terminal.stderr.text, /^postern: bob did not answer in time$/m);
  } finally {
    mock.timers.reset();
  }
});

test("send and receive by code give their steps as events", async () => {
  const sender = new FakeTerminal();
  await sender.run("send", "--text", "x", "--json");
  const types = sender.events().map(({ type }) => type);
  assert.deepEqual(types.slice(0, 4), ["connected", "code", "met", "offered"]);
  const receiver = offering(message());
  await receiver.run("receive", CODE, "--json");
  assert.deepEqual(
    receiver
      .events()
      .map(({ type }) => type)
      .slice(0, 3),
    ["connected", "met", "offer"],
  );
});

/** Somebody else's key. */
const ANOTHER = "c".repeat(52);

test("C-10 whoever met by a code calls itself like a contact is said not to be it", async () => {
  for (const [names, label] of [
    [{}, "bob"],
    [{ relayName: "other" }, "bob"],
    [{ name: "robert" }, "robert"],
  ] as const)
    for (const args of [
      ["receive", CODE],
      ["send", FILE],
    ]) {
      const terminal = offering(file());
      terminal.client.contacts.known.push(contactOf("bob", { fingerprint: ANOTHER, ...names }));
      assert.equal(await terminal.run(...args), 0);
      assert.match(terminal.stderr.text, new RegExp(`NOT the key of your contact ${label}:`));
    }
  const terminal = offering(file());
  terminal.client.contacts.known.push(contactOf("bob", { trust: "verified" }));
  assert.equal(await terminal.run("receive", CODE), 0);
  assert.doesNotMatch(terminal.stderr.text, /NOT the key/);
});

test("C-10 receive CODE --accept takes a name of its list for the contact of that name alone", async () => {
  for (const [fingerprint, relayName, exitCode] of [
    [ANOTHER, "bob", 8],
    [ANOTHER, "other", 8],
    [undefined, "bob", 0],
  ] as const) {
    const offer = file();
    const terminal = offering(offer);
    const contact = contactOf("bob", { relayName, ...(fingerprint && { fingerprint }) });
    terminal.client.contacts.known.push(contact);
    assert.equal(await terminal.run("receive", CODE, "--accept", "bob"), exitCode);
    assert.equal(await offer.decided.promise, exitCode === 0 ? "accepted" : "declined");
  }
});

test("receive CODE of who is blocked says so, and waits for nothing", async () => {
  const terminal = offering(file());
  terminal.client.contacts.known.push(contactOf("bob", { blocked: true }));
  assert.equal(await terminal.run("receive", CODE), 1);
  assert.match(terminal.stderr.text, /^postern: bob is blocked$/m);
  assert.match(terminal.stderr.text, /"postern contacts unblock bob"/);
  assert.deepEqual(terminal.client.received, []);
});
