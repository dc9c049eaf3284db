import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  PAIR_JOINS_PER_ADDRESS,
  PAIR_JOINS_PER_LINK,
  PAIR_JOINS_WINDOW_MS,
  PAIR_SLOT_MS,
  PAIR_SLOTS_MAX,
  PAIR_SLOTS_MIN,
  PAIR_SLOTS_PER_ADDRESS_MAX,
  PAIR_SLOTS_PER_LINK_MAX,
} from "@postern/core/limits";
import type { InstantMs } from "@postern/core/time";
import { suite } from "../test/test-client.ts";
import { PairSlots, type PairEnd } from "./pair-slots.ts";

const at = (ms: number): InstantMs => ms as InstantMs;
const end = (link: string, address?: string): PairEnd => ({ link, address });
const random = (length: number): Uint8Array => suite.random(length);

function opened(slots: PairSlots, link = "opener", now = 0): number {
  const slot = slots.open(end(link), at(now));
  assert(slot !== undefined);
  return slot;
}

test("PairSlots: a slot lets one joiner in, ever", () => {
  const slots = new PairSlots(random);
  const slot = opened(slots);
  assert.equal(slots.otherEnd(slot, "opener"), undefined);
  assert.deepEqual(slots.join(end("joiner"), slot, at(1)), { kind: "joined", opener: "opener" });
  assert.equal(slots.join(end("second"), slot, at(1)).kind, "unknown");
  assert.equal(slots.join(end("joiner"), slot, at(1)).kind, "unknown", "not even the first again");
  assert.equal(slots.otherEnd(slot, "opener"), "joiner");
  assert.equal(slots.otherEnd(slot, "joiner"), "opener");
  assert.equal(slots.otherEnd(slot, "second"), undefined);
  assert.equal(slots.close(slot, "joiner"), "opener");
  assert.equal(slots.join(end("second"), slot, at(1)).kind, "unknown", "it does not open again");
  assert.equal(slots.size, 0);
});

test("PairSlots: no link is both ends of a slot", () => {
  const slots = new PairSlots(random);
  const slot = opened(slots);
  assert.equal(slots.join(end("opener"), slot, at(0)).kind, "unknown");
  assert.equal(slots.join(end("joiner"), slot, at(0)).kind, "joined", "and it burns nothing");
});

test("PairSlots: nobody but an end closes a slot", () => {
  const slots = new PairSlots(random);
  const slot = opened(slots);
  assert.equal(slots.close(slot, "stranger"), undefined);
  assert.equal(slots.size, 1);
  assert.equal(slots.close(slot, "opener"), undefined, "nobody has to hear of it");
  assert.equal(slots.size, 0);
});

test("PairSlots: a slot ends after PAIR_SLOT_MS, joined or not", () => {
  const slots = new PairSlots(random);
  const joined = opened(slots, "a");
  slots.join(end("b"), joined, at(1));
  const lonely = opened(slots, "c", 5);
  assert.equal(slots.deadline, PAIR_SLOT_MS);
  assert.deepEqual(slots.expire(at(PAIR_SLOT_MS - 1)), []);
  assert.deepEqual(slots.expire(at(PAIR_SLOT_MS)), [
    { slot: joined, link: "a" },
    { slot: joined, link: "b" },
  ]);
  assert.equal(slots.deadline, PAIR_SLOT_MS + 5);
  const late = at(PAIR_SLOT_MS + 5);
  assert.equal(slots.join(end("d"), lonely, late).kind, "unknown", "also before expire() ran");
  assert.deepEqual(slots.expire(late), [{ slot: lonely, link: "c" }]);
  assert.equal(slots.deadline, undefined);
});

test("PairSlots: a link that ends takes its slots with it, opened and joined", () => {
  const slots = new PairSlots(random);
  const own = opened(slots, "gone");
  const others = opened(slots, "other");
  opened(slots, "gone");
  slots.join(end("friend"), own, at(0));
  slots.join(end("gone"), others, at(0));
  assert.deepEqual(slots.leave("gone"), [
    { slot: own, link: "friend" },
    { slot: others, link: "other" },
  ]);
  assert.equal(slots.size, 0);
  assert.deepEqual(slots.leave("gone"), []);
  assert.deepEqual(slots.leave("friend"), []);
});

