/**
 * Content on its way through a relay's pipe, cut, repeated, reordered and changed (C-01, C-03,
 * C-05): an end-to-end file arrives whole or not at all. docs/protocol.md 8.
 *
 * @module
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { concat } from "@postern/core/bytes";
import { PING_INTERVAL_MS, PIPE_STALLED_MS, PIPES_PER_TRANSFER_MAX } from "@postern/core/limits";
import { nativeSuite as suite } from "@postern/node";
import { bytesSource, outcomeOf } from "./cast.ts";
import { turned } from "./envelopes.ts";
import type { FramePlace } from "./relay-pipes.ts";
import { Talk } from "./talk.ts";

/** Several records. */
const FILE = suite.random(250_000);
const SESSION = 1;
const DATA = 2;
const FLAGS_LAST = 1;
const HEADER_BYTES = 32;

type Change = (frame: Uint8Array, place: FramePlace) => readonly Uint8Array[];

type Two = Awaited<ReturnType<typeof Talk.ofTwo>>;

/** What becomes of a file whose frames, as Alice wrote them, pass through `change`. */
async function sent(
  { talk, alice, bob }: Two,
  change: Change,
  file: Uint8Array = FILE,
): Promise<string> {
  let changes = 0;
  talk.relay.pipes.onFrame = (frame, place) => {
    if (place.writer !== "alice") return [frame];
    const instead = change(frame, place);
    if (instead.length !== 1 || instead[0] !== frame) changes++;
    return instead;
  };
  const outcome = await talk.until(talk.startFile(alice, bob, file));
  assert.ok(changes > 0, "something was changed");
  await talk.settle();
  talk.check();
  return outcome;
}

test("C-01 any byte of a record's header, of its body or its tag: sent again, or an end", async () => {
  const places = [...Array(HEADER_BYTES).keys(), HEADER_BYTES, HEADER_BYTES + 5_000, -16, -1];
  const two = await Talk.ofTwo();
  for (const at of places) {
    let isChanged = false;
    const outcome = await sent(two, (frame, { index }) => {
      if (isChanged || frame[0] !== DATA || index < 2) return [frame];
      isChanged = true;
      return [turned(frame, at, 0x04)];
    });
    assert.match(outcome, REFUSED_OR_DONE);
    // A body or a tag that does not hold costs one resend.
    if (at >= HEADER_BYTES || at < 0) assert.equal(outcome, "done", `byte ${at}`);
  }
  await two.talk.goesOn(two.alice, two.bob);
});

test("C-01 C-05 any byte of a session frame: sent again, or an end", async () => {
  const two = await Talk.ofTwo();
  for (const at of Array(HEADER_BYTES + 16).keys()) {
    let isChanged = false;
    const outcome = await sent(two, (frame) => {
      if (isChanged || frame[0] !== SESSION) return [frame];
      isChanged = true;
      return [turned(frame, at, 0x04)];
    });
    assert.match(outcome, REFUSED_OR_DONE);
  }
  await two.talk.goesOn(two.alice, two.bob);
});

const REFUSED_OR_DONE = /^(?:done|transfer\/(?:framing|damaged|pipe-lost|truncated))$/;

test("C-03 a record left out, twice, in the wrong order, or from the start again", async () => {
  const earlier: Uint8Array[] = [];
  const changes: Readonly<Record<string, Change>> = {
    "left out": (frame, { index }) => (index === 2 ? [] : [frame]),
    twice: (frame, { index }) => (index === 2 ? [frame, frame] : [frame]),
    "in the wrong order": (frame, { index }) => {
      if (index === 2) return earlier.splice(0, 1, frame).slice(1);
      return index === 3 ? [frame, ...earlier.splice(0)] : [frame];
    },
    "from the start again": (frame, { index }) => {
      if (index < 3) earlier.push(frame);
      return index === 3 ? [...earlier.splice(0), frame] : [frame];
    },
    "a session frame twice": (frame, { index }) => (index === 0 ? [frame, frame] : [frame]),
  };
  const two = await Talk.ofTwo();
  for (const [what, change] of Object.entries(changes)) {
    earlier.length = 0;
    assert.equal(await sent(two, change), "done", what);
  }
  await two.talk.goesOn(two.alice, two.bob);
});

test("C-03 an end that the relay makes: at a record's border, within it, before the last word", async () => {
  const kept: Readonly<Record<string, Change>> = {
    "at a border": (frame, { index }) => (index < 3 ? [frame] : []),
    "within a record": (frame, { index }) => (index < 3 ? [frame] : [frame.subarray(0, 1_000)]),
    "before the last word": (frame) => (frame[1] === FLAGS_LAST ? [] : [frame]),
  };
  for (const [what, keep] of Object.entries(kept)) {
    const { talk, alice, bob } = await Talk.ofTwo();
    let cuts = 0;
    talk.relay.pipes.onFrame = (frame, place) => {
      if (place.writer !== "alice") return [frame];
      const passing = keep(frame, place);
      if (passing[0] === frame) return passing;
      cuts++;
      queueMicrotask(() => talk.relay.pipes.cut("alice"));
      return passing;
    };
    const outcome = await talk.until(talk.startFile(alice, bob, FILE));
    assert.ok(cuts > 0, what);
    if (outcome !== "done") assert.match(outcome, /^transfer\/(?:pipe-lost|truncated)$/);
    if (what === "before the last word") assert.notEqual(outcome, "done", what);
    await talk.goesOn(alice, bob);
  }
});

