import assert from "node:assert/strict";
import { test } from "node:test";
import {
  contentOf,
  CONTEXT,
  isWiped,
  RememberingSuite,
  secret,
  TRANSFER,
} from "../../test/exchange-lab.ts";
import { PosternError } from "../errors.ts";
import { deriveSymmetricKeys } from "../exchange/symmetric/keys.ts";
import { encodeSymmetricOuter } from "../exchange/symmetric/outer.ts";
import type { Profile } from "../exchange/profile.ts";
import { SINGLE_USE_NONCE } from "../exchange/transfer-keys.ts";
import { ANSWER_TIMEOUT_MS } from "../limits.ts";
import type { InstantMs, WallMs } from "../time.ts";
import { sealAnswer } from "./answer.ts";
import { encodeHeader } from "./header.ts";
import { startReceive, stepReceive } from "./receive.ts";
import type { ReceiveInput, ReceiveState } from "./receive-state.ts";
import { planSend, startSend, stepSend } from "./send.ts";
import type { SendState } from "./send-state.ts";
import type { Moment, TransferEffect, TransferInput } from "./steps.ts";

const WALL = 1_800_000_000_000;
const MASTER_KEY = secret("master key");
const FILE = contentOf({ kind: "file", name: "a.txt", size: 3 });
const ERROR = new PosternError("transfer/pipe-lost", "the pipe is gone");
const TICKET = secret("ticket");
const ENCRYPTED: TransferInput = { kind: "encrypted", ciphertext: new Uint8Array(384) };
const HANDED_OVER: TransferInput = { kind: "key-up-result", status: "done" };
const CANCEL: TransferInput = { kind: "cancel" };
const GONE: TransferInput = { kind: "peer-gone" };
const LINK_LOST: TransferInput = { kind: "link-lost", error: ERROR };
const WITHDRAWN: TransferInput = {
  kind: "envelope",
  envelope: { kind: "withdraw", transfer: TRANSFER, reason: 1 },
};
const RECORDS_DONE: TransferInput = { kind: "records-done", total: 3, digest: secret("digest") };
const CUT: TransferInput = { kind: "records-failed", error: ERROR };
const LATE = moment(10 * 60_000 + 2 * ANSWER_TIMEOUT_MS);
const WOKE: TransferInput = { kind: "woke" };

function moment(instant = 0): Moment {
  return { instant: instant as InstantMs, wall: WALL as WallMs };
}

/** What the records wipe when they end; this driver has none. */
function wipeAsRecords(effects: readonly TransferEffect[]): void {
  for (const effect of effects)
    if (effect.kind === "run-records") {
      effect.keys.session.fill(0);
      effect.keys.reverse.fill(0);
    }
}

class Sending {
  readonly memory = new RememberingSuite();
  readonly #plan;
  state: SendState;