test("R-03 PairSlots: one link opens PAIR_SLOTS_PER_LINK_MAX, and gets room back", () => {
  const slots = new PairSlots(random);
  const own = Array.from({ length: PAIR_SLOTS_PER_LINK_MAX }, () => opened(slots, "greedy"));
  assert.equal(slots.open(end("greedy"), at(0)), undefined);
  const others = opened(slots, "other");
  assert.equal(slots.join(end("greedy"), others, at(0)).kind, "joined", "joining is another thing");
  slots.close(own[0] ?? 0, "greedy");
  assert(slots.open(end("greedy"), at(0)) !== undefined);
});

test("R-03 PairSlots: 10,000 rooms from one source leave room for everybody else", () => {
  const slots = new PairSlots(random);
  let taken = 0;
  for (let link = 0; link < 10_000; link++)
    if (slots.open(end(`sybil-${link}`, "192.0.2.1"), at(0)) !== undefined) taken++;
  assert.equal(taken, PAIR_SLOTS_PER_ADDRESS_MAX);
  assert(slots.open(end("alice", "192.0.2.2"), at(0)) !== undefined);
  slots.leave("sybil-0");
  assert(slots.open(end("sybil-0", "192.0.2.1"), at(0)) !== undefined, "exactly one came free");
  assert.equal(slots.open(end("sybil-1", "192.0.2.1"), at(0)), undefined);
  slots.expire(at(PAIR_SLOT_MS));
  assert(slots.open(end("sybil-0", "192.0.2.1"), at(PAIR_SLOT_MS)) !== undefined);
});

test("R-03 PairSlots: when sources without number fill it, no slot goes to make room", () => {
  const slots = new PairSlots(random);
  const slot = opened(slots, "alice");
  for (let link = 1; link < PAIR_SLOTS_MAX; link++)
    assert(slots.open(end(`sybil-${link}`, `source-${link}`), at(1)) !== undefined);
  assert.equal(slots.size, PAIR_SLOTS_MAX);
  assert.equal(slots.open(end("late", "192.0.2.2"), at(1)), undefined);
  assert.equal(slots.join(end("bob"), slot, at(2)).kind, "joined");
  slots.close(slot, "bob");
  assert(slots.open(end("late", "192.0.2.2"), at(1)) !== undefined);
});

test("R-03 PairSlots: one link joins PAIR_JOINS_PER_LINK times in a window, hit or miss", () => {
  const slots = new PairSlots(random);
  const slot = opened(slots, "alice");
  for (let i = 0; i < PAIR_JOINS_PER_LINK; i++)
    assert.equal(slots.join(end("guesser"), slot + 1 + i, at(i)).kind, "unknown");
  assert.equal(slots.join(end("guesser"), slot, at(10)).kind, "overloaded");
  assert.equal(slots.join(end("bob"), slot, at(10)).kind, "joined", "others are not slowed");
  const later = opened(slots, "alice");
  const again = at(PAIR_JOINS_WINDOW_MS);
  assert.equal(slots.join(end("guesser"), later, again).kind, "joined");
});

test("R-03 PairSlots: code spraying from one address meets less than one pair in sixteen", () => {
  const slots = new PairSlots(seeded(7));
  let pairs = 0;
  let burned = 0;
  // Each second a pair begins that takes ten of them; all the while one source sprays 1, 2, 3 ...
  let guess = 0;
  let sprayed = 0;
  const open: { readonly slot: number; readonly link: string; readonly since: number }[] = [];
  for (let second = 0; second < 600; second++) {
    const now = at(second * 1_000);
    const opener = `alice-${second}`;
    open.push({ slot: opened(slots, opener, now), link: opener, since: second });
    for (let i = 0; i < 100; i++) {
      const joining = slots.join(end(`sybil-${second}-${i}`, "192.0.2.1"), guess + 1, now);
      if (joining.kind === "overloaded") break;
      guess = (guess + 1) % PAIR_SLOTS_MIN;
      sprayed++;
    }
    while (open[0] !== undefined && second - open[0].since >= 10) {
      const { slot, link } = open.shift()!;
      pairs++;
      if (slots.join(end(`bob-${second}`, `home-${second}`), slot, now).kind !== "joined") burned++;
      slots.close(slot, link);
    }
  }
  assert.equal(sprayed, PAIR_JOINS_PER_ADDRESS * 10);
  assert.equal(pairs, 590);
  assert(burned < pairs / 16, `${burned} of ${pairs} were burned`);
  assert(burned > 0, "the spraying does what it can");
});

