import assert from "node:assert/strict";
import { test } from "node:test";
import {
  allDifferent,
  assertWiped,
  CONTEXT,
  RememberingSuite,
  secret,
  STRANGER,
} from "../../../test/exchange-lab.ts";
import type { ExchangeContext } from "../context.ts";
import { deriveSymmetricKeys, nextKeyCheck } from "./keys.ts";

const OUTER = secret("outer", 93);
const MASTER_KEY = secret("master key");
const names = ["transcript", "header", "answer", "receipt", "reverse", "session"] as const;

/** The same transfer with one thing changed. */
const CHANGED: Readonly<Record<string, ExchangeContext>> = {
  relay: { ...CONTEXT, relayFingerprint: secret("another relay") },
  sender: { ...CONTEXT, sender: { ...CONTEXT.sender, id: STRANGER.id } },
  receiver: { ...CONTEXT, receiver: { ...CONTEXT.receiver, id: STRANGER.id } },
  direction: { ...CONTEXT, sender: CONTEXT.receiver, receiver: CONTEXT.sender },
};

test("C-11 C-12 deriveSymmetricKeys() gives each use a key of its own", () => {
  const keys = deriveSymmetricKeys(CONTEXT, OUTER, MASTER_KEY);
  const check = nextKeyCheck(CONTEXT, keys.transcript, MASTER_KEY);
  assert.ok(allDifferent([...names.map((name) => keys[name]), check, MASTER_KEY]));
  for (const name of names) assert.equal(keys[name].length, 32);
});

test("S-01 C-13 deriveSymmetricKeys() depends on relay, both identities and the outer header", () => {
  const keys = deriveSymmetricKeys(CONTEXT, OUTER, MASTER_KEY);
  const others = [
    ...Object.values(CHANGED).map((other) => deriveSymmetricKeys(other, OUTER, MASTER_KEY)),
    deriveSymmetricKeys(CONTEXT, secret("another outer", 93), MASTER_KEY),
  ];
  for (const name of names)
    assert.ok(allDifferent([keys[name], ...others.map((other) => other[name])]), name);
});

test("S-12 deriveSymmetricKeys() moves no byte from one field into the next", () => {
  const shifted = {
    ...CONTEXT,
    relayFingerprint: CONTEXT.relayFingerprint.subarray(0, 31),
  };
  const outer = new Uint8Array([CONTEXT.relayFingerprint[31]!, ...OUTER]);
  const keys = deriveSymmetricKeys(CONTEXT, OUTER, MASTER_KEY);
  const moved = deriveSymmetricKeys(shifted, outer, MASTER_KEY);
  assert.notDeepEqual(moved.transcript, keys.transcript);
});

test("deriveSymmetricKeys() gives other keys for another master key, all but the transcript", () => {
  const keys = deriveSymmetricKeys(CONTEXT, OUTER, MASTER_KEY);
  const others = deriveSymmetricKeys(CONTEXT, OUTER, secret("another master key"));
  for (const name of names.slice(1)) assert.notDeepEqual(others[name], keys[name]);
  assert.deepEqual(others.transcript, keys.transcript);
});

test("nextKeyCheck() depends on the transcript and on the next key", () => {
  const [th, next] = [secret("th"), secret("next")];
  const check = nextKeyCheck(CONTEXT, th, next);
  const other = nextKeyCheck(CONTEXT, secret("another th"), next);
  assert.ok(allDifferent([check, other, nextKeyCheck(CONTEXT, th, secret("another next"))]));
});

test("C-20 deriveSymmetricKeys() and nextKeyCheck() wipe what they extract, and keep the rest", () => {
  const memory = new RememberingSuite();
  const context = { ...CONTEXT, suite: memory.suite };
  const masterKey = MASTER_KEY.slice();
  const keys = deriveSymmetricKeys(context, OUTER, masterKey);
  nextKeyCheck(context, keys.transcript, masterKey);
  assert.equal(memory.extracted.length, 2);
  assertWiped(...memory.extracted);
  assert.deepEqual(masterKey, MASTER_KEY);
});