  constructor(profile: Profile) {
    const context = { ...CONTEXT, suite: this.memory.suite };
    this.#plan = planSend(context, { profile, content: FILE, sessionSeconds: 5 }, moment());
    this.state = startSend(this.#plan, moment()).state;
  }

  step(...inputs: readonly TransferInput[]): this {
    for (const input of inputs) {
      const now = input === WOKE ? LATE : moment();
      const { state, effects } = stepSend(this.#plan, this.state, input, now);
      this.state = state;
      wipeAsRecords(effects);
    }
    return this;
  }

  answer(verdict: "accept" | "decline", offset = 0): this {
    assert.ok(this.state.kind === "expect-answer");
    const answer = { verdict, offset, prefixDigest: new Uint8Array(32) };
    const sealed = sealAnswer(CONTEXT.suite, this.state.ready.keys.answer, TRANSFER, answer);
    return this.step({
      kind: "envelope",
      envelope: { kind: "answer", transfer: TRANSFER, sealed },
    });
  }
}

/** Symmetric senders at each of their states. */
const SENDERS: Readonly<Record<string, () => Sending>> = {
  start: () => new Sending("symmetric"),
  encrypting: () => fresh(),
  handingOver: () => fresh().step(ENCRYPTED),
  offered: () => fresh().step(ENCRYPTED, HANDED_OVER),
  accepted: () => accepted(),
  comparing: () => fresh().step(ENCRYPTED, HANDED_OVER).answer("accept", 2),
  streaming: () => streaming(),
  expectingReason: () => streaming().step(CUT),
  closing: () => streaming().step(RECORDS_DONE),
  closingEncrypted: () => streaming().step(RECORDS_DONE, ENCRYPTED),
  expectingReceipt: () => streaming().step(RECORDS_DONE, ENCRYPTED, HANDED_OVER),
  asymmetricStart: () => new Sending("asymmetric"),
  asymmetricSigning: () =>
    new Sending("asymmetric").step({
      kind: "sealed-to-peer",
      ciphertext: new Uint8Array(384),
      ownCertificate: new Uint8Array(500),
      peerSpki: new Uint8Array(422),
    }),
};

function fresh(): Sending {
  return new Sending("symmetric").step({ kind: "pair-key", kept: undefined, counter: 0 });
}

function accepted(): Sending {
  return fresh().step(ENCRYPTED, HANDED_OVER).answer("accept");
}

function streaming(): Sending {
  return accepted().step({ kind: "pipe-ticket", ticket: TICKET });
}

function assertNothingLeft(memory: RememberingSuite, why: string): void {
  const { random, extracted, expanded } = memory;
  // A check proves a key and is none; so does the transcript.
  const secrets = [...random, ...extracted, ...expanded];
  const left = secrets.filter((bytes) => !isWiped(bytes)).length;
  assert.equal(left, 0, `${why}: ${left} of ${secrets.length} left`);
}

for (const [name, at] of Object.entries(SENDERS))
  test(`C-20 stepSend() leaves no secret behind when it ends at ${name}`, () => {
    for (const input of [CANCEL, GONE, LINK_LOST, WITHDRAWN, WOKE]) {
      if (name === "streaming" && input === WOKE) continue;
      const sending = at().step(input);
      assert.ok(["failed", "done"].includes(sending.state.kind), input.kind);
      assertNothingLeft(sending.memory, input.kind);
    }
  });

test("C-20 stepSend() leaves no secret behind when the receiver says no", () => {
  const declined = fresh().step(ENCRYPTED, HANDED_OVER).answer("decline");
  const refused = fresh().step(ENCRYPTED, HANDED_OVER, {
    kind: "envelope",
    envelope: { kind: "refusal", transfer: TRANSFER, verdict: "busy" },
  });
  for (const { memory, state } of [declined, refused]) {
    assert.equal(state.kind, "failed");
    assertNothingLeft(memory, "refused");
  }
});

class Receiving {
  readonly memory = new RememberingSuite();
  readonly plaintext = MASTER_KEY.slice();
  readonly #plan = { context: { ...CONTEXT, suite: this.memory.suite } };
  state: ReceiveState = startReceive(moment());

  step(...inputs: readonly ReceiveInput[]): this {
    for (const input of inputs) {
      const now = input === WOKE ? LATE : moment();
      const { state, effects } = stepReceive(this.#plan, this.state, input, now);
      this.state = state;
      wipeAsRecords(effects);
    }
    return this;
  }

  hold(): this {
    const { plaintext } = this;
    this.step({ kind: "key-down", use: "this", ciphertext: new Uint8Array(384) });
    return this.step({ kind: "decrypted", plaintext, ownSpki: new Uint8Array(0) });
  }

  offer(outer = OUTER, profile: "symmetric" | "none" = "symmetric"): this {
    const offer = {
      kind: "offer",
      transfer: TRANSFER,
      outer,
      sealedHeader: SEALED,
      content: new Uint8Array(0),
    } as const;
    const taken = profile === "none" ? undefined : profile;
    const admission = { profile: taken, hasRoom: true, placed: [], replayed: false };
    return this.step({ kind: "offer", offer, admission });
  }
}

const OUTER = encodeSymmetricOuter(CONTEXT, { source: "fresh-rsa", counter: 0 });
const SEALED = CONTEXT.suite.seal(
  deriveSymmetricKeys(CONTEXT, OUTER, MASTER_KEY).header,
  SINGLE_USE_NONCE,
  OUTER,
  encodeHeader(TRANSFER, {
    content: FILE,
    created: WALL as WallMs,
    until: WALL as WallMs,
    sessionSeconds: 5,
  }),
);
const ACCEPT: ReceiveInput = { kind: "decide", decision: "accept" };
const PIPE: ReceiveInput = { kind: "pipe-ticket", ticket: TICKET };

/** Receivers at each of their states. */
const RECEIVERS: Readonly<Record<string, () => Receiving>> = {
  holding: () => new Receiving().hold(),
  asked: () => new Receiving().hold().offer(),
  accepted: () => new Receiving().hold().offer().step(ACCEPT),
  receiving: () => new Receiving().hold().offer().step(ACCEPT, PIPE),
  expectingReason: () => new Receiving().hold().offer().step(ACCEPT, PIPE, CUT),
  closing: () => new Receiving().hold().offer().step(ACCEPT, PIPE, RECORDS_DONE),
};

for (const [name, at] of Object.entries(RECEIVERS))
  test(`C-20 stepReceive() leaves no secret behind when it ends at ${name}`, () => {
    for (const input of [CANCEL, GONE, LINK_LOST, WITHDRAWN, WOKE]) {
      const receiving = at();
      if (name === "receiving" && input === WOKE) continue;
      receiving.step(input);
      assert.ok(["failed", "done"].includes(receiving.state.kind), input.kind);
      assert.ok(isWiped(receiving.plaintext), `${input.kind}: the master key`);
      assertNothingLeft(receiving.memory, input.kind);
    }
  });

test("C-20 stepReceive() leaves no master key behind when it refuses what came with it", () => {
  const refused = [
    new Receiving().hold().offer(OUTER, "none"),
    new Receiving().hold().offer(OUTER.subarray(1)),
    new Receiving().hold().offer(new Uint8Array(93)),
  ];
  for (const { plaintext, state } of refused) {
    assert.equal(state.kind, "failed");
    assert.ok(isWiped(plaintext));
  }
});
