import assert from "node:assert/strict";
import { test } from "node:test";
import {
  allDifferent,
  assertWiped,
  CONTEXT,
  HEADER,
  OTHER_TRANSFER,
  RememberingSuite,
  secret,
  STRANGER,
} from "../../../test/exchange-lab.ts";
import { concat, label } from "../../bytes.ts";
import type { ExchangeContext } from "../context.ts";
import { deriveSymmetricKeys } from "../symmetric/keys.ts";
import { deriveAsymmetricKeys, masterKeyLabel, signedHeader } from "./keys.ts";
import { sessionSecretLabel } from "./oaep-session-keys.ts";

const OUTER = secret("outer", 960);
const SPKI = secret("receiver's SPKI", 422);
const MASTER_KEY = secret("master key");
const CIPHERTEXT = secret("ciphertext", 384);
const TH = secret("th");
const names = ["transcript", "header", "answer", "receipt", "reverse", "session"] as const;

/** The same transfer with one thing changed. */
const CHANGED: readonly ExchangeContext[] = [
  { ...CONTEXT, relayFingerprint: secret("another relay") },
  { ...CONTEXT, sender: { ...CONTEXT.sender, id: STRANGER.id } },
  { ...CONTEXT, receiver: { ...CONTEXT.receiver, id: STRANGER.id } },
  { ...CONTEXT, sender: CONTEXT.receiver, receiver: CONTEXT.sender },
];

test("C-11 C-12 deriveAsymmetricKeys() gives each use and each profile a key of its own", () => {
  const keys = deriveAsymmetricKeys(CONTEXT, OUTER, SPKI, MASTER_KEY);
  const symmetric = deriveSymmetricKeys(CONTEXT, OUTER, MASTER_KEY);
  const all = names.flatMap((name) => [keys[name], symmetric[name]]);
  assert.ok(allDifferent([...all, MASTER_KEY]));
  for (const name of names) assert.equal(keys[name].length, 32);
});

test("C-13 deriveAsymmetricKeys() depends on relay, identities, outer header and RSA key", () => {
  const derived = [
    deriveAsymmetricKeys(CONTEXT, OUTER, SPKI, MASTER_KEY),
    ...CHANGED.map((other) => deriveAsymmetricKeys(other, OUTER, SPKI, MASTER_KEY)),
    deriveAsymmetricKeys(CONTEXT, secret("another outer", 960), SPKI, MASTER_KEY),
    deriveAsymmetricKeys(CONTEXT, OUTER, secret("another SPKI", 422), MASTER_KEY),
  ];
  for (const name of names) assert.ok(allDifferent(derived.map((keys) => keys[name])), name);
});

test("deriveAsymmetricKeys() gives other keys for another master key, all but the transcript", () => {
  const keys = deriveAsymmetricKeys(CONTEXT, OUTER, SPKI, MASTER_KEY);
  const others = deriveAsymmetricKeys(CONTEXT, OUTER, SPKI, secret("another master key"));
  for (const name of names.slice(1)) assert.notDeepEqual(others[name], keys[name]);
  assert.deepEqual(others.transcript, keys.transcript);
});

test("S-01 the OAEP labels differ by use and by transfer", () => {
  const labels = [CONTEXT.transfer, OTHER_TRANSFER].flatMap((transfer) => [
    masterKeyLabel(transfer),
    sessionSecretLabel(transfer),
  ]);
  assert.ok(allDifferent(labels));
  assert.deepEqual(labels[0], concat(label("asym-master"), CONTEXT.transfer));
  assert.deepEqual(labels[1], concat(label("asym-session"), CONTEXT.transfer));
});

test("C-18 signedHeader() covers transcript, header, both ends and the ciphertext", () => {
  const ends = [
    CONTEXT,
    { ...CONTEXT, sender: STRANGER },
    { ...CONTEXT, receiver: STRANGER },
    { ...CONTEXT, sender: CONTEXT.receiver, receiver: CONTEXT.sender },
  ];
  const messages = [
    ...ends.map((context) => signedHeader(context, TH, HEADER, CIPHERTEXT)),
    signedHeader(CONTEXT, secret("another th"), HEADER, CIPHERTEXT),
    signedHeader(CONTEXT, TH, HEADER.slice(1), CIPHERTEXT),
    signedHeader(CONTEXT, TH, HEADER, secret("another ciphertext", 384)),
  ];
  assert.ok(allDifferent(messages));
});

test("C-12 signedHeader() begins with a label that nothing else is signed under", () => {
  const message = signedHeader(CONTEXT, TH, HEADER, CIPHERTEXT);
  const start = concat(label("asym header"), TH);
  assert.deepEqual(message.subarray(0, start.length), start);
  assert.equal(message.length, start.length + 32);
});

test("C-20 deriveAsymmetricKeys() wipes what it extracts, and keeps the master key", () => {
  const memory = new RememberingSuite();
  const masterKey = MASTER_KEY.slice();
  deriveAsymmetricKeys({ ...CONTEXT, suite: memory.suite }, OUTER, SPKI, masterKey);
  assert.equal(memory.extracted.length, 1);
  assertWiped(...memory.extracted);
  assert.deepEqual(masterKey, MASTER_KEY);
});
