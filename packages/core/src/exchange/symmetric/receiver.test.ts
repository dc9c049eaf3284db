import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  assertIgnores,
  assertWiped,
  CONTEXT,
  expectKind,
  flipped,
  HEADER,
  isWiped,
  jobFailed,
  OTHER_TRANSFER,
  otherLengths,
  put,
  RememberingSuite,
  secret,
  STRANGER,
} from "../../../test/exchange-lab.ts";
import { concat, label } from "../../bytes.ts";
import type { ExchangeContext } from "../context.ts";
import type { ExchangeInput, KeptKey, OfferedBytes } from "../steps.ts";
import { SINGLE_USE_NONCE, type TransferKeys } from "../transfer-keys.ts";
import { deriveSymmetricKeys, nextKeyCheck } from "./keys.ts";
import { encodeSymmetricOuter } from "./outer.ts";
import {
  receiveMasterKey,
  receiveNextMasterKey,
  receiveSymmetricOffer,
  stepSymmetricReceiver,
  type SymmetricReceiverState,
  type SymmetricReceiverStep,
} from "./receiver.ts";

const CIPHERTEXT = secret("ciphertext", 384);
const MASTER_KEY = secret("master key");
const NEXT_KEY = secret("next master key");
const KEPT: ExchangeInput = { kind: "pair-key-kept" };
const FRESH = offerUnder(MASTER_KEY, "fresh-rsa", 2);
const UNDER_KEPT = offerUnder(MASTER_KEY, "kept", 4);

function offerUnder(
  masterKey: Uint8Array,
  source: "fresh-rsa" | "kept",
  counter: number,
  context: ExchangeContext = CONTEXT,
): OfferedBytes {
  const outer = encodeSymmetricOuter(context, { source, counter });
  const keys = deriveSymmetricKeys(context, outer, masterKey);
  return { outer, sealedHeader: context.suite.seal(keys.header, SINGLE_USE_NONCE, outer, HEADER) };
}

function decrypted(plaintext: Uint8Array | undefined): ExchangeInput {
  return { kind: "decrypted", plaintext: plaintext?.slice(), ownSpki: new Uint8Array(1) };
}

function pairKey(kept: KeptKey | undefined): ExchangeInput {
  return { kind: "pair-key", kept, counter: kept?.counter ?? 0 };
}

/** A receiver at its start, with all it does and derives. */
class Receiving {
  readonly memory = new RememberingSuite();
  readonly context: ExchangeContext = { ...CONTEXT, suite: this.memory.suite };
  last: SymmetricReceiverStep = { state: { kind: "idle" }, effects: [] };

  get state(): SymmetricReceiverState {
    return this.last.state;
  }

  keyDown(use: "this" | "next" = "this"): this {
    const receive = use === "this" ? receiveMasterKey : receiveNextMasterKey;
    this.last = receive(this.context, this.state, CIPHERTEXT);
    return this;
  }

  offer(offered: OfferedBytes = FRESH): this {
    this.last = receiveSymmetricOffer(this.context, this.state, offered);
    return this;
  }

  step(...inputs: readonly ExchangeInput[]): this {
    for (const input of inputs) this.last = stepSymmetricReceiver(this.context, this.state, input);
    return this;
  }
}

const holding = (): Receiving => new Receiving().keyDown().step(decrypted(MASTER_KEY));
const ready = (): Receiving => holding().offer();
const keyAsked = (): Receiving => new Receiving().offer(UNDER_KEPT);

test("receiveMasterKey() opens the key under the label of this transfer, its ends and use (S-01)", () => {
  const { effects } = new Receiving().keyDown().last;
  const { transfer, sender, receiver } = CONTEXT;
  const ends = concat(transfer, sender.fingerprint, receiver.fingerprint);
  const bound = concat(label("sym-down"), ends);
  assert.deepEqual(effects, [{ kind: "decrypt", label: bound, ciphertext: CIPHERTEXT }]);
  const next = concat(label("sym-next-down"), ends);
  const decrypt = { kind: "decrypt", label: next, ciphertext: CIPHERTEXT };
  assert.deepEqual(ready().keyDown("next").last.effects, [decrypt]);
});

test("stepSymmetricReceiver() is ready when key and offer are there, in either order", () => {
  const early = new Receiving().keyDown().offer().step(decrypted(MASTER_KEY));
  for (const { state, last } of [ready(), early]) {
    const { keys, header, source, counter } = expectKind(state, "ready");
    assert.deepEqual(last.effects, []);
    assert.deepEqual(
      { header, source, counter },
      { header: HEADER, source: "fresh-rsa", counter: 2 },
    );
    assert.deepEqual(keys, deriveSymmetricKeys(CONTEXT, FRESH.outer, MASTER_KEY));
  }
});

