import assert from "node:assert/strict";
import { test } from "node:test";
import {
  allDifferent,
  assertWiped,
  isWiped,
  RememberingSuite,
  secret,
} from "../../../test/exchange-lab.ts";
import { hex, label } from "../../bytes.ts";
import { nobleSuite as suite } from "../../crypto/noble-suite.ts";
import { chainSink, chainSource, firstSessionKey } from "./session-chain.ts";

const FIRST = secret("SC_0");
const NO_BODY = new Uint8Array(0);
const source = (memory = suite) => chainSource(memory, { session: FIRST.slice() });
const sink = (memory = suite) => chainSink(memory, { session: FIRST.slice() });

/** docs/protocol-end-to-end.md 7.3.3, step by step. */
function keyAt(j: number): Uint8Array {
  let chainKey: Uint8Array = FIRST;
  for (let i = 1; i < j; i++) chainKey = suite.expand(chainKey, label("e2e session next"), 32);
  return suite.expand(chainKey, label("e2e session key"), 32);
}

test("chainSource() gives SK_1, SK_2 ..., each with an empty body", () => {
  const chain = source();
  for (const j of [1, 2, 3, 4]) assert.deepEqual(chain.next(j), { key: keyAt(j), body: NO_BODY });
});

test("chainSource() may leave numbers out, as after damage", () => {
  const chain = source();
  for (const j of [1, 66, 67, 200]) assert.deepEqual(chain.next(j).key, keyAt(j));
});

test("chainSink() gives the key of any number ahead, as often as it is asked", async () => {
  const chain = sink();
  assert.equal(chain.bodyBytes, 0);
  for (const j of [1, 130, 2, 1]) assert.deepEqual(await chain.open(j, NO_BODY), keyAt(j));
});

test("C-02 chainSink() has no key that is retired, nor any before it", async () => {
  const chain = sink();
  chain.retire(5);
  for (const j of [0, 1, 4, 5]) assert.equal(await chain.open(j, NO_BODY), undefined, `${j}`);
  assert.deepEqual(await chain.open(6, NO_BODY), keyAt(6));
  chain.retire(5);
  assert.deepEqual(await chain.open(7, NO_BODY), keyAt(7), "going back changes nothing");
});

test("session keys of one chain are all different, and firstSessionKey() is SK_1", () => {
  const keys = Array.from({ length: 50 }, (_, i) => keyAt(i + 1));
  assert.ok(allDifferent([...keys, FIRST]));
  assert.deepEqual(firstSessionKey(suite, { session: FIRST }), keyAt(1));
});

test("C-20 a chain erases each step when it has made the next", async () => {
  const memory = new RememberingSuite();
  const session = FIRST.slice();
  const sending = chainSource(memory.suite, { session });
  const { key } = sending.next(3);
  assertWiped(session);
  const left = () => memory.expanded.filter((each) => !isWiped(each));
  const after = left().filter((each) => each !== key);
  assert.equal(after.length, 1, "beside SK_3, which the caller has, only SC_3");
  assert.deepEqual(suite.expand(after[0]!, label("e2e session key"), 32), keyAt(4));
  sending.wipe();
  assert.deepEqual(left(), [key]);
});

test("C-20 looking ahead leaves nothing behind but the key", async () => {
  const memory = new RememberingSuite();
  const session = FIRST.slice();
  const receiving = chainSink(memory.suite, { session });
  const key = await receiving.open(40, NO_BODY);
  assert.deepEqual(
    memory.expanded.filter((each) => !isWiped(each)),
    [key],
  );
  assert.equal(hex(session), hex(FIRST), "nothing is authentic yet: the chain stays");
  receiving.wipe();
  assertWiped(session);
});
