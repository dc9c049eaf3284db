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
import { ByteWriter, concat } from "../../bytes.ts";
import { HEADER_BYTES_MAX } from "../../limits.ts";
import type { ExchangeContext } from "../context.ts";
import type { ExchangeInput, OfferedBytes } from "../steps.ts";
import { SINGLE_USE_NONCE } from "../transfer-keys.ts";
import { deriveAsymmetricKeys, masterKeyLabel, signedHeader } from "./keys.ts";
import { encodeAsymmetricOuter } from "./outer.ts";
import {
  receiveAsymmetricOffer,
  stepAsymmetricReceiver,
  type AsymmetricReceiverState,
  type AsymmetricReceiverStep,
} from "./receiver.ts";

const CERTIFICATE = secret("certificate", 500);
const CIPHERTEXT = secret("ciphertext", 384);
const SIGNATURE = secret("signature", 384);
const OWN_SPKI = secret("receiver's SPKI", 422);
const MASTER_KEY = secret("master key");
const VALID: ExchangeInput = { kind: "verified", valid: true };
const SEALED = new ByteWriter().lv(HEADER).raw(SIGNATURE).bytes();
const OFFER = offerOf(SEALED);

function offerOf(
  plaintext: Uint8Array,
  context: ExchangeContext = CONTEXT,
  masterKey = MASTER_KEY,
): OfferedBytes {
  const given = { certificate: CERTIFICATE, ciphertext: CIPHERTEXT };
  const outer = encodeAsymmetricOuter(context, given);
  const { header } = deriveAsymmetricKeys(context, outer, OWN_SPKI, masterKey);
  const sealedHeader = context.suite.seal(header, SINGLE_USE_NONCE, outer, plaintext);
  return { outer, sealedHeader };
}

function decrypted(plaintext: Uint8Array | undefined, ownSpki = OWN_SPKI): ExchangeInput {
  return { kind: "decrypted", plaintext: plaintext?.slice(), ownSpki };
}

/** A receiver at its start, with all it does and derives. */
class Receiving {
  readonly memory = new RememberingSuite();
  readonly context: ExchangeContext = { ...CONTEXT, suite: this.memory.suite };
  last: AsymmetricReceiverStep = { state: { kind: "idle" }, effects: [] };

  get state(): AsymmetricReceiverState {
    return this.last.state;
  }

  offer(offered: OfferedBytes = OFFER): this {
    this.last = receiveAsymmetricOffer(this.context, this.state, offered);
    return this;
  }

  step(...inputs: readonly ExchangeInput[]): this {
    for (const input of inputs) this.last = stepAsymmetricReceiver(this.context, this.state, input);
    return this;
  }
}

const verifying = (offered = OFFER): Receiving =>
  new Receiving().offer(offered).step(decrypted(MASTER_KEY));

test("receiveAsymmetricOffer() opens the master key under this transfer's label (S-01)", () => {
  const { state, effects } = new Receiving().offer().last;
  assert.equal(state.kind, "decrypting");
  const bound = masterKeyLabel(CONTEXT.transfer);
  assert.deepEqual(effects, [{ kind: "decrypt", label: bound, ciphertext: CIPHERTEXT }]);
});

test("stepAsymmetricReceiver() has the signature checked before anything is believed", () => {
  const receiving = verifying();
  const keys = deriveAsymmetricKeys(CONTEXT, OFFER.outer, OWN_SPKI, MASTER_KEY);
  const message = signedHeader(CONTEXT, keys.transcript, HEADER, CIPHERTEXT);
  const verify = { certificate: CERTIFICATE, message, signature: SIGNATURE };
  assert.deepEqual(receiving.last.effects, [{ kind: "verify", ...verify }]);
  assert.equal(receiving.state.kind, "verifying");
  const ready = expectKind(receiving.step(VALID).state, "ready");
  assert.deepEqual(ready, { kind: "ready", keys, header: HEADER, source: "fresh-rsa", counter: 0 });
  assert.deepEqual(receiving.last.effects, []);
});

