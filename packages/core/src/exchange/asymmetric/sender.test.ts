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
import { concat } from "../../bytes.ts";
import type { SenderContext } from "../context.ts";
import type { ExchangeInput } from "../steps.ts";
import { SINGLE_USE_NONCE } from "../transfer-keys.ts";
import { deriveAsymmetricKeys, masterKeyLabel, signedHeader } from "./keys.ts";
import { decodeAsymmetricOuter } from "./outer.ts";
import {
  startAsymmetricSender,
  stepAsymmetricSender,
  type AsymmetricSenderState,
  type AsymmetricSenderStep,
} from "./sender.ts";

const CERTIFICATE = secret("certificate", 500);
const CIPHERTEXT = secret("ciphertext", 384);
const SIGNATURE = secret("signature", 384);
const PEER_SPKI = secret("receiver's SPKI", 422);
const SIGNED: ExchangeInput = { kind: "signed", signature: SIGNATURE };
const SEALED: ExchangeInput = {
  kind: "sealed-to-peer",
  ciphertext: CIPHERTEXT,
  ownCertificate: CERTIFICATE,
  peerSpki: PEER_SPKI,
};

/** A sender at its start, with all it does, draws and derives. */
class Sending {
  readonly memory = new RememberingSuite();
  readonly context: SenderContext = { ...CONTEXT, suite: this.memory.suite };
  last: AsymmetricSenderStep = startAsymmetricSender(this.context);

  get state(): AsymmetricSenderState {
    return this.last.state;
  }

  step(...inputs: readonly ExchangeInput[]): this {
    for (const input of inputs) this.last = stepAsymmetricSender(this.context, this.state, input);
    return this;
  }
}

test("startAsymmetricSender() seals a fresh master key to the peer, bound to the transfer", () => {
  const { memory, last } = new Sending();
  const [plaintext] = memory.random;
  assert.equal(plaintext?.length, 32);
  const bound = masterKeyLabel(CONTEXT.transfer);
  assert.deepEqual(last.effects, [{ kind: "seal-to-peer", label: bound, plaintext }]);
});

test("S-10 stepAsymmetricSender() signs the header itself, then seals it with its signature", () => {
  const sending = new Sending();
  const masterKey = sending.memory.random[0]!.slice();
  sending.step(SEALED);
  const { outer } = expectKind(sending.state, "expect-signature");
  const keys = deriveAsymmetricKeys(CONTEXT, outer, PEER_SPKI, masterKey);
  const message = signedHeader(CONTEXT, keys.transcript, HEADER, CIPHERTEXT);
  assert.deepEqual(sending.last.effects, [{ kind: "sign", message }]);

  const ready = expectKind(sending.step(SIGNED).state, "ready");
  assert.deepEqual(ready.keys, keys);
  assert.deepEqual([ready.source, ready.counter], ["fresh-rsa", 0]);
  assert.deepEqual(sending.last.effects, []);
  const opened = CONTEXT.suite.open(keys.header, SINGLE_USE_NONCE, outer, ready.sealedHeader);
  const length = Uint8Array.of(0, 0, 0, HEADER.length);
  assert.deepEqual(opened, concat(length, HEADER, SIGNATURE));
  const receiver = CONTEXT.receiver.fingerprint;
  const decoded = { receiver, certificate: CERTIFICATE, ciphertext: CIPHERTEXT };
  assert.deepEqual(decodeAsymmetricOuter(CONTEXT, outer), decoded);
});

test("stepAsymmetricSender() fails with the job that failed, before the offer", () => {
  const { error } = jobFailed();
  for (const inputs of [[], [SEALED]]) {
    const sending = new Sending().step(...inputs, jobFailed());
    assert.deepEqual(sending.state, { kind: "failed", error });
    assert.deepEqual(sending.last.effects, []);
  }
});

test("C-20 stepAsymmetricSender() wipes the master key when used, and all keys when it fails", () => {
  const good = new Sending().step(SEALED);
  assertWiped(...good.memory.random, ...good.memory.extracted);
  const { keys } = expectKind(good.step(SIGNED).state, "ready");
  assert.ok(!isWiped(keys.header) && !isWiped(keys.session), "still needed");

  assertWiped(...new Sending().step(jobFailed()).memory.random);
  const { memory } = new Sending().step(SEALED, jobFailed());
  assert.equal(memory.expanded.length, 5);
  assertWiped(...memory.random, ...memory.extracted, ...memory.expanded);
});

test("stepAsymmetricSender() ignores what its state does not wait for", () => {
  const states: readonly (readonly [Sending, readonly ExchangeInput["kind"][]])[] = [
    [new Sending(), ["sealed-to-peer", "job-failed"]],
    [new Sending().step(SEALED), ["signed", "job-failed"]],
    [new Sending().step(SEALED, SIGNED), ["job-failed"]],
    [new Sending().step(jobFailed()), ["job-failed"]],
  ];
  for (const [{ context, state }, awaited] of states)
    assertIgnores(state, (input) => stepAsymmetricSender(context, state, input), awaited);
  for (const state of [
    { kind: "expect-receipt" },
    { kind: "finished", nextMasterKey: false },
  ] as const)
    assertIgnores<AsymmetricSenderState>(
      state,
      (input) => stepAsymmetricSender(new Sending().context, state, input),
      ["job-failed"],
    );
});

test("stepAsymmetricSender() throws in no order of inputs", () => {
  const inputs = [...EVERY_INPUT, SEALED, SIGNED];
  fc.assert(
    fc.property(fc.array(fc.nat(inputs.length - 1), { maxLength: 6 }), (order) => {
      const sending = new Sending().step(...order.map((index) => inputs[index]!));
      if (sending.state.kind === "failed") assertWiped(...sending.memory.random);
    }),
  );
});
