/** What a person is told about whom it is: first use, verified, and a key that changed. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { PosternError } from "@postern/core/errors";
import type { ContentInfo } from "@postern/client";
import { contactOf, PEER_FINGERPRINT } from "../../test/fake-contacts.ts";
import { FakeOffer } from "../../test/fake-client.ts";
import { FakeTerminal } from "../../test/fake-surroundings.ts";
import { until } from "../../test/until.ts";

const OTHER_KEY = "c".repeat(52);
const NETWORK_WORDS = /network|connection|try again|unreachable|timed? ?out/i;
const INFO: ContentInfo = { kind: "file", name: "a.bin", size: 4 };

function fileOf(from: string, fingerprint = PEER_FINGERPRINT): FakeOffer {
  return new FakeOffer(from, INFO, new Uint8Array(4), { fingerprint });
}

test("C-10 send stops at a changed key with exit 9, and never calls it the network", async () => {
  const terminal = new FakeTerminal();
  terminal.client.contacts.known.push(contactOf("bob"));
  terminal.client.onSend = () => Promise.reject(new PosternError("peer/key-changed", "x"));
  assert.equal(await terminal.run("send", "--text", "x", "--to", "bob", "--json"), 9);
  assert.match(terminal.stderr.text, /^postern: STOPPED - the key of bob has changed$/m);
  assert.match(terminal.stderr.text, /nothing was sent or taken; ask bob over another way/);
  assert.doesNotMatch(terminal.stderr.text, NETWORK_WORDS);
  assert.deepEqual(terminal.events().at(-1), { type: "error", code: "peer/key-changed" });
});

test("C-10 receive refuses whoever bears a contact's name with another key, unasked", async () => {
  const terminal = new FakeTerminal();
  terminal.client.contacts.known.push(contactOf("robert", { relayName: "bob" }));
  const impostor = fileOf("bob", OTHER_KEY);
  terminal.client.offers.push({ type: "offer", offer: impostor });
  const running = terminal.run("receive", "--accept", "all", "--once");
  assert.equal(await impostor.decided.promise, "declined");
  await until(() => terminal.stderr.text.includes("next:"));
  assert.match(terminal.stderr.text, /^postern: STOPPED - the key of robert has changed$/m);
  assert.match(terminal.stderr.text, /"postern contacts remove robert"/);
  // The real one is still taken.
  terminal.client.offers.push({ type: "offer", offer: fileOf("robert") });
  assert.equal(await running, 0);
});

test("C-11 receive --accept NAME means the contact, not whoever uses its name", async () => {
  const terminal = new FakeTerminal();
  terminal.client.contacts.known.push(contactOf("bob", { relayName: "robert" }));
  const namesake = fileOf("bob", OTHER_KEY);
  terminal.client.offers.push({ type: "offer", offer: namesake });
  const running = terminal.run("receive", "--accept", "bob", "--once");
  assert.equal(await namesake.decided.promise, "declined");
  await until(() => terminal.stderr.text.includes("declined"));
  assert.match(terminal.stderr.text, /this is NOT your contact bob/);
  terminal.client.offers.push({ type: "offer", offer: fileOf("bob") });
  assert.equal(await running, 0);
});

test("C-10 send says a first contact aloud, with its key and how to verify, also when quiet", async () => {
  const terminal = new FakeTerminal();
  assert.equal(await terminal.run("send", "--text", "x", "--to", "bob", "-q"), 0);
  const [first, how] = terminal.stderr.text.split("\n");
  assert.match(first!, /^first contact with bob: its key is kept .+ bbbb-bbbb-bbbb\.\.\.$/);
  assert.match(how!, /nobody has verified that this is bob; .+"postern contacts verify bob"$/);
});

test("send calls a contact made by this very transfer a first one, later ones not", async () => {
  const terminal = new FakeTerminal();
  const send = terminal.client.onSend;
  terminal.client.onSend = async (options) => {
    terminal.client.contacts.known.push(contactOf("bob"));
    return await send(options);
  };
  assert.equal(await terminal.run("send", "--text", "x", "--to", "bob", "--json"), 0);
  const first = terminal.events().find(({ type }) => type === "first-contact");
  assert.equal(first?.["fingerprint"], PEER_FINGERPRINT);

  const later = new FakeTerminal();
  later.client.contacts.known.push(contactOf("bob"));
  assert.equal(await later.run("send", "--text", "x", "--to", "bob"), 0);
  assert.doesNotMatch(later.stderr.text, /first contact/);
  assert.match(later.stderr.text, /^bob is a contact: not verified$/m);
});

test("send and receive say in words that a contact is verified", async () => {
  const sender = new FakeTerminal();
  sender.client.contacts.known.push(contactOf("bob", { trust: "verified" }));
  assert.equal(await sender.run("send", "--text", "x", "--to", "bob"), 0);
  assert.match(sender.stderr.text, /^bob is a contact: verified$/m);

  const receiver = new FakeTerminal();
  receiver.client.contacts.known.push(contactOf("bob", { trust: "verified" }));
  receiver.client.offers.push({ type: "offer", offer: fileOf("bob") });
  assert.equal(await receiver.run("receive", "--accept", "bob", "--once", "--json"), 0);
  assert.match(receiver.stderr.text, /^bob \(verified\) offers a\.bin/m);
  const offer = receiver.events().find(({ type }) => type === "offer");
  assert.equal(offer?.["trust"], "verified");
});

test("receive tells a contact by its key, whatever the first offer made of it", async () => {
  const terminal = new FakeTerminal();
  terminal.client.offers.push({ type: "offer", offer: fileOf("bob") });
  const running = terminal.run("receive", "--accept", "all");
  await until(() => terminal.stderr.text.includes("received ./a.bin"));
  terminal.client.contacts.known.push(contactOf("bob"));
  terminal.client.offers.push({ type: "offer", offer: fileOf("bob") });
  await until(() => terminal.stderr.text.split("received ./a.bin").length > 2);
  assert.equal(terminal.stderr.text.split("first contact with bob").length, 2, "only once");
  assert.match(terminal.stderr.text, /^bob \(not verified\) offers/m);
  terminal.process.emit("SIGINT");
  assert.equal(await running, 130);
});

test("receivers shows whom one knows, and who has a contact's name with another key", async () => {
  const terminal = new FakeTerminal();
  terminal.client.contacts.known.push(
    contactOf("robert", { relayName: "bob", trust: "verified" }),
    contactOf("carl", { fingerprint: "d".repeat(52) }),
  );
  const receiver = { free: 1, profiles: ["end-to-end"] as const };
  terminal.client.listed.push(
    { ...receiver, name: "bob", fingerprint: PEER_FINGERPRINT },
    { ...receiver, name: "carl", fingerprint: OTHER_KEY },
    { ...receiver, name: "dora", fingerprint: "e".repeat(52) },
  );
  assert.equal(await terminal.run("receivers"), 0);
  assert.match(terminal.stdout.text, /^bob +verified: robert +1 free/m);
  assert.match(terminal.stdout.text, /^carl +KEY CHANGED +1 free/m);
  assert.match(terminal.stdout.text, /^dora +no contact +1 free/m);
});

test("send names the way of the master key and that keys were renewed", async () => {
  for (const [profile, source, sentence, renewed] of [
    [
      "end-to-end",
      "key-package",
      /for a key package of the receiver; a new channel/,
      /channel begins/,
    ],
    [
      "end-to-end",
      "channel",
      /^master key 4: fresh, by a step of the open channel$/m,
      /channel begins/,
    ],
    ["symmetric", "kept", /^master key 4: kept from the last transfer/m, /a fresh one goes by RSA/],
  ] as const) {
    const terminal = new FakeTerminal();
    const send = terminal.client.onSend;
    terminal.client.onSend = async (options) => {
      const transfer = await send(options);
      const events = [{ type: "key-renewed" }, { type: "master-key", source, counter: 4 }] as const;
      transfer.events.unshift(...events);
      return transfer;
    };
    await terminal.run("send", "--text", "x", "--to", "bob", "--profile", profile);
    assert.match(terminal.stderr.text, sentence);
    assert.match(terminal.stderr.text, renewed);
  }
});