test("S-10 stepAsymmetricReceiver() ends as invalid when the signature does not hold", () => {
  for (const input of [{ kind: "verified", valid: false } as const, jobFailed()]) {
    const receiving = verifying().step(input);
    assert.deepEqual(receiving.last, { state: { kind: "invalid" }, effects: [] });
    assert.deepEqual(receiving.step(VALID).state, { kind: "invalid" }, "there is no way back");
  }
});

test("S-10 C-18 stepAsymmetricReceiver() has the very header checked that it will use", () => {
  const message = (offered: OfferedBytes): Uint8Array =>
    expectKind(verifying(offered).last.effects[0], "verify").message;
  const other = new ByteWriter().lv(concat(HEADER, Uint8Array.of(0))).raw(SIGNATURE);
  assert.notDeepEqual(message(offerOf(other.bytes())), message(OFFER));
});

test("S-01 stepAsymmetricReceiver() takes no master key of another transfer, key or length", () => {
  const other = { ...CONTEXT, transfer: OTHER_TRANSFER };
  assert.deepEqual(new Receiving().offer(offerOf(SEALED, other)).state, { kind: "invalid" });
  // What was encrypted under another label does not open: the driver has no plaintext.
  for (const plaintext of [undefined, secret("another key")]) {
    const receiving = new Receiving().offer().step(decrypted(plaintext));
    assert.deepEqual(receiving.last, { state: { kind: "invalid" }, effects: [] });
  }
  for (const masterKey of otherLengths(MASTER_KEY)) {
    const receiving = new Receiving().offer(offerOf(SEALED, CONTEXT, masterKey));
    assert.deepEqual(receiving.step(decrypted(masterKey)).state, { kind: "invalid" });
  }
  const otherSpki = new Receiving().offer().step(decrypted(MASTER_KEY, secret("SPKI", 422)));
  assert.deepEqual(otherSpki.state, { kind: "invalid" });
  assert.deepEqual(new Receiving().offer().step(jobFailed()).state, { kind: "invalid" });
});

test("C-13 receiveAsymmetricOffer() takes no offer of another pair or relay", () => {
  const others: readonly ExchangeContext[] = [
    { ...CONTEXT, relayFingerprint: secret("another relay") },
    { ...CONTEXT, sender: { ...CONTEXT.sender, id: STRANGER.id } },
    { ...CONTEXT, receiver: { ...CONTEXT.receiver, id: STRANGER.id } },
    { ...CONTEXT, sender: STRANGER },
    { ...CONTEXT, sender: CONTEXT.receiver, receiver: CONTEXT.sender },
  ];
  for (const other of others)
    assert.deepEqual(verifying(offerOf(SEALED, other)).state, { kind: "invalid" });
});

test("C-18 receiveAsymmetricOffer() tells an offer for another receiver from an invalid one", () => {
  const elsewhere = offerOf(SEALED, { ...CONTEXT, receiver: STRANGER });
  const { state, effects } = new Receiving().offer(elsewhere).last;
  assert.deepEqual(state, { kind: "wrong-receiver" });
  assert.deepEqual(effects, [], "no RSA for somebody else's offer");
});

test("C-01 stepAsymmetricReceiver() never verifies an offer with any bit turned", () => {
  const { outer, sealedHeader } = OFFER;
  // Each byte of the long certificate and ciphertext once; the rest bit by bit.
  for (let bit = 0; bit < outer.length * 8; bit += bit < 88 * 8 ? 1 : 8) {
    const { state } = verifying({ outer: flipped(outer, bit), sealedHeader });
    assert.ok(["invalid", "wrong-receiver"].includes(state.kind), `outer ${bit}`);
  }
  for (let bit = 0; bit < sealedHeader.length * 8; bit += 5) {
    const { state } = verifying({ outer, sealedHeader: flipped(sealedHeader, bit) });
    assert.deepEqual(state, { kind: "invalid" }, `header ${bit}`);
  }
});

