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
import { concat, utf8 } from "../../bytes.ts";
import type { AuthResponseFrame } from "../../link.ts";
import { authLabel, authMacs, authPlaintext, openedSecret } from "./transcript.ts";

const CLIENT_KEY = spkiOf("alice");

test("stepRelayAuth() and stepClientAuth() prove to each other which keys they hold", () => {
  const { client, relay, response } = responded();
  const confirm = relay.respond(response);
  assert(confirm !== undefined);
  client.confirm(confirm);
  assert.deepEqual(relay.state, { kind: "authenticated", fingerprint: suite.sha256(CLIENT_KEY) });
  assert.deepEqual(client.state, { kind: "authenticated", fingerprint: suite.sha256(relay.spki) });
});

test("C-01 stepRelayAuth() refuses a response with any byte changed", () => {
  for (const field of ["ciphertext", "mac"] as const)
    for (const at of [0, 17, -1]) {
      const { relay, response } = responded();
      assert.equal(
        relay.respond({ ...response, [field]: flipped(response[field], at) }),
        undefined,
      );
      assert.equal(relay.state.kind, "failed", `${field} ${at}`);
    }
});

test("C-01 stepRelayAuth() refuses a client that saw another nonce, key or challenge", () => {
  const { client, relay } = challenged();
  const nonce = new LabRelay();
  const other = nonce.open(
    { kind: "auth-open", nonce: suite.random(32), certificate: utf8("-") },
    CLIENT_KEY,
  );
  const response = other && client.challenge(other);
  assert(response !== undefined, "the client cannot know yet");
  assert.equal(nonce.respond(response), undefined);
  assert.equal(relay.respond(response), undefined, "nor does it fit the client's own challenge");
  assert.deepEqual([nonce.state.kind, relay.state.kind], ["failed", "failed"]);
});

test("stepRelayAuth() refuses another client's ID and another relay's fingerprint", () => {
  const asBob = responded(new LabClient("bob", "relay", CLIENT_KEY));
  assert.equal(asBob.relay.respond(asBob.response), undefined);
  const elsewhere = responded(new LabClient("alice", "another relay"));
  assert.equal(elsewhere.relay.respond(elsewhere.response), undefined);
  const control = responded();
  assert(control.relay.respond(control.response) !== undefined);
});

test("S-01 stepRelayAuth() is no oracle: another's response looks like any other failure", () => {
  const { response } = responded(new LabClient("alice"), new LabRelay());
  const garbage = suite.random(384);
  const outcomes = [response.ciphertext, garbage].map((ciphertext) => {
    const { relay } = challenged(new LabClient("mallory"), new LabRelay("relay", "mallory"));
    assert.equal(
      relay.respond({ kind: "auth-response", ciphertext, mac: response.mac }),
      undefined,
    );
    return { state: relay.state, jobs: relay.jobs, sent: relay.sent.map(({ kind }) => kind) };
  });
  assert.deepEqual(outcomes[0], outcomes[1]);
  assert.deepEqual(outcomes[0], {
    state: { kind: "failed" },
    jobs: ["encrypt", "decrypt"],
    sent: ["auth-challenge"],
  });
});

test("C-02 stepRelayAuth() refuses a replayed response and its own challenge sent back", () => {
  const first = responded();
  assert(first.relay.respond(first.response) !== undefined);
  const again = challenged();
  assert.equal(again.relay.respond(first.response), undefined);
  const reflected = challenged();
  const { ciphertext } = reflected.challenge;
  const mac = new Uint8Array(32);
  assert.equal(reflected.relay.respond({ kind: "auth-response", ciphertext, mac }), undefined);
});

test("startRelayAuth() refuses a client that presents the relay's own key", () => {
  const relay = new LabRelay();
  const client = new LabClient("alice", "relay", relay.spki);
  assert.equal(relay.open(client.open(), relay.spki), undefined);
  assert.deepEqual([relay.state.kind, relay.jobs], ["failed", []]);
});

