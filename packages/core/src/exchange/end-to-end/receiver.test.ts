import assert from "node:assert/strict";
import { test } from "node:test";
import {
  assertIgnores,
  assertWiped,
  expectKind,
  jobFailed,
  secret,
} from "../../../test/exchange-lab.ts";
import type { ExchangeInput } from "../steps.ts";
import type { TransferKeys } from "../transfer-keys.ts";
import { refusalWords, type OpenedOffer } from "./receiver-channel.ts";
import {
  receiveEndToEndOffer,
  sealEndToEndVerdict,
  stepEndToEndReceiver,
  type EndToEndReceiverState,
} from "./receiver.ts";

const OFFER = { outer: secret("outer", 1_233), sealedHeader: secret("sealed", 272) };
const CONTENT = secret("content");
const start = receiveEndToEndOffer(OFFER, CONTENT);

function keysOf(): TransferKeys {
  const names = ["transcript", "header", "answer", "receipt", "reverse", "session"] as const;
  const entries = names.map((name) => [name, secret(name)] as const);
  return Object.fromEntries(entries) as Record<(typeof names)[number], Uint8Array>;
}

function openedOffer(n = 3): OpenedOffer {
  const message = { content: secret("text", 256), digest: secret("digest") };
  return { n, epoch: 9, keys: keysOf(), salt: secret("salt"), header: secret("h"), message };
}

function opened(offer: OpenedOffer): ExchangeInput {
  return { kind: "offer-opened", outcome: { kind: "opened", offer } };
}

const ready = (offer = openedOffer()): EndToEndReceiverState =>
  stepEndToEndReceiver(start.state, opened(offer)).state;

test("receiveEndToEndOffer() has the offer opened, with its content", () => {
  assert.deepEqual(start.effects, [{ kind: "open-offer", ...OFFER, content: CONTENT }]);
  assertIgnores(start.state, (input) => stepEndToEndReceiver(start.state, input), ["job-failed"]);
});

test("stepEndToEndReceiver() is ready with keys, salt, header and place of what has opened", () => {
  for (const [n, source] of [[0, "key-package"] as const, [3, "channel"] as const]) {
    const offer = openedOffer(n);
    const { keys, salt, header, message } = offer;
    const state = expectKind(ready(offer), "ready");
    const place = { n, epoch: 9, message };
    assert.deepEqual(state, { kind: "ready", place, keys, salt, header, source, counter: n });
  }
});

test("stepEndToEndReceiver() passes on what an offer came to otherwise", () => {
  const said = secret("said");
  const cases = [
    [
      { kind: "receipt", receipt: said },
      { kind: "receipt", receipt: said, isNew: false },
    ],
    [
      { kind: "out-of-step", resync: said },
      { kind: "resync", resync: said },
    ],
    [{ kind: "key-unknown" }, { kind: "key-unknown" }],
    [{ kind: "wrong-receiver" }, { kind: "wrong-receiver" }],
    [{ kind: "invalid" }, { kind: "invalid" }],
  ] as const;
  for (const [outcome, state] of cases) {
    const next = stepEndToEndReceiver(start.state, { kind: "offer-opened", outcome });
    assert.deepEqual(next, { state, effects: [] });
  }
});

test("stepEndToEndReceiver() calls an offer invalid that the driver could not judge", () => {
  const next = stepEndToEndReceiver(start.state, jobFailed());
  assert.deepEqual(next, { state: { kind: "invalid" }, effects: [] });
});

test("sealEndToEndVerdict() asks for the one receipt, then is done with it", () => {
  const words = { verdict: "accept", total: 7, digest: secret("digest") } as const;
  const sealing = sealEndToEndVerdict(ready(), words);
  assert.deepEqual(sealing.effects, [{ kind: "seal-receipt", place: { n: 3, epoch: 9 }, words }]);
  const sealed = { kind: "receipt-sealed", receipt: secret("receipt") } as const;
  const done = stepEndToEndReceiver(sealing.state, sealed);
  assert.deepEqual(done.state, { kind: "receipt", receipt: secret("receipt"), isNew: true });
  assert.deepEqual(sealEndToEndVerdict(done.state, words), { state: done.state, effects: [] });
  const failed = stepEndToEndReceiver(sealing.state, jobFailed());
  assert.deepEqual(failed.state, { kind: "invalid" });
  const { state } = sealing;
  assertIgnores(state, (input) => stepEndToEndReceiver(state, input), ["job-failed"]);
});

test("sealEndToEndVerdict() says nothing before an offer has opened", () => {
  const words = refusalWords("busy");
  const { state } = start;
  assert.deepEqual(sealEndToEndVerdict(state, words), { state, effects: [] });
});

test("C-20 sealEndToEndVerdict() wipes the message, whose text the program has", () => {
  const offer = openedOffer();
  sealEndToEndVerdict(ready(offer), refusalWords("decline"));
  assertWiped(offer.message?.content);
});

test("C-20 stepEndToEndReceiver() wipes the keys of an offer that opens when nobody waits", () => {
  for (const kind of ["invalid", "key-unknown", "wrong-receiver"] as const) {
    const offer = openedOffer();
    const state = { kind } as const;
    assert.equal(stepEndToEndReceiver(state, opened(offer)).state, state);
    assertWiped(offer.keys.header, offer.keys.session, offer.keys.answer);
  }
});

test("refusalWords() claim nothing of the content", () => {
  const words = { verdict: "timed-out", total: 0, digest: new Uint8Array(32) } as const;
  assert.deepEqual(refusalWords("timed-out"), words);
});
