import assert from "node:assert/strict";
import { test } from "node:test";
import { contentOf, CONTEXT, secret, TRANSFER } from "../../test/exchange-lab.ts";
import { concat } from "../bytes/writer.ts";
import { PosternError } from "../errors.ts";
import type { EndToEndReceipt } from "../exchange/end-to-end/receipt.ts";
import { saltKeys } from "../exchange/end-to-end/keys.ts";
import type { TransferKeys } from "../exchange/transfer-keys.ts";
import type { InstantMs, WallMs } from "../time.ts";
import { sealAnswer } from "./answer.ts";
import { planSend, startSend, stepSend, type SendRequest } from "./send.ts";
import type { SendState } from "./send-state.ts";
import type { TransferEffect, TransferInput } from "./steps.ts";

const NOW = { instant: 0 as InstantMs, wall: 1_800_000_000_000 as WallMs };
const DIGEST = secret("digest");
const GONE: TransferInput = { kind: "peer-gone" };
const LINK_LOST: TransferInput = {
  kind: "link-lost",
  error: new PosternError("link/closed", "scripted"),
};
const JOB_FAILED: TransferInput = {
  kind: "job-failed",
  error: new PosternError("store/failed", "scripted"),
};
const TICKET: TransferInput = { kind: "pipe-ticket", ticket: secret("ticket") };
const DONE: TransferInput = { kind: "records-done", total: 3, digest: DIGEST };
const BROKEN: TransferInput = {
  kind: "pipe-broken",
  error: new PosternError("transfer/pipe-lost", "scripted"),
};
const CAME: TransferInput = {
  kind: "envelope",
  envelope: { kind: "receipt", transfer: TRANSFER, sealed: secret("receipt") },
};
const RECEIPT: EndToEndReceipt = {
  verdict: "accept",
  total: 3,
  digest: DIGEST,
  keyNumber: 1,
  kid: secret("kid", 16),
  publicKey: secret("key", 1_216),
};

const FILE: SendRequest = {
  profile: "end-to-end",
  content: contentOf({ kind: "file", name: "a.txt", size: 3 }),
  sessionSeconds: 5,
};
const MESSAGE: SendRequest = {
  profile: "end-to-end",
  content: contentOf({ kind: "message", name: "", size: 3 }),
  sessionSeconds: 5,
  message: new Uint8Array(3),
};

/** Whoever takes them wipes them. */
function transferKeys(): TransferKeys {
  return {
    transcript: secret("transcript"),
    header: secret("header"),
    answer: secret("answer"),
    receipt: secret("receipt key"),
    reverse: secret("reverse"),
    session: secret("session"),
  };
}

/** An end-to-end sender whose offer is under way. */
class Sending {
  readonly #plan;
  state: SendState;
  last: readonly TransferEffect[] = [];

  constructor(request: SendRequest) {
    this.#plan = planSend(CONTEXT, request, NOW);
    this.state = startSend(this.#plan, NOW).state;
    this.step({
      kind: "offer-sealed",
      ready: {
        keys: transferKeys(),
        outer: secret("outer"),
        sealedHeader: secret("sealed header"),
        source: "channel",
        counter: 1,
        inChannel: { epoch: 1, content: new Uint8Array(), digest: DIGEST },
      },
      unreceipted: [],
    });
  }

  step(...inputs: readonly TransferInput[]): this {
    for (const input of inputs) {
      const { state, effects } = stepSend(this.#plan, this.state, input, NOW);
      this.state = state;
      this.last = effects;
    }
    return this;
  }

  opened(receipt: EndToEndReceipt | undefined): this {
    return this.step({ kind: "receipt-opened", receipt });
  }

  get end(): string {
    const told = this.last.find((effect) => effect.kind === "emit")?.event;
    return told?.kind === "failed" ? told.error.code : (told?.kind ?? this.state.kind);
  }
}

/** A file whose content is on its way. */
function streaming(): Sending {
  const sending = new Sending(FILE);
  const { suite } = CONTEXT;
  const salt = secret("salt", 32);
  const { answer } = saltKeys(suite, transferKeys(), salt);
  const said = { verdict: "accept", offset: 0, prefixDigest: new Uint8Array(32) } as const;
  const sealed = concat(salt, sealAnswer(suite, answer, TRANSFER, said));
  sending.step({ kind: "envelope", envelope: { kind: "answer", transfer: TRANSFER, sealed } });
  assert.equal(sending.step(TICKET).state.kind, "streaming");
  return sending;
}

test("receiptOpened() delivers a message whose receiver left behind its receipt", () => {
  const sending = new Sending(MESSAGE).step(CAME, GONE);
  assert.equal(sending.state.kind, "expect-answer");
  assert.equal(sending.opened(RECEIPT).state.kind, "done");
});

test("stepSend() ends well when its receiver leaves behind a receipt for content", () => {
  assert.equal(streaming().step(CAME).opened(RECEIPT).step(GONE, DONE).end, "done");
  assert.equal(streaming().step(CAME, GONE).opened(RECEIPT).step(DONE).end, "done");
  assert.equal(streaming().step(CAME, GONE, DONE).opened(RECEIPT).end, "done");
});

test("stepSend() fails by what was lost when the receipt does not open", () => {
  for (const sending of [streaming(), new Sending(MESSAGE)]) {
    assert.notEqual(sending.step(CAME, GONE).state.kind, "failed");
    assert.equal(sending.opened(undefined).end, "peer/gone");
  }
  assert.equal(new Sending(MESSAGE).step(CAME, GONE, JOB_FAILED).end, "peer/gone");
});

test("stepSend() fails at once when its receiver is gone without a receipt", () => {
  for (const sending of [streaming(), new Sending(MESSAGE)])
    assert.equal(sending.step(GONE).end, "peer/gone");
  // One that did not open is none.
  assert.equal(streaming().step(CAME).opened(undefined).step(GONE).end, "peer/gone");
});

test("stepSend() fails at once without its link: nobody would tell what a receipt says", () => {
  assert.equal(streaming().step(CAME, LINK_LOST).end, "link/closed");
  assert.equal(new Sending(MESSAGE).step(CAME, GONE, LINK_LOST).end, "link/closed");
});

test("stepSend() takes a refused pipe for no loss when a receipt has come", () => {
  const absent: TransferInput = { kind: "pipe-result", status: "absent" };
  assert.equal(streaming().step(BROKEN, absent).end, "peer/gone");
  assert.equal(streaming().step(BROKEN, CAME).opened(RECEIPT).step(absent, DONE).end, "done");
});
