import assert from "node:assert/strict";
import { test } from "node:test";
import {
  assertWiped,
  contentOf,
  CONTEXT,
  OTHER_TRANSFER,
  put,
  RememberingSuite,
  secret,
  STRANGER,
  TRANSFER,
} from "../../test/exchange-lab.ts";
import { PosternError, type ErrorCode } from "../errors.ts";
import { SINGLE_USE_NONCE } from "../exchange/transfer-keys.ts";
import { deriveSymmetricKeys } from "../exchange/symmetric/keys.ts";
import { encodeSymmetricOuter } from "../exchange/symmetric/outer.ts";
import { CONSENT_TIMEOUT_MS, HEADER_AHEAD_MS, HEADER_VALID_MS } from "../limits.ts";
import type { InstantMs, WallMs } from "../time.ts";
import { openAnswer } from "./answer.ts";
import { encodeHeader, type ContentDescription } from "./header.ts";
import { startReceive, stepReceive } from "./receive.ts";
import type { Admission, ReceiveInput, ReceiveState } from "./receive-state.ts";
import type { Moment, TransferEffect } from "./steps.ts";
import { encodeVerdict, type Verdict } from "../exchange/verdict.ts";

const WALL = 1_800_000_000_000;
const MASTER_KEY = secret("master key");
const FILE: ContentDescription = contentOf({ kind: "file", name: "a.txt", size: 3 });
const OPEN: Admission = { profile: "symmetric", hasRoom: true, placed: [], replayed: false };

interface Case {
  readonly content?: ContentDescription;
  readonly header?: Uint8Array;
  readonly admission?: Partial<Admission>;
  readonly receiver?: typeof STRANGER;
  readonly masterKey?: Uint8Array;
  readonly source?: "fresh-rsa" | "kept";
  /** The receiver's clock, against the time at which the header was made. */
  readonly wallMs?: number;
}

function moment(instant = 0, wallMs = 0): Moment {
  return { instant: instant as InstantMs, wall: (WALL + wallMs) as WallMs };
}

/** A receiver with all it does, up to the person's decision. */
class Receiver {
  readonly memory = new RememberingSuite();
  readonly effects: TransferEffect[] = [];
  readonly #plan = { context: { ...CONTEXT, suite: this.memory.suite } };
  #state: ReceiveState = startReceive(moment());

  get kind(): ReceiveState["kind"] {
    return this.#state.kind;
  }

