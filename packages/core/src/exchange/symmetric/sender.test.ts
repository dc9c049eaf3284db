import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  assertIgnores,
  assertWiped,
  CONTEXT,
  EVERY_INPUT,
  expectKind,
  HEADER,
  isWiped,
  jobFailed,
  RememberingSuite,
  secret,
} from "../../../test/exchange-lab.ts";
import { label, concat } from "../../bytes.ts";
import type { SenderContext } from "../context.ts";
import type { ExchangeInput, RequestStatus } from "../steps.ts";
import { SINGLE_USE_NONCE } from "../transfer-keys.ts";
import { deriveSymmetricKeys, nextKeyCheck } from "./keys.ts";
import { decodeSymmetricOuter } from "./outer.ts";
import {
  acceptNextSymmetricKey,
  renewSymmetricKey,
  sendNextSymmetricKey,
  startSymmetricSender,
  stepSymmetricSender,
  type SymmetricSenderState,
  type SymmetricSenderStep,
} from "./sender.ts";

const CIPHERTEXT = secret("ciphertext", 384);
const ENCRYPTED: ExchangeInput = { kind: "encrypted", ciphertext: CIPHERTEXT };
const DONE: ExchangeInput = { kind: "key-up-result", status: "done" };
const KEPT: ExchangeInput = { kind: "pair-key-kept" };

/** A sender at its start, with all it does and draws. */
class Sending {
  readonly memory = new RememberingSuite();
  readonly context: SenderContext = { ...CONTEXT, suite: this.memory.suite };
  last: SymmetricSenderStep = startSymmetricSender();

  get state(): SymmetricSenderState {
    return this.last.state;
  }

  step(...inputs: readonly ExchangeInput[]): this {
    for (const input of inputs) this.last = stepSymmetricSender(this.context, this.state, input);
    return this;
  }

  do(door: (context: SenderContext, state: SymmetricSenderState) => SymmetricSenderStep): this {
    this.last = door(this.context, this.state);
    return this;
  }

  receipt(counter: number, check: Uint8Array): this {
    this.last = acceptNextSymmetricKey(this.context, this.state, counter, check);
    return this;
  }
}

const fresh = (counter = 0): Sending =>
  new Sending().step({ kind: "pair-key", kept: undefined, counter });
const freshReady = (counter = 0): Sending => fresh(counter).step(ENCRYPTED, DONE);
const keptReady = (counter = 4, key = secret("kept")): Sending =>
  new Sending().step({ kind: "pair-key", kept: { counter, key }, counter });

/** The next key's check as the receiver would make it. */
/** A label of section 7.1, with what it is bound to. */
function bound(use: string): Uint8Array {
  const { transfer, sender, receiver } = CONTEXT;
  return concat(label(use), transfer, sender.fingerprint, receiver.fingerprint);
}

function checkOf(sending: Sending): Uint8Array {
  const { state } = sending;
  assert.ok("nextKey" in state);
  return nextKeyCheck(CONTEXT, state.keys.transcript, state.nextKey);
}

test("S-14 startSymmetricSender() takes the kept key out of the store before anything else", () => {
  const { state, effects } = startSymmetricSender();
  assert.equal(state.kind, "expect-pair-key");
  assert.deepEqual(effects, [{ kind: "take-pair-key" }]);
});

test("stepSymmetricSender() sends a fresh master key over the relay, then seals the header", () => {
  const sending = fresh(3);
  const [masterKey] = sending.memory.random;
  assert.deepEqual(sending.last.effects, [
    {
      kind: "encrypt-to-relay",
      label: bound("sym-up"),
      plaintext: masterKey,
    },
  ]);
  assert.equal(masterKey?.length, 32);
  const copy = masterKey.slice();
  sending.step(ENCRYPTED);
  assert.deepEqual(sending.last.effects, [{ kind: "key-up", use: "this", ciphertext: CIPHERTEXT }]);
  const { outer, sealedHeader, keys, source, counter } = expectKind(
    sending.step(DONE).state,
    "ready",
  );
  assert.deepEqual({ source, counter }, { source: "fresh-rsa", counter: 3 });
  assert.deepEqual(keys, deriveSymmetricKeys(CONTEXT, outer, copy));
  assert.deepEqual(CONTEXT.suite.open(keys.header, SINGLE_USE_NONCE, outer, sealedHeader), HEADER);
  const { receiver } = CONTEXT;
  const expected = { source, counter, receiver: receiver.fingerprint };
  assert.deepEqual(decodeSymmetricOuter(CONTEXT, outer), expected);
});

