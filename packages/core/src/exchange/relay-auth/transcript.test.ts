/** `vectors/relay-auth.json`: one proof, from both ends, with keys that anybody may use. */
import assert from "node:assert/strict";
import { constants, createPrivateKey, privateDecrypt } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { hex } from "../../bytes.ts";
import type { Suite } from "../../crypto.ts";
import { nobleSuite } from "../../crypto/noble-suite.ts";
import { startClientAuth, stepClientAuth, type ClientAuthInput } from "./client.ts";
import { startRelayAuth, stepRelayAuth, type RelayAuthInput } from "./relay.ts";
import { authKey, authMacs, authTranscript } from "./transcript.ts";

interface Sealed {
  readonly label: string;
  readonly plaintext: string;
  readonly ciphertext: string;
}

interface RelayAuthVector {
  readonly relayFingerprint: string;
  readonly id: string;
  readonly client: { readonly spki: string; readonly pkcs8: string };
  readonly relay: { readonly spki: string; readonly pkcs8: string };
  readonly nonce: string;
  readonly relaySecret: string;
  readonly clientSecret: string;
  readonly challenge: Sealed;
  readonly response: Sealed;
  readonly transcript: string;
  readonly key: string;
  readonly clientMac: string;
  readonly relayMac: string;
}

const FILE = join(import.meta.dirname, "../../../../../vectors/relay-auth.json");
const vector = JSON.parse(readFileSync(FILE, "utf8")) as RelayAuthVector;
const { challenge, response } = vector;
const context = {
  suite: nobleSuite,
  relayFingerprint: unhex(vector.relayFingerprint),
  id: unhex(vector.id),
};
const clientSpki = unhex(vector.client.spki);
const relaySpki = unhex(vector.relay.spki);
const nonce = unhex(vector.nonce);

test("vectors/relay-auth.json: both ciphertexts open under their labels alone", () => {
  for (const [pkcs8, own, other] of [
    [vector.client.pkcs8, challenge, response],
    [vector.relay.pkcs8, response, challenge],
  ] as const) {
    assert.equal(hex(decrypt(pkcs8, own.label, own.ciphertext)), own.plaintext);
    assert.throws(() => decrypt(pkcs8, other.label, own.ciphertext));
  }
});

test("authTranscript(), authKey() and authMacs() give vectors/relay-auth.json", () => {
  const exchanged = {
    clientSpki,
    relaySpki,
    nonce,
    challenge: unhex(challenge.ciphertext),
    response: unhex(response.ciphertext),
  };
  const [relaySecret, clientSecret] = [unhex(vector.relaySecret), unhex(vector.clientSecret)];
  const transcript = authTranscript(context, exchanged);
  assert.equal(hex(transcript), vector.transcript);
  assert.equal(hex(authKey(nobleSuite, transcript, relaySecret, clientSecret)), vector.key);
  const macs = authMacs(context, exchanged, relaySecret, clientSecret);
  assert.equal(hex(macs.client), vector.clientMac);
  assert.equal(hex(macs.relay), vector.relayMac);
});

test("stepClientAuth() plays the client of vectors/relay-auth.json", () => {
  const suite = replaying([vector.nonce, vector.clientSecret]);
  const client = { ...context, suite, ownSpki: clientSpki, certificate: Uint8Array.of(1) };
  let { state, effects } = startClientAuth(client);
  const step = (input: ClientAuthInput): void => {
    ({ state, effects } = stepClientAuth(client, state, input));
  };
  const [open] = effects;
  assert(open?.kind === "send" && open.frame.kind === "auth-open");
  assert.equal(hex(open.frame.nonce), vector.nonce);
  const ciphertext = unhex(challenge.ciphertext);
  step({ kind: "frame", frame: { kind: "auth-challenge", spki: relaySpki, ciphertext } });
  const [opening] = effects;
  assert(opening?.kind === "decrypt");
  const opened = decrypt(vector.client.pkcs8, hex(opening.label), hex(opening.ciphertext));
  step({ kind: "decrypted", plaintext: opened });
  const [sealing] = effects;
  assert(sealing?.kind === "encrypt");
  assert.deepEqual(sealing.to, relaySpki);
  assert.equal(hex(sealing.label), response.label);
  assert.equal(hex(sealing.plaintext), response.plaintext);
  step({ kind: "encrypted", ciphertext: unhex(response.ciphertext) });
  const [answer] = effects;
  assert(answer?.kind === "send" && answer.frame.kind === "auth-response");
  assert.equal(hex(answer.frame.mac), vector.clientMac);
  step({ kind: "frame", frame: { kind: "auth-confirm", mac: unhex(vector.relayMac) } });
  assert.deepEqual(state, {
    kind: "authenticated",
    fingerprint: nobleSuite.sha256(relaySpki),
  });
});

test("stepRelayAuth() plays the relay of vectors/relay-auth.json", () => {
  const relay = { ...context, suite: replaying([vector.relaySecret]) };
  let { state, effects } = startRelayAuth(relay, { relaySpki, clientSpki, nonce });
  const step = (input: RelayAuthInput): void => {
    ({ state, effects } = stepRelayAuth(relay, state, input));
  };
  const [sealing] = effects;
  assert(sealing?.kind === "encrypt");
  assert.deepEqual(sealing.to, clientSpki);
  assert.equal(hex(sealing.label), challenge.label);
  assert.equal(hex(sealing.plaintext), challenge.plaintext);
  step({ kind: "encrypted", ciphertext: unhex(challenge.ciphertext) });
  const ciphertext = unhex(response.ciphertext);
  const mac = unhex(vector.clientMac);
  step({ kind: "frame", frame: { kind: "auth-response", ciphertext, mac } });
  const [opening] = effects;
  assert(opening?.kind === "decrypt");
  assert.deepEqual(opening.own, relaySpki);
  const opened = decrypt(vector.relay.pkcs8, hex(opening.label), hex(opening.ciphertext));
  step({ kind: "decrypted", plaintext: opened });
  assert.deepEqual(state, {
    kind: "authenticated",
    fingerprint: nobleSuite.sha256(clientSpki),
  });
  const [confirm] = effects;
  assert(confirm?.kind === "send" && confirm.frame.kind === "auth-confirm");
  assert.equal(hex(confirm.frame.mac), vector.relayMac);
});

/** The suite with recorded chance. */
function replaying(random: readonly string[]): Suite {
  const values = random.map(unhex);
  return {
    ...nobleSuite,
    random: () => values.shift() ?? assert.fail("more chance than recorded"),
  };
}

function decrypt(pkcs8: string, label: string, ciphertext: string): Uint8Array {
  const key = createPrivateKey({ key: Buffer.from(pkcs8, "hex"), format: "der", type: "pkcs8" });
  const padding = constants.RSA_PKCS1_OAEP_PADDING;
  const oaep = { padding, oaepHash: "sha256", oaepLabel: Buffer.from(label, "hex") };
  return new Uint8Array(privateDecrypt({ key, ...oaep }, Buffer.from(ciphertext, "hex")));
}

function unhex(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, "hex"));
}
