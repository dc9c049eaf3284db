import assert from "node:assert/strict";
import { test } from "node:test";
import { PosternError } from "@postern/core/errors";
import { contactOf, WALL_NOW } from "../../test/fake-contacts.ts";
import { FakeTerminal } from "../../test/fake-surroundings.ts";

const HOUR_MS = 3_600_000;

function knowing(): FakeTerminal {
  const terminal = new FakeTerminal();
  const channel = { epoch: 1, transfers: 1, unacknowledged: 0, renewedAt: WALL_NOW - 50 * HOUR_MS };
  terminal.home.contacts.known.push(
    contactOf("bob", {
      trust: "verified",
      channels: [
        { ...channel, role: "sending" },
        { ...channel, role: "receiving", transfers: 7, unacknowledged: 2, renewedAt: WALL_NOW },
      ],
    }),
  );
  return terminal;
}

test("status shows identity, profile, pin and keys and exits 0 when the relay answers", async () => {
  const terminal = knowing();
  terminal.home.pins.push({ address: "relay.example:9999", fingerprint: "s".repeat(52) });
  assert.equal(await terminal.run("status"), 0);
  for (const line of [
    /^name +ann$/m,
    /^passphrase +none: /m,
    /^profile +end-to-end: the relay sees who, when and how much; it cannot read this$/m,
    /^contact +bob: verified$/m,
    /^ +sending +end-to-end, epoch 1, 1 transfer, key 2 days old$/m,
    /^ +receiving +end-to-end, epoch 1, 7 transfers, 2 without a receipt yet, key 0 seconds old$/m,
    /^relay key +rrrr-/m,
    /^other relay +relay\.example:9999 +ssss-/m,
    /^reachable +yes/m,
  ])
    assert.match(terminal.stdout.text, line);
  assert.ok(terminal.client.isClosed && !terminal.home.isOpen);
});

test("status --json gives identity, contacts with their keys, pins and the end", async () => {
  const terminal = knowing();
  assert.equal(await terminal.run("status", "--json"), 0);
  const [identity, contact, pin, , status] = terminal.events();
  const types = terminal.events().map(({ type }) => type);
  assert.deepEqual(types, ["identity", "contact", "relay-pin", "connected", "status"]);
  assert.equal(identity?.["passphrase"], false);
  assert.equal(pin?.["fingerprint"], "r".repeat(52));
  assert.equal(status?.["profile"], "end-to-end");
  assert.deepEqual(contact?.["channels"], [
    {
      profile: "end-to-end",
      role: "sending",
      epoch: 1,
      transfers: 1,
      unacknowledged: 0,
      renewedAt: WALL_NOW - 50 * HOUR_MS,
    },
    {
      profile: "end-to-end",
      role: "receiving",
      epoch: 1,
      transfers: 7,
      unacknowledged: 2,
      renewedAt: WALL_NOW,
    },
  ]);
});

test("status shows what this device has also when no relay answers, and exits 7", async () => {
  const terminal = knowing();
  terminal.connect = () => Promise.reject(new PosternError("relay/unreachable", "x"));
  assert.equal(await terminal.run("status"), 7);
  assert.match(terminal.stdout.text, /^contact +bob: verified$/m);
});

test("status says when a passphrase protects the keys", async () => {
  const terminal = new FakeTerminal({ env: { POSTERN_PASSPHRASE: "x" } });
  terminal.home.passphrase = "x";
  assert.equal(await terminal.run("status"), 0);
  assert.match(terminal.stdout.text, /^passphrase +protects the keys$/m);
});