test("stepSymmetricSender() uses a kept key without RSA and without chance", () => {
  const sending = keptReady(4);
  const { outer, keys, source, counter } = expectKind(sending.state, "ready");
  assert.deepEqual(sending.last.effects, []);
  assert.deepEqual(sending.memory.random, []);
  assert.deepEqual({ source, counter }, { source: "kept", counter: 4 });
  assert.equal(decodeSymmetricOuter(CONTEXT, outer).source, "kept");
  assert.deepEqual(keys, deriveSymmetricKeys(CONTEXT, outer, secret("kept")));
});

test("sendNextSymmetricKey() sends the next key under its own label and waits for the receipt", () => {
  for (const sending of [freshReady(4), keptReady(4)]) {
    sending.do(sendNextSymmetricKey);
    const next = expectKind(sending.state, "expect-next-encrypted").nextKey;
    assert.deepEqual(sending.last.effects, [
      {
        kind: "encrypt-to-relay",
        label: bound("sym-next-up"),
        plaintext: next,
      },
    ]);
    sending.step(ENCRYPTED);
    const keyUp = { kind: "key-up", use: "next", ciphertext: CIPHERTEXT };
    assert.deepEqual(sending.last.effects, [keyUp]);
    sending.step(DONE).receipt(5, checkOf(sending));
    const keep = { kind: "keep-pair-key", kept: { counter: 5, key: next } };
    assert.deepEqual(sending.last.effects, [keep]);
    assert.deepEqual(sending.step(KEPT).state, { kind: "finished", nextMasterKey: true });
  }
});

test("acceptNextSymmetricKey() takes a receipt that overtook the result of key-up", () => {
  const sending = freshReady().do(sendNextSymmetricKey).step(ENCRYPTED);
  sending.receipt(1, checkOf(sending)).step(DONE, KEPT);
  assert.deepEqual(sending.state, { kind: "finished", nextMasterKey: true });
});

test("S-14 acceptNextSymmetricKey() keeps no key that the receipt does not prove", () => {
  const proofs: readonly ((check: Uint8Array) => readonly [number, Uint8Array])[] = [
    (check) => [0, check],
    (check) => [2, check],
    () => [1, new Uint8Array(32)],
    (check) => [1, check.subarray(0, 31)],
    () => [1, nextKeyCheck(CONTEXT, secret("another th"), secret("random 1"))],
  ];
  for (const proof of proofs) {
    const sending = freshReady().do(sendNextSymmetricKey).step(ENCRYPTED, DONE);
    sending.receipt(...proof(checkOf(sending)));
    assert.deepEqual(sending.state, { kind: "finished", nextMasterKey: false });
    assert.deepEqual(sending.last.effects, []);
    assertWiped(...sending.memory.random);
  }
});

test("S-14 renewSymmetricKey() starts over with a key of its own, once", () => {
  const sending = keptReady(4).do(renewSymmetricKey);
  assert.equal(sending.last.effects[0]?.kind, "encrypt-to-relay");
  const { source, counter, outer } = expectKind(sending.step(ENCRYPTED, DONE).state, "ready");
  assert.deepEqual({ source, counter }, { source: "fresh-rsa", counter: 4 });
  assert.equal(decodeSymmetricOuter(CONTEXT, outer).source, "fresh-rsa");
  const again = expectKind(sending.do(renewSymmetricKey).state, "failed");
  assert.equal(again.error.code, "peer/unexpected-frame");
});

test("renewSymmetricKey() takes key-unknown for a fresh key as the receiver's fault", () => {
  for (const sending of [new Sending(), fresh(), freshReady()]) {
    const { error } = expectKind(sending.do(renewSymmetricKey).state, "failed");
    assert.equal(error.code, "peer/unexpected-frame");
    assert.deepEqual(sending.last.effects, []);
  }
});

test("stepSymmetricSender() says why the relay did not hand the key on, and wipes it", () => {
  const codes: Readonly<Record<Exclude<RequestStatus, "done">, string>> = {
    absent: "peer/absent",
    unknown: "peer/unknown",
    overloaded: "relay/overloaded",
    refused: "peer/profile-refused",
    failed: "relay/refused",
  };
  for (const [status, code] of Object.entries(codes) as [RequestStatus, string][]) {
    const sending = fresh().step(ENCRYPTED, { kind: "key-up-result", status });
    assert.equal(expectKind(sending.state, "failed").error.code, code);
    assertWiped(...sending.memory.random);
    const next = freshReady().do(sendNextSymmetricKey).step(ENCRYPTED);
    next.step({ kind: "key-up-result", status });
    assert.deepEqual(next.state, { kind: "finished", nextMasterKey: false });
    assertWiped(...next.memory.random);
  }
});

