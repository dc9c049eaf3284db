/** Every transition of the machine, and what is left when it has ended. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  codeOf,
  contextOf,
  converse,
  drawingFirst,
  greeting,
  joiner,
  met,
  opener,
  PairingSide,
  SLOT,
  VALID_MS,
  wrongCode,
} from "../../test/pairing-lab.ts";
import { PosternError } from "../errors.ts";
import {
  PAIR_CODES_MAX,
  PAIR_SLOT_MS,
  PAIR_STEP_TIMEOUT_MS,
  PAIR_WORDS_MAX,
  PAIR_WORDS_MIN,
} from "../limits.ts";
import { parseCode } from "./code.ts";
import { pairingDeadline, pairingSlot, startPairing } from "./pairing.ts";
import type { PairingInput, PairingState } from "./steps.ts";

/** A side in each state that waits, by the state's name. */
const WAITING: Readonly<Record<string, () => PairingSide>> = {
  "expect-slot": () => new PairingSide(contextOf("alice"), { kind: "opener", words: 2 }),
  "expect-joiner": () => opener(),
  "expect-joiner-share": () => conversation(1).a,
  "expect-joiner-confirmation": () => conversation(3).a,
  "expect-admission": () =>
    new PairingSide(contextOf("bob"), { kind: "joiner", code: "37-zoo-zoo" }),
  "expect-nonce": () => joiner("37-zoo-zoo"),
  "expect-opener-share": () => conversation(2).b,
  "expect-opener-confirmation": () => conversation(4).b,
};
const OPENER_MIDWAY = ["expect-joiner-share", "expect-joiner-confirmation"];

/** An opener and a joiner between whom so many messages were said and heard. */
function conversation(said: number) {
  const a = opener();
  const b = joiner(codeOf(a));
  let heard = greeting(a);
  for (let n = 1, to = b; n < said; n++, to = to === a ? b : a) heard = to.hear(heard);
  return { a, b };
}

test("the states that wait are all of them", () => {
  for (const [kind, make] of Object.entries(WAITING)) {
    const side = make();
    assert.equal(side.state.kind, kind);
    assert.equal(pairingSlot(side.state), kind === "expect-slot" ? undefined : SLOT);
  }
});

test("stepPairing() pairs two who have the same code", () => {
  const { a, b } = met();
  const [atOpener, atJoiner] = [a.last("paired"), b.last("paired")];
  assert.deepEqual(atOpener.secret, atJoiner.secret);
  assert.equal(atOpener.secret.length, 32);
  for (const [event, peer] of [
    [atOpener, b],
    [atJoiner, a],
  ] as const) {
    assert.deepEqual(event.id, peer.context.self.id);
    assert.deepEqual(event.fingerprint, peer.context.self.fingerprint);
    assert.equal(event.name, peer.context.name);
  }
  assert.deepEqual([a.outcome, b.outcome], ["paired", "paired"]);
  assert.deepEqual([a.closed, b.closed], [[], [SLOT]], "the joiner closes: it hears the last word");
  assert.deepEqual(
    a.events.map(({ kind }) => kind),
    ["code", "paired"],
  );
  const other = met();
  assert.notDeepEqual(other.a.last("paired").secret, atOpener.secret);
});

test("stepPairing() pairs under any number of words, however the code is typed", () => {
  for (let words = PAIR_WORDS_MIN; words <= PAIR_WORDS_MAX; words++) {
    const a = opener(contextOf("alice"), SLOT, words);
    assert.equal(parseCode(codeOf(a)).words.length, words);
    const short = codeOf(a)
      .split("-")
      .map((part) => part.slice(0, 4));
    const b = joiner(short.join("  ").toUpperCase());
    converse(a, b);
    assert.deepEqual([a.outcome, b.outcome], ["paired", "paired"], codeOf(a));
  }
});