test("stepSymmetricReceiver() uses the kept key that an offer names", () => {
  const receiving = keyAsked();
  assert.deepEqual(receiving.last.effects, [{ kind: "load-pair-key" }]);
  receiving.step(pairKey({ counter: 4, key: MASTER_KEY.slice() }));
  const { header, source, counter } = expectKind(receiving.state, "ready");
  assert.deepEqual({ header, source, counter }, { header: HEADER, source: "kept", counter: 4 });
});

test("S-11 S-14 stepSymmetricReceiver() knows no key that was used, or has another counter", () => {
  const cases = [undefined, 3, 5, 0].map((counter) =>
    counter === undefined ? undefined : { counter, key: MASTER_KEY.slice() },
  );
  for (const kept of cases) {
    const receiving = keyAsked().step(pairKey(kept));
    assert.deepEqual(receiving.state, { kind: "key-unknown" });
    if (kept !== undefined) assertWiped(kept.key);
  }
  assert.deepEqual(keyAsked().step(jobFailed()).state, { kind: "key-unknown" });
});

test("stepSymmetricReceiver() asks for a fresh key when its kept one opens nothing", () => {
  const key = secret("another kept key");
  const receiving = keyAsked().step(pairKey({ counter: 4, key }));
  assert.deepEqual(receiving.state, { kind: "key-unknown" });
  assertWiped(key);
  receiving.keyDown().step(decrypted(MASTER_KEY)).offer();
  assert.equal(receiving.state.kind, "ready");
});

test("S-01 stepSymmetricReceiver() takes no master key of another transfer, label or length", () => {
  const other = { ...CONTEXT, transfer: OTHER_TRANSFER };
  const replayed = offerUnder(MASTER_KEY, "fresh-rsa", 2, other);
  assert.deepEqual(holding().offer(replayed).state, { kind: "invalid" });
  const moved = {
    outer: put(replayed.outer, 13, CONTEXT.transfer),
    sealedHeader: replayed.sealedHeader,
  };
  assert.deepEqual(holding().offer(moved).state, { kind: "invalid" });
  // What was encrypted under another label does not open: the driver has no plaintext.
  for (const plaintext of [undefined, ...otherLengths(MASTER_KEY)]) {
    const receiving = new Receiving().keyDown().step(decrypted(plaintext));
    assert.deepEqual(receiving.state, { kind: "invalid" });
  }
  const wrong = new Receiving().keyDown().step(decrypted(NEXT_KEY)).offer();
  assert.deepEqual(wrong.state, { kind: "invalid" });
});

test("C-13 receiveSymmetricOffer() takes no key of another pair or relay", () => {
  const others: readonly ExchangeContext[] = [
    { ...CONTEXT, relayFingerprint: secret("another relay") },
    { ...CONTEXT, sender: { ...CONTEXT.sender, id: STRANGER.id } },
    { ...CONTEXT, receiver: { ...CONTEXT.receiver, id: STRANGER.id } },
    { ...CONTEXT, sender: CONTEXT.receiver, receiver: CONTEXT.sender },
    { ...CONTEXT, sender: STRANGER },
  ];
  for (const other of others) {
    const offered = offerUnder(MASTER_KEY, "fresh-rsa", 2, other);
    assert.notEqual(holding().offer(offered).state.kind, "ready");
  }
});

test("C-18 receiveSymmetricOffer() tells an offer for another receiver from an invalid one", () => {
  const elsewhere = offerUnder(MASTER_KEY, "fresh-rsa", 2, { ...CONTEXT, receiver: STRANGER });
  for (const receiving of [holding(), new Receiving()])
    assert.deepEqual(receiving.offer(elsewhere).state, { kind: "wrong-receiver" });
});

test("C-12 receiveSymmetricOffer() refuses an offer whose key came another way", () => {
  const offers: readonly Receiving[] = [
    new Receiving().offer(),
    holding().offer(UNDER_KEPT),
    new Receiving().keyDown().offer(UNDER_KEPT),
    new Receiving().keyDown().offer().offer(),
    keyAsked().offer(UNDER_KEPT),
  ];
  for (const { state } of offers) assert.deepEqual(state, { kind: "invalid" });
});

test("C-01 receiveSymmetricOffer() is ready for no offer with any bit turned", () => {
  for (let bit = 0; bit < FRESH.outer.length * 8; bit++) {
    const offered = { ...FRESH, outer: flipped(FRESH.outer, bit) };
    assert.notEqual(holding().offer(offered).state.kind, "ready", `outer ${bit}`);
  }
  for (let bit = 0; bit < FRESH.sealedHeader.length * 8; bit++) {
    const offered = { ...FRESH, sealedHeader: flipped(FRESH.sealedHeader, bit) };
    assert.deepEqual(holding().offer(offered).state, { kind: "invalid" }, `header ${bit}`);
  }
});