test("C-03 bytes that the relay puts before, between and behind", async () => {
  const noise = suite.random(100);
  const changes: Readonly<Record<string, Change>> = {
    before: (frame, { index }) => (index === 0 ? [noise, frame] : [frame]),
    between: (frame, { index }) => (index === 2 ? [noise, frame] : [frame]),
    "a record of zeros": (frame, { index }) => {
      const forged = concat(frame.subarray(0, HEADER_BYTES), new Uint8Array(frame.length - 32));
      return index === 2 ? [forged, frame] : [frame];
    },
  };
  const two = await Talk.ofTwo();
  for (const change of Object.values(changes))
    assert.match(await sent(two, change), REFUSED_OR_DONE);
  await two.talk.goesOn(two.alice, two.bob);
});

test("C-02 the frames of an earlier transfer in the pipe of a later one", async () => {
  const { talk, alice, bob } = await Talk.ofTwo();
  assert.equal(await talk.until(talk.startFile(alice, bob, FILE)), "done");
  const before = talk.relay.pipes.written.filter(({ writer }) => writer === "alice");
  let isLate = false;
  talk.relay.pipes.onFrame = (frame, { writer, index }) => {
    if (writer !== "alice" || isLate) return [frame];
    const old = before[index]?.frame;
    isLate = index + 1 >= before.length;
    // What it took away is missed when something follows, or when the pipe ends.
    if (isLate) queueMicrotask(() => talk.relay.pipes.cut("alice"));
    return old === undefined ? [frame] : [old];
  };
  const outcome = await talk.until(talk.startFile(alice, bob, suite.random(3 * FILE.length)));
  assert.match(outcome, /^(?:done|transfer\/damaged)$/);
  await talk.goesOn(alice, bob);
});

test("C-03 a person can end a transfer whose file the relay swallows", async () => {
  const { talk, alice, bob } = await Talk.ofTwo();
  talk.relay.pipes.onFrame = (frame, { writer, index }) =>
    writer === "alice" && index > 1 ? [] : [frame];
  const content = bytesSource(FILE);
  const transfer = await talk.until(
    talk.stage.start(alice, "bob", { profile: "end-to-end", content }),
  );
  const outcome = outcomeOf(transfer);
  await talk.stage.clock.advance(PIPE_STALLED_MS / 2);
  transfer.cancel();
  assert.equal(await talk.until(outcome), "transfer/cancelled");
  assert.equal(bob.shown.length, 0);
  await talk.goesOn(alice, bob);
});

test("P-06 C-17 a relay that swallows frames and closes nothing: a new pipe, or an end in time", async () => {
  const swallowed: Readonly<Record<string, (frame: Uint8Array) => boolean>> = {
    "the last record": (frame) => frame[0] === DATA && frame[1] === FLAGS_LAST,
    "every record": (frame) => frame[0] === DATA,
  };
  for (const [what, isSwallowed] of Object.entries(swallowed))
    for (const isAlways of [false, true]) {
      const { talk, alice, bob } = await Talk.ofTwo();
      const { clock } = talk.stage;
      let first: unknown;
      talk.relay.pipes.onFrame = (frame, { writer, pipe }) => {
        first ??= pipe;
        const isHere = writer === "alice" && (isAlways || pipe === first);
        return isHere && isSwallowed(frame) ? [] : [frame];
      };
      const since = clock.now();
      const outcome = await talk.until(talk.startFile(alice, bob, FILE));
      assert.equal(outcome, isAlways ? "transfer/pipe-lost" : "done", what);
      const pipes = isAlways ? PIPES_PER_TRANSFER_MAX : 1;
      assert.ok(clock.now() - since <= pipes * (PIPE_STALLED_MS + PING_INTERVAL_MS) + 10_000);
      await talk.goesOn(alice, bob);
    }
});

test("C-03 a pipe that breaks, again and again: the content goes on, or the transfer ends", async () => {
  for (const breaks of [1, 3, 9]) {
    const { talk, alice, bob } = await Talk.ofTwo();
    let left = breaks;
    talk.relay.pipes.onFrame = (frame, { writer, index }) => {
      if (writer !== "alice" || index !== 1 || left === 0) return [frame];
      left--;
      queueMicrotask(() => talk.relay.pipes.cut("alice"));
      return [];
    };
    const outcome = await talk.until(talk.startFile(alice, bob, FILE));
    if (breaks === 1) assert.equal(outcome, "done");
    if (breaks === 9) assert.equal(outcome, "transfer/pipe-lost");
    await talk.goesOn(alice, bob);
  }
});