test("startPairing() refuses codes, numbers of words and names out of range", () => {
  const context = contextOf("alice");
  const now = WAITING["expect-slot"]!().now;
  for (const words of [PAIR_WORDS_MIN - 1, PAIR_WORDS_MAX + 1, 2.5, Number.NaN])
    assert.throws(() => startPairing(context, { kind: "opener", words }, now), {
      code: "usage/invalid-argument",
    });
  assert.throws(() => startPairing(context, { kind: "joiner", code: "37-x" }, now), {
    code: "pairing/invalid-code",
  });
  const unnamed = { ...context, name: "Alice Smith" };
  assert.throws(() => startPairing(unnamed, { kind: "opener", words: 2 }, now), {
    code: "usage/invalid-argument",
  });
});

test("stepPairing() shows a code for as long as the relay keeps the slot, at most PAIR_SLOT_MS", () => {
  for (const [granted, validMs] of [
    [1_234, 1_234],
    [PAIR_SLOT_MS + 1, PAIR_SLOT_MS],
    [0xffff_ffff, PAIR_SLOT_MS],
  ] as const) {
    const a = WAITING["expect-slot"]!();
    a.step({ kind: "slot", slot: 5, validMs: granted });
    const shown = a.last("code");
    assert.equal(shown.validMs, validMs);
    assert.equal(parseCode(shown.code).slot, 5);
    assert.equal(a.deadline, a.now + validMs);
    a.wakeAt(a.deadline - 1);
    assert.equal(a.outcome, "expect-joiner");
    a.wakeAt(a.deadline);
    assert.equal(a.outcome, "pairing/expired");
    assert.deepEqual(a.closed, [5]);
  }
});

test("stepPairing() ends when the relay has no slot, or does not let the joiner in", () => {
  const a = WAITING["expect-slot"]!();
  a.step({ kind: "slot-refused", status: "overloaded" });
  assert.equal(a.outcome, "pairing/limited");
  for (const [status, code] of [
    ["unknown", "pairing/unknown-code"],
    ["overloaded", "pairing/limited"],
    ["something new", "pairing/limited"],
  ] as const) {
    const b = WAITING["expect-admission"]!();
    b.step({ kind: "join-result", status });
    assert.equal(b.outcome, code);
    assert.deepEqual(b.closed, []);
  }
});

test("stepPairing() gives up a step after PAIR_STEP_TIMEOUT_MS", () => {
  for (const [kind, make] of Object.entries(WAITING)) {
    if (kind === "expect-joiner") continue;
    const side = make();
    assert.equal(side.deadline, side.now + PAIR_STEP_TIMEOUT_MS, kind);
    side.wakeAt(side.deadline - 1);
    assert.equal(side.outcome, kind);
    side.wakeAt(side.deadline);
    const burned = OPENER_MIDWAY.includes(kind);
    assert.equal(side.outcome, burned ? "expect-slot" : "pairing/expired", kind);
    assert.deepEqual(side.closed, kind === "expect-slot" ? [] : [SLOT], kind);
  }
});

test("stepPairing() takes nothing after a deadline, however late the timer is", () => {
  const a = opener();
  a.now = (a.now + VALID_MS) as typeof a.now;
  assert.equal(greeting(a), undefined);
  assert.equal(a.outcome, "pairing/expired");
  const { a: slow, b } = conversation(1);
  b.now = (b.now + PAIR_STEP_TIMEOUT_MS) as typeof b.now;
  assert.equal(b.hear(slow.sent[0]), undefined);
  assert.equal(b.outcome, "pairing/expired");
});

test("stepPairing() ends on cancel and on a lost link in every state", () => {
  for (const [kind, make] of Object.entries(WAITING)) {
    const cancelled = make();
    cancelled.step({ kind: "cancel" });
    assert.equal(cancelled.outcome, "pairing/cancelled", kind);
    assert.deepEqual(cancelled.closed, kind === "expect-slot" ? [] : [SLOT], kind);
    const lost = make();
    const error = new PosternError("link/closed", "gone");
    lost.step({ kind: "link-lost", error });
    assert.equal(lost.error, error);
    assert.equal(lost.last("failed").error, error);
    assert.deepEqual(lost.closed, [], "no link to close it on");
  }
});