test("R-03 PairSlots: limits for an address can be raised, for who is behind a proxy", () => {
  const slots = new PairSlots(random, { joinsPerAddress: 1_000, slotsPerAddressMax: 1_000 });
  for (let link = 0; link < 1_000; link++) {
    assert(slots.open(end(`opener-${link}`, "proxy"), at(0)) !== undefined);
    assert.equal(slots.join(end(`joiner-${link}`, "proxy"), 0, at(0)).kind, "unknown");
  }
  assert.equal(slots.open(end("one more", "proxy"), at(0)), undefined);
  assert.equal(slots.join(end("one more", "proxy"), 0, at(0)).kind, "overloaded");
});

test("R-04 PairSlots: slots are spread over PAIR_SLOTS_MIN, or a hundred for each in use", () => {
  const slots = new PairSlots(random);
  const seen = new Set<number>();
  for (let i = 0; i < 20_000; i++) {
    const slot = opened(slots);
    seen.add(slot);
    assert(slot >= 1 && slot <= PAIR_SLOTS_MIN);
    slots.close(slot, "opener");
  }
  assert.equal(seen.size, PAIR_SLOTS_MIN, "each of them is drawn");
  for (let i = 0; i < 1_000; i++) opened(slots, `link-${i}`);
  const many = Array.from({ length: 1_000 }, (_, i) => {
    const slot = opened(slots, `more-${i}`);
    slots.close(slot, `more-${i}`);
    return slot;
  });
  assert(Math.max(...many) <= 100_000 && Math.max(...many) > 90_000);
});

test("PairSlots: draws no number that is in use, and each as often as the others", () => {
  const values = [2 ** 32 - 1, 5, 5, 6];
  const slots = new PairSlots(() => {
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setUint32(0, values.shift() ?? 0);
    return bytes;
  });
  assert.equal(opened(slots), 6, "a value above the last whole multiple is drawn again");
  assert.equal(opened(slots, "other"), 7, "5 is taken");
});

test("PairSlots: counts stay exact through any order of calls (R-06)", () => {
  const link = fc.constantFrom("a", "b", "c", "d");
  const call = fc.oneof(
    fc.record({ kind: fc.constant("open" as const), link }),
    fc.record({ kind: fc.constant("join" as const), link, slot: fc.nat(8) }),
    fc.record({ kind: fc.constant("close" as const), link, slot: fc.nat(8) }),
    fc.record({ kind: fc.constant("leave" as const), link }),
    fc.record({ kind: fc.constant("wait" as const), ms: fc.nat(PAIR_SLOT_MS) }),
  );
  fc.assert(
    fc.property(fc.array(call, { maxLength: 60 }), (calls) => {
      const slots = new PairSlots(random, { slotsPerAddressMax: 6 });
      const numbers: number[] = [];
      let now = 0;
      for (const each of calls) {
        if (each.kind === "wait") {
          now += each.ms;
          slots.expire(at(now));
        } else if (each.kind === "leave") slots.leave(each.link);
        else if (each.kind === "open") {
          const number = slots.open(end(each.link, "home"), at(now));
          if (number !== undefined) numbers.push(number);
        } else if (each.kind === "join")
          slots.join(end(each.link, "home"), numbers[each.slot] ?? 0, at(now));
        else slots.close(numbers[each.slot] ?? 0, each.link);
      }
      slots.expire(at(now + PAIR_SLOT_MS));
      assert.equal(slots.size, 0);
      // Whatever was counted has been given back: as many slots as at the start.
      for (let i = 0; i < 6; i++)
        assert(slots.open(end(`fresh-${i}`, "home"), at(now + PAIR_SLOT_MS)) !== undefined);
      assert.equal(slots.open(end("fresh", "home"), at(now + PAIR_SLOT_MS)), undefined);
    }),
    { numRuns: 200 },
  );
});

/** splitmix32, so that the rate that is stated can be repeated. */
function seeded(seed: number): (length: number) => Uint8Array {
  let state = seed;
  return (length) => {
    const bytes = new Uint8Array(length);
    for (let i = 0; i < length; i++) {
      state = (state + 0x9e3779b9) | 0;
      let z = Math.imul(state ^ (state >>> 16), 0x21f0aaad);
      z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
      bytes[i] = (z ^ (z >>> 15)) & 0xff;
    }
    return bytes;
  };
}
