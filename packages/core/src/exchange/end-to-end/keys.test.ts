import assert from "node:assert/strict";
import { test } from "node:test";
import {
  allDifferent,
  assertWiped,
  CONTEXT,
  isWiped,
  RememberingSuite,
  secret,
  STRANGER,
} from "../../../test/exchange-lab.ts";
import { concat, label } from "../../bytes.ts";
import { nobleSuite as suite } from "../../crypto/noble-suite.ts";
import {
  deriveInitKeys,
  deriveOpenKeys,
  noKemSecret,
  saltedKey,
  saltKeys,
  withoutKem,
  type DerivedKeys,
  type OpenBase,
} from "./keys.ts";

const CIPHERTEXT = secret("ciphertext", 1_120);
const OUTER = concat(secret("clear", 113), CIPHERTEXT);
const SHARED = secret("shared");
const INIT = { package: secret("package", 1_352), pairingSecret: undefined };
const OPEN: OpenBase = {
  channel: secret("channel"),
  transcript: secret("transcript"),
  publicKey: secret("key", 1_216),
  chainKey: secret("chain key"),
};
const USES = ["header", "answer", "receipt", "reverse", "session"] as const;

const init = (
  base = INIT,
  context = CONTEXT,
  outer = OUTER,
  ciphertext = CIPHERTEXT,
  kem = SHARED,
) => deriveInitKeys(context, outer, ciphertext, base, kem.slice());
const open = (base = OPEN, outer = OUTER, ciphertext = CIPHERTEXT, kem = SHARED) =>
  deriveOpenKeys(suite, outer, ciphertext, base, kem.slice());

function all({ keys, nextChainKey }: DerivedKeys): readonly Uint8Array[] {
  return [...USES.map((use) => keys[use]), nextChainKey];
}

function assertAllDiffer(derived: readonly DerivedKeys[]): void {
  for (const at of all(derived[0]!).keys())
    assert.ok(allDifferent(derived.map((each) => all(each)[at]!)), `${at}`);
}

test("C-12 deriveInitKeys() and deriveOpenKeys() give each use a key of its own", () => {
  for (const derived of [init(), open()]) {
    const keys = [...all(derived), derived.keys.transcript];
    assert.ok(allDifferent([...keys, SHARED, OPEN.chainKey]));
    for (const key of keys) assert.equal(key.length, 32);
  }
});

test("C-08 C-13 deriveInitKeys() depends on ends, package, outer header, ciphertext and secrets", () => {
  const stranger = { ...CONTEXT, sender: { ...CONTEXT.sender, id: STRANGER.id } };
  const other = { ...CONTEXT, receiver: { ...CONTEXT.receiver, id: STRANGER.id } };
  const turned = { ...CONTEXT, sender: CONTEXT.receiver, receiver: CONTEXT.sender };
  const derived = [
    init(),
    init(INIT, stranger),
    init(INIT, other),
    init(INIT, turned),
    init({ ...INIT, package: secret("another package", 1_352) }),
    init(INIT, CONTEXT, concat(secret("another clear", 113), CIPHERTEXT)),
    init(INIT, CONTEXT, OUTER, secret("another ciphertext", 1_120)),
    init(INIT, CONTEXT, OUTER, CIPHERTEXT, secret("another secret")),
    deriveInitKeys(
      CONTEXT,
      OUTER,
      CIPHERTEXT,
      { ...INIT, pairingSecret: secret("p") },
      SHARED.slice(),
    ),
    deriveInitKeys(
      CONTEXT,
      OUTER,
      CIPHERTEXT,
      { ...INIT, pairingSecret: secret("q") },
      SHARED.slice(),
    ),
  ];
  assertAllDiffer(derived);
});

test("C-02 C-08 deriveOpenKeys() depends on channel, history, key, outer header, ct and secrets", () => {
  const derived = [
    open(),
    open({ ...OPEN, channel: secret("another channel") }),
    open({ ...OPEN, transcript: secret("another history") }),
    open({ ...OPEN, publicKey: secret("another key", 1_216) }),
    open({ ...OPEN, chainKey: secret("another chain key") }),
    open({ ...OPEN, channel: OPEN.transcript, transcript: OPEN.channel }),
    open(OPEN, concat(secret("another clear", 113), CIPHERTEXT)),
    open(OPEN, OUTER, secret("another ciphertext", 1_120)),
    open(OPEN, OUTER, CIPHERTEXT, secret("another secret")),
    init(),
  ];
  assertAllDiffer(derived);
});

test("S-12 deriveInitKeys() moves no byte from one field into the next", () => {
  const shifted = { ...INIT, package: concat(INIT.package, CIPHERTEXT.subarray(0, 1)) };
  const moved = init(shifted, CONTEXT, OUTER, CIPHERTEXT.subarray(1));
  assert.notDeepEqual(moved.keys.transcript, init().keys.transcript);
});

test("C-12 a pairing's secret and a chain key are not taken for each other", () => {
  const transcript = init().keys.transcript;
  const asPairing = { ...INIT, pairingSecret: OPEN.chainKey };
  const paired = deriveInitKeys(CONTEXT, OUTER, CIPHERTEXT, asPairing, SHARED.slice());
  assert.deepEqual(paired.keys.transcript, transcript);
  assert.notDeepEqual(paired.keys.header, open().keys.header);
});

test("C-20 derivation wipes the KEM's secret and the master key, and nothing of the caller's", () => {
  const memory = new RememberingSuite();
  const shared = SHARED.slice();
  const context = { ...CONTEXT, suite: memory.suite };
  const derived = deriveInitKeys(context, OUTER, CIPHERTEXT, INIT, shared);
  assertWiped(shared);
  const left = memory.expanded.filter((key) => !isWiped(key));
  assert.deepEqual(new Set(left), new Set(all(derived)));
  const base = { ...OPEN, chainKey: OPEN.chainKey.slice() };
  deriveOpenKeys(memory.suite, OUTER, CIPHERTEXT, base, SHARED.slice());
  assert.deepEqual(base, OPEN);
});

test("C-04 saltKeys() replaces what the receiver seals under, by its salt, and wipes the old", () => {
  const { keys } = init();
  const { answer, reverse } = keys;
  const copies = { ...keys, answer: answer.slice(), reverse: reverse.slice() };
  const salted = saltKeys(suite, keys, secret("salt"));
  assertWiped(answer, reverse);
  const other = saltKeys(
    suite,
    { ...copies, answer: copies.answer.slice(), reverse: copies.reverse.slice() },
    secret("another salt"),
  );
  for (const use of ["answer", "reverse"] as const) {
    assert.ok(allDifferent([salted[use], other[use], copies[use]]));
    const info = concat(label(`e2e salted ${use}`), secret("salt"));
    assert.deepEqual(salted[use], suite.expand(copies[use], info, 32));
  }
  for (const use of ["header", "receipt", "session", "transcript"] as const)
    assert.equal(salted[use], copies[use]);
});

test("C-12 saltedKey() gives each use its own key under one salt", () => {
  const uses = ["answer", "reverse", "receipt"] as const;
  const made = uses.map((use) => saltedKey(suite, secret("key"), use, secret("salt")));
  assert.ok(allDifferent([...made, secret("key")]));
});

test("C-04 withoutKem() draws a ciphertext of the usual length each time", () => {
  const [one, two] = [withoutKem(suite), withoutKem(suite)];
  assert.equal(one.ciphertext.length, 1_120);
  assert.notDeepEqual(one.ciphertext, two.ciphertext);
  assert.deepEqual(one.secret, noKemSecret());
  // Each is wiped by who derives from it.
  assert.notEqual(one.secret, two.secret);
});