  step(input: ReceiveInput, now = moment()): this {
    const { state, effects } = stepReceive(this.#plan, this.#state, input, now);
    this.#state = state;
    this.effects.push(...effects);
    return this;
  }

  /** What it answered, under the answer key or in the clear. */
  verdict(): readonly [Verdict, "sealed" | "clear"] | undefined {
    for (const effect of this.effects) {
      if (effect.kind !== "send-envelope") continue;
      const { envelope } = effect;
      if (envelope.kind === "refusal") return [envelope.verdict, "clear"];
      assert.ok(envelope.kind === "answer");
      const outer = encodeSymmetricOuter(CONTEXT, { source: "fresh-rsa", counter: 0 });
      const { answer } = deriveSymmetricKeys(CONTEXT, outer, MASTER_KEY);
      const opened = openAnswer(CONTEXT.suite, answer, TRANSFER, envelope.sealed);
      assert.ok(opened !== undefined && opened.offset === 0);
      return [opened.verdict, "sealed"];
    }
    return undefined;
  }

  get asked(): boolean {
    return this.effects.some(({ kind, ...effect }) => {
      return kind === "emit" && "event" in effect && effect.event.kind === "offer";
    });
  }
}

function headerBytes(content = FILE): Uint8Array {
  const until = (WALL + HEADER_VALID_MS) as WallMs;
  return encodeHeader(TRANSFER, { content, created: WALL as WallMs, until, sessionSeconds: 5 });
}

/** An offer as a sender makes it, with what the case changes, and the receiver that got it. */
function receive(given: Case = {}): Receiver {
  const context = { ...CONTEXT, receiver: given.receiver ?? CONTEXT.receiver };
  const source = given.source ?? "fresh-rsa";
  const outer = encodeSymmetricOuter(context, { source, counter: 0 });
  const keys = deriveSymmetricKeys(context, outer, MASTER_KEY);
  const header = given.header ?? headerBytes(given.content);
  const sealedHeader = CONTEXT.suite.seal(keys.header, SINGLE_USE_NONCE, outer, header);
  const receiver = new Receiver();
  if (source === "fresh-rsa") {
    receiver.step({ kind: "key-down", use: "this", ciphertext: new Uint8Array(384) });
    const plaintext = (given.masterKey ?? MASTER_KEY).slice();
    receiver.step({ kind: "decrypted", plaintext, ownSpki: new Uint8Array(0) });
  }
  const offer = {
    kind: "offer",
    transfer: TRANSFER,
    outer,
    sealedHeader,
    content: new Uint8Array(0),
  } as const;
  const admission = { ...OPEN, ...given.admission };
  receiver.step({ kind: "offer", offer, admission }, moment(0, given.wallMs));
  if (source === "kept") receiver.step({ kind: "pair-key", kept: undefined, counter: 0 });
  return receiver;
}

const otherHeader = put(headerBytes(), 1, OTHER_TRANSFER);
const hugeMessage: ContentDescription = contentOf({ kind: "message", name: "", size: 2 ** 21 + 1 });

/** One offer for each verdict that a receiver gives by itself. */
const REFUSED: readonly (readonly [Verdict, "sealed" | "clear", string, Case])[] = [
  ["profile-refused", "clear", "a profile nobody chose", { admission: { profile: undefined } }],
  ["invalid", "clear", "another master key", { masterKey: secret("another") }],
  ["invalid", "clear", "a header of another transfer", { header: otherHeader }],
  ["invalid", "clear", "an empty header", { header: new Uint8Array(0) }],
  ["wrong-receiver", "clear", "another receiver", { receiver: STRANGER }],
  ["key-unknown", "clear", "a kept key that is not here", { source: "kept" }],
  ["expired", "clear", "one millisecond too late", { wallMs: HEADER_VALID_MS + 1 }],
  ["expired", "clear", "too far ahead", { wallMs: -HEADER_AHEAD_MS - 1 }],
  ["replayed", "clear", "a transfer seen before", { admission: { replayed: true } }],
  ["busy", "clear", "no room", { admission: { hasRoom: false } }],
  ["too-large", "sealed", "a message nobody would read", { content: hugeMessage }],
];

for (const [verdict, form, why, given] of REFUSED)
  test(`C-18 S-10 stepReceive() answers ${verdict} to ${why}, and asks nobody`, () => {
    const receiver = receive(given);
    assert.deepEqual(receiver.verdict(), [verdict, form]);
    assert.ok(!receiver.asked);
    assert.equal(receiver.kind, verdict === "key-unknown" ? "expect-offer" : "failed");
  });

test("stepReceive() has room for a content whose place it takes over, and for no other", () => {
  const { contentId } = contentOf({ kind: "message", name: "", size: 0 });
  const placed = [new Uint8Array(16).fill(1), contentId];
  assert.ok(receive({ admission: { hasRoom: false, placed } }).asked);
  const others = receive({ admission: { hasRoom: false, placed: placed.slice(0, 1) } });
  assert.deepEqual(others.verdict(), ["busy", "clear"]);
  const again = receive({ admission: { hasRoom: false, placed, replayed: true } });
  assert.deepEqual(again.verdict(), ["replayed", "clear"]);
});

test("stepReceive() asks the person about an offer that passed, and tells the verdict", () => {
  for (const decision of ["accept", "decline", "no-space", "too-large"] as const) {
    const receiver = receive();
    assert.equal(receiver.verdict(), undefined, "nothing is said before the person decides");
    assert.ok(receiver.asked);
    receiver.step({ kind: "decide", decision });
    assert.deepEqual(receiver.verdict(), [decision, "sealed"]);
    assert.equal(receiver.kind, decision === "accept" ? "expect-pipe" : "failed");
  }
});

test("stepReceive() answers timed-out for a person who does not decide", () => {
  const receiver = receive().step({ kind: "woke" }, moment(CONSENT_TIMEOUT_MS - 1));
  assert.equal(receiver.verdict(), undefined);
  receiver.step({ kind: "woke" }, moment(CONSENT_TIMEOUT_MS));
  assert.deepEqual(receiver.verdict(), ["timed-out", "sealed"]);
});

test("every verdict of docs/protocol.md 9 is reached", () => {
  const decided: readonly Verdict[] = ["accept", "decline", "no-space", "too-large", "timed-out"];
  const reached = new Set([...REFUSED.map(([verdict]) => verdict), ...decided].map(encodeVerdict));
  assert.equal(reached.size, 12);
});

test("stepReceive() checks in the order of docs/protocol.md 9", () => {
  const content = hugeMessage;
  const late = HEADER_VALID_MS + 1;
  const both = { replayed: true, hasRoom: false };
  const inOrder: readonly (readonly [Verdict, Case])[] = [
    ["invalid", { header: otherHeader, wallMs: late, admission: both }],
    ["expired", { content, wallMs: late, admission: both }],
    ["replayed", { content, admission: both }],
    ["busy", { content, admission: { hasRoom: false } }],
  ];
  for (const [verdict, given] of inOrder) assert.equal(receive(given).verdict()?.[0], verdict);
});

test("C-18 stepReceive() takes a header at the borders of its time", () => {
  for (const wallMs of [HEADER_VALID_MS, -HEADER_AHEAD_MS, 0])
    assert.ok(receive({ wallMs }).asked, `${wallMs}`);
});

test("C-20 stepReceive() leaves no key behind when it refuses, whoever refused", () => {
  const refused = REFUSED.map(([, , why, given]) => [why, receive(given)] as const);
  const declined = receive().step({ kind: "decide", decision: "decline" });
  for (const [why, { memory }] of [...refused, ["declined", declined] as const]) {
    for (const key of [...memory.extracted, ...memory.expanded])
      assert.doesNotThrow(() => assertWiped(key), why);
  }
});

/** An end-to-end offer that is being opened. */
function opening() {
  const plan = { context: CONTEXT };
  const offer = { kind: "offer", transfer: TRANSFER, outer: secret("outer") } as const;
  const bytes = { sealedHeader: secret("header"), content: new Uint8Array(0) };
  const admission = { ...OPEN, profile: "end-to-end" } as const;
  const offered = { kind: "offer", offer: { ...offer, ...bytes }, admission } as const;
  const { state } = stepReceive(plan, startReceive(moment()), offered, moment());
  return { plan, state };
}

test("F-11 stepReceive() says that its own store failed, and not that the offer is wrong", () => {
  const { plan, state } = opening();
  const told = (code: ErrorCode) => {
    const error = new PosternError(code, "x");
    return stepReceive(plan, state, { kind: "job-failed", error }, moment()).effects;
  };
  for (const [code, reason] of [
    ["store/failed", 3],
    ["store/no-space", 2],
  ] as const) {
    const error = new PosternError(code, "x");
    assert.deepEqual(told(code), [
      { kind: "send-envelope", envelope: { kind: "withdraw", transfer: TRANSFER, reason } },
      { kind: "emit", event: { kind: "failed", error } },
    ]);
  }
  const [refusal] = told("transfer/invalid");
  assert.ok(refusal?.kind === "send-envelope" && refusal.envelope.kind === "refusal");
});

test("C-02 stepReceive() answers replayed to a transfer that the channel has had, and asks nobody", () => {
  const { plan, state } = opening();
  const until = (WALL + HEADER_VALID_MS) as WallMs;
  const times = { created: WALL as WallMs, until, sessionSeconds: 5 };
  const header = encodeHeader(TRANSFER, { content: FILE, ...times });
  const named = (name: string): Uint8Array => secret(name);
  const keys = {
    transcript: named("th"),
    header: named("header"),
    answer: named("answer"),
    receipt: named("receipt"),
    reverse: named("reverse"),
    session: named("session"),
  };
  const place = { n: 1, epoch: 7, keys, salt: named("salt"), header, message: undefined };
  const outcome = { kind: "opened", offer: { ...place, isReplayed: true } } as const;
  const judged = stepReceive(plan, state, { kind: "offer-opened", outcome }, moment());
  assert.deepEqual(
    judged.effects.map((effect) =>
      effect.kind === "seal-receipt" ? effect.words.verdict : effect,
    ),
    ["replayed"],
  );
});