test("stepPairing() tells what a closed slot means in every state", () => {
  const burned = "expect-slot";
  const meanings: Readonly<Record<string, readonly [string, string, string]>> = {
    // other-end, gone, expired
    "expect-slot": [burned, burned, burned],
    "expect-joiner": [burned, burned, "pairing/expired"],
    "expect-joiner-share": [burned, burned, "pairing/expired"],
    "expect-joiner-confirmation": [burned, burned, "pairing/expired"],
    "expect-admission": ["pairing/cancelled", "pairing/cancelled", "pairing/expired"],
    "expect-nonce": ["pairing/cancelled", "pairing/cancelled", "pairing/expired"],
    "expect-opener-share": ["pairing/cancelled", "pairing/cancelled", "pairing/expired"],
    "expect-opener-confirmation": ["pairing/wrong-code", "pairing/cancelled", "pairing/expired"],
  };
  for (const [kind, outcomes] of Object.entries(meanings))
    for (const [i, reason] of (["other-end", "gone", "expired"] as const).entries()) {
      const side = WAITING[kind]!();
      side.step({ kind: "closed", reason });
      assert.equal(side.outcome, outcomes[i], `${kind} ${reason}`);
      assert.deepEqual(side.closed, [], "it is closed already");
    }
});

test("stepPairing() lets stray answers of the relay pass", () => {
  const strays: readonly PairingInput[] = [
    { kind: "slot-refused", status: "overloaded" },
    { kind: "join-result", status: "done" },
  ];
  for (const [kind, make] of Object.entries(WAITING))
    for (const input of strays) {
      const side = make();
      if (kind === "expect-slot" && input.kind === "slot-refused") continue;
      if (kind === "expect-admission" && input.kind === "join-result") continue;
      const before = side.state;
      assert.deepEqual(side.step(input), [], `${kind} ${input.kind}`);
      assert.equal(side.state, before);
    }
});

test("stepPairing() gives a slot back that comes too late", () => {
  const late = { kind: "slot", slot: 99, validMs: 1 } as const;
  const a = WAITING["expect-slot"]!();
  a.step({ kind: "cancel" });
  assert.deepEqual(a.step(late), [{ kind: "close", slot: 99 }]);
  const { b } = met();
  assert.deepEqual(b.step(late), [{ kind: "close", slot: 99 }]);
  assert.equal(b.outcome, "paired");
});

test("stepPairing() stays ended", () => {
  const failed = opener();
  failed.step({ kind: "cancel" });
  const inputs: readonly PairingInput[] = [
    { kind: "joined" },
    { kind: "message", body: new Uint8Array(17) },
    { kind: "closed", reason: "gone" },
    { kind: "cancel" },
    { kind: "woke" },
    { kind: "link-lost", error: new PosternError("link/closed", "gone") },
  ];
  for (const side of [failed, met().a, met().b]) {
    const { state } = side;
    assert.equal(pairingDeadline(state), undefined);
    for (const input of inputs) {
      assert.deepEqual(side.step(input), []);
      assert.equal(side.state, state);
    }
  }
});

test("stepPairing() goes on with a new slot and new words after a guess, and pairs under them", () => {
  const a = opener();
  const [burned, wrong] = [codeOf(a), wrongCode(a)];
  converse(a, joiner(wrong));
  assert.deepEqual(a.effects.slice(-3), [
    { kind: "close", slot: SLOT },
    { kind: "emit", event: { kind: "guessed" } },
    { kind: "open-slot" },
  ]);
  // What the burned slot still brings is not for the next one.
  a.step({ kind: "closed", reason: "other-end" });
  a.step({ kind: "joined" });
  a.hear(new Uint8Array(17));
  assert.equal(a.outcome, "expect-slot");
  a.step({ kind: "slot", slot: 38, validMs: VALID_MS });
  assert.notDeepEqual(parseCode(codeOf(a)).words, parseCode(burned).words);
  const b = joiner(codeOf(a));
  converse(a, b);
  assert.deepEqual([a.outcome, b.outcome], ["paired", "paired"]);
});