test("P-01 S-12 stepAsymmetricReceiver() refuses what is not a header and one signature", () => {
  const claim = (length: number) => put(SEALED, 0, new ByteWriter().u32(length).bytes());
  const long = new ByteWriter()
    .lv(new Uint8Array(HEADER_BYTES_MAX + 1))
    .raw(SIGNATURE)
    .bytes();
  const claims = [0, HEADER.length - 1, HEADER.length + 1, 2 ** 32 - 1].map(claim);
  const ends = [0, 3, 4, SEALED.length - 1].map((length) => SEALED.subarray(0, length));
  for (const plaintext of [...claims, ...ends, concat(SEALED, Uint8Array.of(0)), long])
    assert.deepEqual(verifying(offerOf(plaintext)).state, { kind: "invalid" });
  const most = new ByteWriter().lv(new Uint8Array(HEADER_BYTES_MAX)).raw(SIGNATURE).bytes();
  assert.equal(verifying(offerOf(most)).state.kind, "verifying");
});

test("stepAsymmetricReceiver() never throws and never verifies, whatever the bytes", () => {
  const anything = fc.uint8Array({ maxLength: 1_100 });
  const outers = fc.oneof(anything, fc.constant(OFFER.outer));
  fc.assert(
    fc.property(outers, anything, (outer, sealedHeader) => {
      assert.deepEqual(verifying({ outer, sealedHeader }).state, { kind: "invalid" });
    }),
  );
  fc.assert(
    fc.property(anything, (plaintext) => {
      assert.ok(["invalid", "verifying"].includes(verifying(offerOf(plaintext)).state.kind));
    }),
  );
});

test("S-11 receiveAsymmetricOffer() takes one offer; a second one changes nothing", () => {
  for (const receiving of [new Receiving().offer(), verifying(), verifying().step(VALID)]) {
    const { state } = receiving;
    assert.equal(receiving.offer().state, state);
    assert.deepEqual(receiving.last.effects, []);
  }
});

test("stepAsymmetricReceiver() ignores what its state does not wait for", () => {
  const states: readonly (readonly [Receiving, readonly ExchangeInput["kind"][]])[] = [
    [new Receiving(), []],
    [new Receiving().offer(), ["decrypted", "job-failed"]],
    [verifying(), ["verified", "job-failed"]],
    [verifying().step(VALID), []],
    [verifying().step(jobFailed()), []],
    [new Receiving().offer(offerOf(SEALED, { ...CONTEXT, receiver: STRANGER })), []],
  ];
  for (const [{ context, state }, awaited] of states)
    assertIgnores(state, (input) => stepAsymmetricReceiver(context, state, input), awaited);
  const finished = { kind: "finished", counter: 0, check: new Uint8Array(32) } as const;
  const { context } = new Receiving();
  assertIgnores<AsymmetricReceiverState>(
    finished,
    (input) => stepAsymmetricReceiver(context, finished, input),
    [],
  );
});

test("C-20 stepAsymmetricReceiver() wipes the master key at once, and all keys when it refuses", () => {
  const plaintext = MASTER_KEY.slice();
  const input: ExchangeInput = { kind: "decrypted", plaintext, ownSpki: OWN_SPKI };
  const good = new Receiving().offer().step(input);
  assertWiped(plaintext, ...good.memory.extracted);
  const { keys } = expectKind(good.step(VALID).state, "ready");
  assert.ok(!isWiped(keys.header) && !isWiped(keys.session), "still needed");

  const refused = [
    verifying().step({ kind: "verified", valid: false }),
    verifying().step(jobFailed()),
    verifying({ ...OFFER, sealedHeader: flipped(OFFER.sealedHeader, 0) }),
    verifying(offerOf(SEALED.subarray(1))),
  ];
  for (const { memory } of refused) {
    assert.equal(memory.expanded.length, 5);
    assertWiped(...memory.extracted, ...memory.expanded);
  }
});
