import assert from "node:assert/strict";
import { test } from "node:test";
import {
  assertIgnores,
  assertWiped,
  CONTEXT,
  expectKind,
  isWiped,
  jobFailed,
  secret,
} from "../../../test/exchange-lab.ts";
import { RESYNCS_PER_TRANSFER_MAX } from "../../limits.ts";
import type { ExchangeInput } from "../steps.ts";
import type { SenderReady, TransferKeys } from "../transfer-keys.ts";
import type { OutboxEntry } from "./sender-channel.ts";
import {
  startEndToEndSender,
  stepEndToEndSender,
  type EndToEndSenderState,
  type EndToEndSenderStep,
} from "./sender.ts";

const SENDER = { ...CONTEXT, message: secret("message") };
const start = startEndToEndSender(SENDER);
const step = (state: EndToEndSenderState, input: ExchangeInput): EndToEndSenderStep =>
  stepEndToEndSender(SENDER, state, input);

function keysOf(): TransferKeys {
  const key = (name: string): Uint8Array => secret(name);
  return {
    transcript: key("th"),
    header: key("header"),
    answer: key("answer"),
    receipt: key("receipt"),
    reverse: key("reverse"),
    session: key("session"),
  };
}

const entry: OutboxEntry = {
  n: 4,
  transfer: secret("earlier", 16),
  outer: secret("outer"),
  sealedHeader: secret("sealed"),
  content: secret("content"),
  transcript: secret("th"),
  receiptKey: secret("key"),
};

function sealed(keys = keysOf()): Extract<ExchangeInput, { kind: "offer-sealed" }> {
  const ready: SenderReady = {
    keys,
    outer: secret("outer", 1_233),
    sealedHeader: secret("sealed", 272),
    source: "channel",
    counter: 5,
    inChannel: { epoch: 9, content: secret("content"), digest: secret("digest") },
  };
  return { kind: "offer-sealed", ready, unreceipted: [entry] };
}

const ready = (keys = keysOf()): EndToEndSenderState => step(start.state, sealed(keys)).state;
const REPEAT: ExchangeInput = {
  kind: "resync-heeded",
  outcome: { kind: "repeat", offers: [entry] },
};
const ANEW: ExchangeInput = { kind: "resync-heeded", outcome: { kind: "anew" } };
const IGNORED: ExchangeInput = { kind: "resync-heeded", outcome: { kind: "ignored" } };

test("startEndToEndSender() asks for an offer with its header and message", () => {
  const { header, message } = SENDER;
  assert.deepEqual(start.effects, [{ kind: "seal-offer", header, message }]);
  assertIgnores(start.state, (input) => step(start.state, input), ["job-failed"]);
});

test("stepEndToEndSender() is ready with the offer, and has earlier ones closed first", () => {
  const input = sealed();
  const next = step(start.state, input);
  const { keys, outer, inChannel } = expectKind(next.state, "ready");
  assert.deepEqual(
    { keys, outer, inChannel },
    {
      keys: input.ready.keys,
      outer: input.ready.outer,
      inChannel: input.ready.inChannel,
    },
  );
  const effect = { kind: "repeat-offers", offers: [entry], which: "ended" } as const;
  assert.deepEqual(next.effects, [effect]);
});

test("stepEndToEndSender() fails with the driver's reason", () => {
  const failed = jobFailed();
  const next = step(start.state, failed);
  assert.deepEqual(expectKind(next.state, "failed").error, failed.error);
  assert.deepEqual(next.effects, []);
});

test("stepEndToEndSender() has earlier ones closed once, and seals when there is room", () => {
  const isFull = { ...jobFailed(), unreceipted: [entry] };
  const full = step(start.state, isFull);
  const effect = { kind: "repeat-offers", offers: [entry], which: "ended" } as const;
  assert.deepEqual(full.effects, [effect]);
  assertIgnores(full.state, (input) => step(full.state, input), ["room-made"]);
  const again = step(full.state, { kind: "room-made" });
  assert.deepEqual(again.effects, start.effects);
  const stillFull = step(again.state, isFull);
  assert.deepEqual([stillFull.state, stillFull.effects], [full.state, []]);
  const { state } = step(stillFull.state, { kind: "room-made" });
  const sent = step(state, sealed());
  assert.deepEqual([sent.state.kind, sent.effects], ["ready", []]);
});

test("stepEndToEndSender() says offers again that the receiver lacks, under the same keys", () => {
  const before = ready();
  const next = step(before, REPEAT);
  const effect = { kind: "repeat-offers", offers: [entry], which: "all" } as const;
  assert.deepEqual(next.effects, [effect]);
  assert.equal(expectKind(next.state, "ready").keys, expectKind(before, "ready").keys);
});

test("C-20 stepEndToEndSender() makes the offer anew with nothing of the old one", () => {
  const keys = keysOf();
  const next = step(ready(keys), ANEW);
  assert.deepEqual(next.effects, start.effects);
  assert.equal(next.state.kind, "sealing");
  const { transcript, ...secrets } = keys;
  assertWiped(...Object.values(secrets));
  assert.ok(!isWiped(transcript));
});

test("C-02 stepEndToEndSender() gives up after RESYNCS_PER_TRANSFER_MAX, whatever they say", () => {
  for (const heeded of [REPEAT, ANEW]) {
    let { state } = step(start.state, sealed());
    for (let i = 0; i < RESYNCS_PER_TRANSFER_MAX; i++) {
      state = step(state, heeded).state;
      assert.notEqual(state.kind, "failed", `${i}`);
      if (state.kind === "sealing") state = step(state, sealed()).state;
    }
    const { keys } = expectKind(state, "ready");
    const last = step(state, heeded);
    assert.equal(expectKind(last.state, "failed").error.code, "peer/channel-stale");
    assert.deepEqual(last.effects, []);
    assertWiped(keys.header, keys.session);
  }
});

test("stepEndToEndSender() ignores a resync that is not heeded, and what it does not wait for", () => {
  const state = ready();
  assert.deepEqual(step(state, IGNORED), { state, effects: [] });
  assertIgnores(state, (input) => step(state, input), []);
  const failed = step(start.state, jobFailed()).state;
  assertIgnores(failed, (input) => step(failed, input), []);
});

test("C-20 stepEndToEndSender() wipes an offer that comes when nobody wants it", () => {
  const failed = step(start.state, jobFailed()).state;
  const late = sealed();
  assert.equal(step(failed, late).state, failed);
  assertWiped(late.ready.keys.header, late.ready.keys.session);
});