test("stepPairing() burns PAIR_CODES_MAX codes and no more", () => {
  const a = opener();
  for (let codes = 1; codes < PAIR_CODES_MAX; codes++) {
    greeting(a);
    a.step({ kind: "closed", reason: "gone" });
    assert.equal(a.outcome, "expect-slot");
    a.step({ kind: "slot", slot: SLOT + codes, validMs: VALID_MS });
  }
  converse(a, joiner(wrongCode(a)));
  assert.equal(a.outcome, "pairing/wrong-code");
  assert.equal(a.error?.details["codes"], PAIR_CODES_MAX);
  const codes = a.events.filter(({ kind }) => kind === "code");
  assert.equal(codes.length, PAIR_CODES_MAX);
  assert.equal(a.closed.at(-1), SLOT + PAIR_CODES_MAX - 1);
});

test("C-20 stepPairing() wipes every secret on every way out", () => {
  const ways: readonly (readonly [string, (side: PairingSide) => void])[] = [
    ["cancel", (side) => side.step({ kind: "cancel" })],
    ["link-lost", (side) => side.step(lostLink())],
    ["closed", (side) => side.step({ kind: "closed", reason: "gone" })],
    ["expired", (side) => side.step({ kind: "closed", reason: "expired" })],
    ["nonsense", (side) => side.hear(new Uint8Array(40))],
    ["timeout", (side) => side.wakeAt(side.deadline)],
  ];
  for (const [kind, make] of Object.entries(WAITING))
    for (const [way, end] of ways) {
      const side = make();
      end(side);
      if (side.state.kind === kind) continue;
      assert.deepEqual(unwiped(side.states.slice(0, -1)), [], `${kind} ${way}`);
    }
  const { a, b } = met();
  assert.deepEqual(unwiped([...a.states, ...b.states]), [], "paired");
  assert.notDeepEqual(a.last("paired").secret, new Uint8Array(32), "but that which was given away");
});

test("the test for wiped secrets sees one that is not", () => {
  assert.deepEqual(unwiped(opener().states), ["expect-joiner.password"]);
  assert.equal(unwiped(conversation(3).a.states).length, 5);
  assert.equal(unwiped(conversation(2).b.states).length, 1);
});

test("C-20 no error, and no code's error, carries a word of the code", () => {
  const a = opener(contextOf("alice", "relay", drawingFirst(Uint8Array.of(1, 2, 3, 4))));
  const { words } = parseCode(codeOf(a));
  const b = joiner(wrongCode(a));
  converse(a, b);
  a.step({ kind: "cancel" });
  for (const error of [a.error, b.error])
    for (const word of [...words, "zoo"])
      assert(!`${error?.message} ${JSON.stringify(error?.details)}`.includes(word));
});

test("stepPairing() is the same whatever buffer a message lies in", () => {
  const a = opener();
  const b = joiner(codeOf(a));
  // The driver reuses its read buffer: what is kept must be a copy.
  let heard = greeting(a);
  for (let to = b; heard !== undefined; to = to === a ? b : a) {
    const buffer = new Uint8Array(512);
    buffer.set(heard, 7);
    const { length } = heard;
    heard = to.hear(buffer.subarray(7, 7 + length));
    buffer.fill(0);
  }
  assert.deepEqual([a.outcome, b.outcome], ["paired", "paired"]);
  assert.deepEqual(a.last("paired").id, b.context.self.id);
});

function lostLink(): PairingInput {
  return { kind: "link-lost", error: new PosternError("link/closed", "gone") };
}

/** Where bytes that are secret still stand. */
function unwiped(states: readonly PairingState[]): string[] {
  return states.flatMap((state) => {
    const secrets: [string, Uint8Array][] = [];
    if ("password" in state) secrets.push(["password", state.password]);
    if ("scalar" in state) secrets.push(["scalar", state.scalar]);
    if ("keys" in state)
      for (const [name, key] of Object.entries(state.keys) as [string, Uint8Array][])
        if (name !== "transcript") secrets.push([name, key]);
    return secrets.flatMap(([name, bytes]) =>
      bytes.some((byte) => byte !== 0) ? [`${state.kind}.${name}`] : [],
    );
  });
}
