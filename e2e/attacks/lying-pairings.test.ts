/**
 * A relay between two people with a code (C-14): it changes, reflects, repeats and drops what they
 * say, guesses itself, and joins whom it likes. docs/protocol-pairing.md.
 *
 * @module
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Paired, Pairing } from "@postern/client";
import { PosternError } from "@postern/core/errors";
import type { PairMessageFrame } from "@postern/core/link";
import type { Actor } from "./cast.ts";
import { turned } from "./envelopes.ts";
import { Talk } from "./talk.ts";

/** What a relay makes of a message: `from` says who wrote it. */
type Change = (from: string, frame: PairMessageFrame) => readonly PairMessageFrame[];

interface Met {
  readonly opener: string;
  readonly joiner: string;
}

test("C-14 C-01 no byte of any message can be changed: nobody is paired", async () => {
  // Message n of the five, and places of its fields.
  for (const [number, places] of [
    [1, [0, 1, 16]],
    [2, [0, 1, 17, 20, 52, 83]],
    [3, [0, 1, 4, 36, 67]],
    [4, [0, 1, 32, 33, 60, -1]],
    [5, [0, 1, 32, 33, 60, -1]],
  ] as const)
    for (const at of places) {
      const { talk, alice, bob } = await Talk.ofTwo();
      let count = 0;
      const met = await meet(talk, alice, bob, (_from, frame) => [
        ++count === number ? { ...frame, body: turned(frame.body, at, 0x02) } : frame,
      ]);
      assert.ok(count >= number, `message ${number} came`);
      assert.notEqual(met.joiner, "paired", `byte ${at} of message ${number}`);
      // The last message is the joiner's only: the opener is sure already, and tells nobody else.
      if (number < 5) assert.notEqual(met.opener, "paired", `byte ${at} of message ${number}`);
    }
});

test("C-14 messages that come back, twice, cut or in another's place pair nobody wrongly", async () => {
  const seen: PairMessageFrame[] = [];
  const changes: Readonly<Record<string, Change>> = {
    reflected: () => [],
    twice: (_from, frame) => [frame, frame],
    cut: (_from, frame) => [{ ...frame, body: frame.body.subarray(0, frame.body.length - 1) }],
    longer: (_from, frame) => [{ ...frame, body: Buffer.concat([frame.body, Buffer.alloc(1)]) }],
    "the first again": (_from, frame) => {
      seen.push(frame);
      return [seen[0]!];
    },
    dropped: () => [],
  };
  for (const [what, change] of Object.entries(changes)) {
    seen.length = 0;
    const { talk, alice, bob } = await Talk.ofTwo();
    const reflecting: Change = (from, frame) => {
      if (what === "reflected") talk.relay.say(from, frame);
      return change(from, frame);
    };
    const met = await meet(talk, alice, bob, reflecting);
    assert.notEqual(met.joiner, "paired", what);
    assert.notEqual(met.opener, "paired", what);
    assert.deepEqual(await alice.client.contacts.list(), []);
    // The same two meet when nobody disturbs them.
    assert.deepEqual(await meet(talk, alice, bob), { opener: "paired", joiner: "paired" }, what);
  }
});

test("C-14 C-10 a relay in the middle, with both at one end each, pairs with neither", async () => {
  const { talk, alice, bob } = await Talk.ofTwo();
  const mallory = await talk.join("mallory");
  const opening = alice.client.pair();
  const code = await codeOf(opening);
  const [slot = ""] = code.split("-");
  // She has the slot, and opens one of her own that she leads Bob to.
  const guess = mallory.client.pair({ code: `${slot}-abandon-ability` });
  await outcomeOf(talk, guess);
  const other = mallory.client.pair();
  const [hers = ""] = (await codeOf(other)).split("-");
  talk.relay.onFrame = (from, frame) =>
    from === "bob" && frame.kind === "pair-join" ? [{ ...frame, slot: Number(hers) }] : [frame];
  const joined = await outcomeOf(talk, bob.client.pair({ code }));
  assert.notEqual(joined, "paired");
  opening.cancel();
  other.cancel();
  assert.deepEqual(await mallory.client.contacts.list(), []);
});