test("stepSymmetricSender() fails with the job before the offer, and only loses a key after it", () => {
  const { error } = jobFailed();
  for (const sending of [new Sending(), fresh(), fresh().step(ENCRYPTED)]) {
    assert.deepEqual(sending.step(jobFailed()).state, { kind: "failed", error });
    assertWiped(...sending.memory.random);
  }
  const closing = [[], [ENCRYPTED], [ENCRYPTED, DONE]].map((inputs) =>
    freshReady()
      .do(sendNextSymmetricKey)
      .step(...inputs),
  );
  const keeping = freshReady().do(sendNextSymmetricKey).step(ENCRYPTED, DONE);
  for (const sending of [...closing, keeping.receipt(1, checkOf(keeping))]) {
    sending.step(jobFailed());
    assert.deepEqual(sending.state, { kind: "finished", nextMasterKey: false });
  }
  for (const sending of closing) assertWiped(...sending.memory.random);
});

test("stepSymmetricSender() ignores what its state does not wait for", () => {
  const closing = () => freshReady().do(sendNextSymmetricKey);
  const keeping = closing().step(ENCRYPTED, DONE);
  keeping.receipt(1, checkOf(keeping));
  const states: readonly (readonly [Sending, ExchangeInput["kind"] | undefined])[] = [
    [new Sending(), "pair-key"],
    [fresh(), "encrypted"],
    [fresh().step(ENCRYPTED), "key-up-result"],
    [freshReady(), undefined],
    [closing(), "encrypted"],
    [closing().step(ENCRYPTED), "key-up-result"],
    [closing().step(ENCRYPTED, DONE), undefined],
    [keeping, "pair-key-kept"],
  ];
  for (const [{ context, state }, awaited] of states)
    assertIgnores(
      state,
      (input) => stepSymmetricSender(context, state, input),
      awaited === undefined ? ["job-failed"] : [awaited, "job-failed"],
    );
});

test("the doors of the closing exchange change nothing before their time", () => {
  for (const sending of [new Sending(), fresh(), fresh().step(ENCRYPTED)]) {
    const { state } = sending;
    assert.equal(sending.do(sendNextSymmetricKey).state, state);
    assert.equal(sending.receipt(1, secret("check")).state, state);
  }
  const ready = freshReady();
  const { state } = ready;
  assert.equal(ready.receipt(1, secret("check")).state, state);
  const sent = ready.do(sendNextSymmetricKey);
  const closing = sent.state;
  assert.equal(sent.do(sendNextSymmetricKey).state, closing);
  assert.deepEqual(sent.last.effects, []);
});

test("C-20 stepSymmetricSender() wipes each master key once the transfer's keys are there", () => {
  const sending = freshReady();
  assert.equal(sending.memory.random.length, 1);
  assertWiped(...sending.memory.random, ...sending.memory.extracted);
  const key = secret("kept");
  keptReady(4, key);
  assertWiped(key);
  const { keys } = expectKind(sending.state, "ready");
  assert.ok(!isWiped(keys.header) && !isWiped(keys.session), "still needed");
});

test("S-14 two transfers never share a master key, a transcript or a key", () => {
  const context = { ...CONTEXT, suite: CONTEXT.suite };
  const ready = () => {
    let { state } = startSymmetricSender();
    for (const input of [
      { kind: "pair-key", kept: undefined, counter: 0 } as const,
      ENCRYPTED,
      DONE,
    ])
      ({ state } = stepSymmetricSender(context, state, input));
    return expectKind(state, "ready");
  };
  assert.notDeepEqual(ready().keys.header, ready().keys.header);
});

test("C-20 stepSymmetricSender() throws in no order of inputs, and fails with no key left", () => {
  const moves: readonly ((sending: Sending) => Sending)[] = [
    ...[...EVERY_INPUT, DONE].map((input) => (sending: Sending) => sending.step(input)),
    (sending) => sending.do(sendNextSymmetricKey),
    (sending) => sending.receipt(1, secret("check")),
  ];
  fc.assert(
    fc.property(fc.array(fc.nat(moves.length - 1), { maxLength: 12 }), (order) => {
      const sending = fresh();
      for (const index of order) moves[index]!(sending);
      if (sending.state.kind === "failed") assertWiped(...sending.memory.random);
    }),
  );
});