test("S-02 stepRelayAuth() refuses a secret with another name, prefix or length inside", () => {
  const good = (secret: Uint8Array): Uint8Array =>
    authPlaintext(suite, "response", secret, CLIENT_KEY);
  const cases: readonly (readonly [string, (secret: Uint8Array) => Uint8Array, boolean])[] = [
    ["as it should be", good, true],
    [
      "the relay's name",
      (secret) => authPlaintext(suite, "response", secret, spkiOf("relay")),
      false,
    ],
    ["the other prefix", (secret) => authPlaintext(suite, "challenge", secret, CLIENT_KEY), false],
    ["a byte more", (secret) => concat(good(secret), Uint8Array.of(0)), false],
    ["a byte less", (secret) => good(secret).subarray(0, -1), false],
  ];
  for (const [what, plaintext, holds] of cases) {
    const { relay, response } = forge(plaintext);
    assert.equal(relay.respond(response) !== undefined, holds, what);
  }
});

test("S-02 stepRelayAuth() takes no response under the other direction's label", () => {
  const good = (secret: Uint8Array): Uint8Array =>
    authPlaintext(suite, "response", secret, CLIENT_KEY);
  const { relay, response } = forge(good, authLabel("challenge"));
  assert.equal(relay.respond(response), undefined);
});

test("S-02 stepRelayAuth() refuses a MAC over no secret for a response that does not open", () => {
  const { relay, response } = forge(
    () => new Uint8Array(0),
    authLabel("response"),
    new Uint8Array(32),
  );
  assert.equal(relay.respond(response), undefined);
  assert.equal(relay.state.kind, "failed");
});

test("C-12 stepRelayAuth() fails on whatever comes out of turn, and stays failed", () => {
  const response = {
    kind: "auth-response",
    ciphertext: new Uint8Array(384),
    mac: CLIENT_KEY,
  } as const;
  const inputs = [
    { kind: "frame", frame: response },
    { kind: "encrypted", ciphertext: new Uint8Array(384) },
    { kind: "encrypted", ciphertext: undefined },
    { kind: "decrypted", plaintext: new Uint8Array(69) },
    { kind: "decrypted", plaintext: undefined },
  ] as const;
  const { relay, challenge } = challenged();
  for (const input of inputs.slice(1)) {
    const fresh = challenged().relay;
    fresh.step(input);
    assert.equal(fresh.state.kind, "failed");
    fresh.respond(response);
    assert.equal(fresh.state.kind, "failed");
  }
  assert.equal(relay.state.kind, "expect-response");
  assert.equal(challenge.spki, relay.spki);
});

test("stepRelayAuth() wipes its secret whether the proof holds or not", () => {
  for (const holds of [true, false]) {
    const { relay, response } = responded();
    const waiting = relay.state;
    assert(waiting.kind === "expect-response" && waiting.secret.some((byte) => byte !== 0));
    relay.respond(holds ? response : { ...response, mac: new Uint8Array(32) });
    assert.equal(relay.state.kind, holds ? "authenticated" : "failed");
    assert(waiting.secret.every((byte) => byte === 0));
  }
});

/** A client that knows the protocol and puts what it likes into its ciphertext. */
function forge(
  plaintext: (secret: Uint8Array) => Uint8Array,
  label = authLabel("response"),
  secret = suite.random(32),
): { relay: LabRelay; response: AuthResponseFrame } {
  const { client, relay, challenge } = challenged();
  const waiting = relay.state;
  assert(waiting.kind === "expect-response");
  const opened = authPlaintext(suite, "challenge", waiting.secret, relay.spki);
  const relaySecret = openedSecret(suite, "challenge", opened, relay.spki);
  assert(relaySecret !== undefined);
  const ciphertext = toySeal(relay.spki, label, plaintext(secret));
  const exchanged = {
    clientSpki: CLIENT_KEY,
    relaySpki: relay.spki,
    nonce: waiting.nonce,
    challenge: challenge.ciphertext,
    response: ciphertext,
  };
  const { client: mac } = authMacs(client.context, exchanged, relaySecret, secret);
  return { relay, response: { kind: "auth-response", ciphertext, mac } };
}

function flipped(bytes: Uint8Array, at: number): Uint8Array {
  const changed = bytes.slice();
  changed[at < 0 ? changed.length + at : at]! ^= 1;
  return changed;
}