test("C-14 one guess for one code: the opener answers one joiner, whatever the relay does", async () => {
  const { talk, alice } = await Talk.ofTwo();
  const mallory = await talk.join("mallory");
  const opening = alice.client.pair();
  const events = opening[Symbol.asyncIterator]();
  const first = await nextCode(events);
  const burned = await outcomeOf(talk, mallory.client.pair({ code: wrong(first) }));
  assert.equal(burned, "pairing/wrong-code");
  assert.deepEqual((await events.next()).value, { type: "guessed" });
  const second = await nextCode(events);
  assert.notEqual(second, first);
  // The relay plays the same guess to the old slot and to the new one, as often as it wants.
  const [oldSlot, newSlot] = [first, second].map((code) => Number(code.split("-")[0]));
  const joins = talk.relay.heard.flatMap(({ from, frame }) =>
    from === "mallory" && frame.kind === "pair-send" ? [frame.body] : [],
  );
  const before = talk.relay.heard.length;
  for (const slot of [oldSlot!, newSlot!, newSlot!, newSlot!]) {
    talk.relay.say("alice", { kind: "pair-joined", slot });
    for (const body of joins) talk.relay.say("alice", { kind: "pair-message", slot, body });
  }
  await talk.settle();
  const said = talk.relay.heard.slice(before).filter(({ frame }) => frame.kind === "pair-send");
  assert.ok(
    said.every(({ frame }) => frame.kind === "pair-send" && frame.slot !== oldSlot),
    "nothing more is said on the burned slot",
  );
  assert.ok(said.length <= 2, "one hello and one answer on the new one");
  opening.cancel();
});

test("C-14 a joined code leaves no trace of its words with the relay", async () => {
  const { talk, alice, bob } = await Talk.ofTwo();
  const opening = alice.client.pair({ words: 3 });
  const code = await codeOf(opening);
  const joining = bob.client.pair({ code });
  await talk.until(Promise.all([opening.paired, joining.paired]));
  const bodies = talk.relay.heard.flatMap(({ frame }) =>
    frame.kind === "pair-send" ? [Buffer.from(frame.body)] : [],
  );
  assert.equal(bodies.length, 5);
  for (const word of code.split("-").slice(1))
    for (const body of bodies) assert.ok(!body.includes(word));
});

/** How it ends for both, over a relay that changes their messages. */
async function meet(
  talk: Talk,
  opener: Actor,
  joiner: Actor,
  change: Change = (_from, frame) => [frame],
): Promise<Met> {
  talk.relay.onAnswer = (to, frame) =>
    frame.kind === "pair-message"
      ? change(to === opener.name ? joiner.name : opener.name, frame)
      : [frame];
  const opening = opener.client.pair();
  const code = await codeOf(opening);
  const joining = joiner.client.pair({ code });
  const joined = await outcomeOf(talk, joining);
  // An opener whose code was burned waits with another one.
  if (joined !== "paired") await talk.settle();
  const opened = await Promise.race([
    outcomeOf(talk, opening),
    talk.settle().then(() => "waiting"),
  ]);
  opening.cancel();
  talk.relay.onAnswer = (_to, frame) => [frame];
  return { opener: opened, joiner: joined };
}

async function outcomeOf(talk: Talk, pairing: Pairing): Promise<string> {
  const met = pairing.paired.then(
    (_paired: Paired) => "paired",
    (error: unknown) => {
      if (error instanceof PosternError) return error.code;
      throw error;
    },
  );
  return await talk.until(met);
}

async function codeOf(opening: Pairing): Promise<string> {
  return await nextCode(opening[Symbol.asyncIterator]());
}

async function nextCode(events: AsyncIterator<{ readonly type: string }>): Promise<string> {
  const { value } = await events.next();
  if (value !== undefined && "code" in value) return String(value.code);
  throw new Error("no code came");
}

/** Another code for the same slot. */
function wrong(code: string): string {
  const [slot, first, ...rest] = code.split("-");
  return [slot, first === "zoo" ? "zebra" : "zoo", ...rest].join("-");
}