test("P-01 receiveSymmetricOffer() refuses every other length", () => {
  for (const outer of otherLengths(FRESH.outer))
    assert.deepEqual(holding().offer({ ...FRESH, outer }).state, { kind: "invalid" });
  for (const sealedHeader of otherLengths(FRESH.sealedHeader))
    assert.deepEqual(holding().offer({ ...FRESH, sealedHeader }).state, { kind: "invalid" });
});

test("receiveSymmetricOffer() never throws and is never ready, whatever the bytes", () => {
  const arbitrary = fc.uint8Array({ maxLength: 256 });
  const outers = fc.oneof(arbitrary, fc.constant(FRESH.outer));
  fc.assert(
    fc.property(outers, arbitrary, (outer, sealedHeader) => {
      assert.notEqual(holding().offer({ outer, sealedHeader }).state.kind, "ready");
    }),
  );
});

test("receiveNextMasterKey() keeps the next key before it says so", () => {
  const receiving = ready().keyDown("next").step(decrypted(NEXT_KEY));
  const { keys } = expectKind(receiving.state, "expect-kept");
  const keep = { kind: "keep-pair-key", kept: { counter: 3, key: NEXT_KEY } };
  assert.deepEqual(receiving.last.effects, [keep]);
  const check = nextKeyCheck(CONTEXT, keys.transcript, NEXT_KEY);
  assert.deepEqual(receiving.step(KEPT).state, { kind: "finished", counter: 3, check });
});

test("S-14 stepSymmetricReceiver() finishes with no next key that it could not keep", () => {
  const failures = [
    ready().keyDown("next").step(decrypted(undefined)),
    ready()
      .keyDown("next")
      .step(decrypted(secret("short", 31))),
    ready().keyDown("next").step(jobFailed()),
    ready().keyDown("next").step(decrypted(NEXT_KEY), jobFailed()),
  ];
  for (const receiving of failures) {
    assert.equal(receiving.state.kind, "ready");
    assert.deepEqual(receiving.last.effects, []);
    receiving.keyDown("next").step(decrypted(NEXT_KEY), KEPT);
    assert.equal(receiving.state.kind, "finished");
  }
});

test("C-02 master keys out of turn change nothing", () => {
  for (const receiving of [new Receiving().keyDown(), holding(), ready(), keyAsked()]) {
    const { state } = receiving;
    assert.equal(receiving.keyDown().state, state);
    assert.deepEqual(receiving.last.effects, []);
  }
  const closing = ready().keyDown("next");
  for (const receiving of [new Receiving(), holding(), keyAsked(), closing]) {
    const { state } = receiving;
    assert.equal(receiving.keyDown("next").state, state);
    assert.deepEqual(receiving.last.effects, []);
  }
});

test("stepSymmetricReceiver() ignores what its state does not wait for", () => {
  const states: readonly (readonly [Receiving, readonly ExchangeInput["kind"][]])[] = [
    [new Receiving(), []],
    [new Receiving().keyDown(), ["decrypted", "job-failed"]],
    [holding(), []],
    [keyAsked(), ["pair-key", "job-failed"]],
    [ready(), []],
    [ready().keyDown("next"), ["decrypted", "job-failed"]],
    [ready().keyDown("next").step(decrypted(NEXT_KEY)), ["pair-key-kept", "job-failed"]],
    [ready().keyDown("next").step(decrypted(NEXT_KEY), KEPT), []],
    [keyAsked().step(pairKey(undefined)), []],
    [new Receiving().offer(), []],
  ];
  for (const [{ context, state }, awaited] of states)
    assertIgnores(state, (input) => stepSymmetricReceiver(context, state, input), awaited);
});

test("stepSymmetricReceiver() takes a job that failed for a key that does not open", () => {
  assert.deepEqual(new Receiving().keyDown().step(jobFailed()).state, { kind: "invalid" });
});

test("C-20 stepSymmetricReceiver() wipes the master key, and all keys when the header fails", () => {
  const plaintext = MASTER_KEY.slice();
  const input: ExchangeInput = { kind: "decrypted", plaintext, ownSpki: new Uint8Array(1) };
  const good = new Receiving().keyDown().step(input).offer();
  assertWiped(plaintext, ...good.memory.extracted);
  const keys: TransferKeys = expectKind(good.state, "ready").keys;
  assert.ok(!isWiped(keys.header) && !isWiped(keys.session), "still needed");

  const sealedHeader = flipped(FRESH.sealedHeader, 0);
  const again = MASTER_KEY.slice();
  const bad = new Receiving().keyDown().step({ ...input, plaintext: again });
  bad.offer({ ...FRESH, sealedHeader });
  assert.equal(bad.memory.expanded.length, 5);
  assertWiped(again, ...bad.memory.extracted, ...bad.memory.expanded);
});
