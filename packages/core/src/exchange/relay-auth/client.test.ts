import assert from "node:assert/strict";
import { test } from "node:test";
import {
  challenged,
  LabClient,
  LabRelay,
  responded,
  spkiOf,
  suite,
  toySeal,
} from "../../../test/relay-auth-lab.ts";
import { concat } from "../../bytes.ts";
import { authLabel, authPlaintext } from "./transcript.ts";

function code(client: LabClient): string {
  return client.state.kind === "failed" ? client.state.error.code : client.state.kind;
}

test("startClientAuth() sends a fresh nonce and its certificate", () => {
  const [first, second] = [new LabClient("alice").open(), new LabClient("alice").open()];
  assert.equal(first.nonce.length, 32);
  assert.notDeepEqual(first.nonce, second.nonce);
  assert.deepEqual(first.certificate, second.certificate);
});

test("C-01 stepClientAuth() refuses a challenge with any byte changed", () => {
  for (const field of ["spki", "ciphertext"] as const)
    for (const at of [0, 17, 63]) {
      const { client, challenge } = challenged();
      const changed = challenge[field].slice();
      changed[at]! ^= 1;
      assert.equal(client.challenge({ ...challenge, [field]: changed }), undefined);
      assert.equal(code(client), "link/authentication-failed", `${field} ${at}`);
    }
});

test("C-01 stepClientAuth() refuses a confirmation with any byte changed", () => {
  for (const at of [0, 17, 31]) {
    const { client, relay, response } = responded();
    const mac = relay.respond(response)?.mac.slice();
    assert(mac !== undefined);
    mac[at]! ^= 1;
    client.confirm({ kind: "auth-confirm", mac });
    assert.equal(code(client), "link/authentication-failed");
  }
});

test("C-02 stepClientAuth() refuses its own MAC sent back, and a replayed run", () => {
  const { client, response } = responded();
  client.confirm({ kind: "auth-confirm", mac: response.mac });
  assert.equal(code(client), "link/authentication-failed");

  const old = responded();
  const confirm = old.relay.respond(old.response);
  assert(confirm !== undefined);
  const again = new LabClient("alice");
  again.open();
  assert(again.challenge(old.challenge) !== undefined, "it cannot know yet");
  again.confirm(confirm);
  assert.equal(code(again), "link/authentication-failed");
});

test("S-01 stepClientAuth() is no oracle: it answers nothing to another client's challenge", () => {
  const { challenge } = challenged(new LabClient("bob"), new LabRelay("relay", "bob"));
  const { client } = challenged();
  assert.equal(client.challenge(challenge), undefined);
  assert.equal(code(client), "link/authentication-failed");
  assert.deepEqual(
    client.sent.map(({ kind }) => kind),
    ["auth-open"],
  );
});

test("S-01 neither side ever sends what it decrypted, nor its hash", () => {
  const { client, relay, response } = responded();
  const waiting = relay.states.find((state) => state.kind === "sealing");
  assert(waiting?.kind === "sealing");
  const secret = waiting.secret.slice();
  relay.respond(response);
  const sent = [...client.sent, ...relay.sent].flatMap((frame) =>
    Object.values(frame).filter((value) => value instanceof Uint8Array),
  );
  assert(sent.length > 5);
  for (const known of [secret, suite.sha256(secret)])
    for (const bytes of sent) assert.equal(Buffer.from(bytes).indexOf(known), -1);
});

test("S-02 stepClientAuth() refuses a relay that shows its own key back to it", () => {
  const { client, challenge } = challenged();
  const spki = client.context.ownSpki;
  assert.equal(client.challenge({ ...challenge, spki }), undefined);
  assert.equal(code(client), "link/own-key");
});

test("S-02 a relay in the middle cannot lend a client's proof to another relay (Lowe)", () => {
  // Alice talks to Mallory's relay, which opens a link to the honest one in her name.
  for (const shown of ["mallory", "relay"]) {
    const alice = new LabClient("alice", "mallory");
    const honest = new LabRelay("relay", "alice");
    const challenge = honest.open(alice.open(), alice.context.ownSpki);
    assert(challenge !== undefined);
    const response = alice.challenge({ ...challenge, spki: spkiOf(shown) });
    if (shown === "mallory") {
      assert.equal(response, undefined, "the name inside is not Mallory's");
      assert.equal(code(alice), "link/authentication-failed");
    } else {
      assert(response !== undefined);
      assert.equal(honest.respond(response), undefined, "Alice proved herself to Mallory's link");
      assert.equal(honest.state.kind, "failed");
    }
  }
});

test("S-02 stepClientAuth() refuses a challenge with another prefix, length or label", () => {
  const secret = suite.random(32);
  const relaySpki = spkiOf("relay");
  const good = authPlaintext(suite, "challenge", secret, relaySpki);
  const cases: readonly (readonly [string, Uint8Array, Uint8Array, boolean])[] = [
    ["as it should be", good, authLabel("challenge"), true],
    ["the other label", good, authLabel("response"), false],
    ["a byte more", concat(good, Uint8Array.of(0)), authLabel("challenge"), false],
    ["a byte less", good.subarray(0, -1), authLabel("challenge"), false],
    ["nothing", new Uint8Array(0), authLabel("challenge"), false],
    [
      "the other prefix",
      authPlaintext(suite, "response", secret, relaySpki),
      authLabel("challenge"),
      false,
    ],
  ];
  for (const [what, plaintext, label, holds] of cases) {
    const client = new LabClient("alice");
    client.open();
    const ciphertext = toySeal(client.context.ownSpki, label, plaintext);
    const response = client.challenge({ kind: "auth-challenge", spki: relaySpki, ciphertext });
    assert.equal(response !== undefined, holds, what);
  }
});

test("C-12 stepClientAuth() fails on whatever comes out of turn", () => {
  const confirm = { kind: "auth-confirm", mac: new Uint8Array(32) } as const;
  const early = new LabClient("alice");
  early.open();
  early.confirm(confirm);
  assert.equal(code(early), "link/unexpected-frame");
  const { client, challenge } = responded();
  client.challenge(challenge);
  assert.equal(code(client), "link/unexpected-frame");
  client.confirm(confirm);
  assert.equal(code(client), "link/unexpected-frame", "and stays failed");
});

test("stepClientAuth() fails for a relay key that is none, and wipes both secrets", () => {
  const { client } = responded();
  const sealing = client.states.find((state) => state.kind === "sealing");
  assert(sealing?.kind === "sealing");
  for (const secret of [sealing.relaySecret, sealing.clientSecret])
    assert(secret.length === 32 && secret.every((byte) => byte === 0));

  const refused = new LabClient("alice");
  refused.open();
  const spki = spkiOf("relay");
  const plaintext = authPlaintext(suite, "challenge", suite.random(32), spki);
  const ciphertext = toySeal(refused.context.ownSpki, authLabel("challenge"), plaintext);
  refused.refuseToSeal = true;
  assert.equal(refused.challenge({ kind: "auth-challenge", spki, ciphertext }), undefined);
  assert.equal(code(refused), "link/authentication-failed");
  const failing = refused.states.find((state) => state.kind === "sealing");
  assert(failing?.kind === "sealing" && failing.clientSecret.every((byte) => byte === 0));
});
