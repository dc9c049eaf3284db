import assert from "node:assert/strict";
import { test } from "node:test";
import type { Flaw } from "./flaws.ts";
import { Prng } from "./prng.ts";
import { simulate, type RunOptions } from "./simulate.ts";
import { CALM } from "./weather.ts";

const SEEDS = 40;
/** A flaw must show within so many runs; most show in the first. */
const FLAWED_SEEDS = 20;

async function firstViolation(options: RunOptions): Promise<string> {
  for (let seed = 0; seed < FLAWED_SEEDS; seed++) {
    const { violation } = await simulate(seed, options);
    if (violation !== undefined) return violation;
  }
  return "none";
}

async function endings(options: RunOptions): Promise<Map<string, number>> {
  const sum = new Map<string, number>();
  for (let seed = 0; seed < FLAWED_SEEDS; seed++) {
    const run = await simulate(seed, options);
    assert.equal(run.violation, undefined, `seed ${seed}`);
    for (const [ending, times] of run.endings) sum.set(ending, (sum.get(ending) ?? 0) + times);
  }
  return sum;
}

test("Prng gives one sequence for one seed and another for the next", () => {
  const first = (seed: number): readonly number[] => {
    const prng = new Prng(seed);
    return [prng.next(), prng.next(), prng.next()];
  };
  assert.deepEqual(first(1), first(1));
  assert.notDeepEqual(first(1), first(2));
});

test(`simulate() keeps every promise in ${SEEDS} runs`, async () => {
  for (let seed = 0; seed < SEEDS; seed++) {
    const { violation } = await simulate(seed);
    assert.equal(violation, undefined, `seed ${seed}: node sim/src/run.ts --seed ${seed} --trace`);
  }
});

test("simulate() runs the same for the same seed, to the byte", async () => {
  for (const seed of [3, 5, 8, 13]) {
    const [first, again, other] = [
      await simulate(seed),
      await simulate(seed),
      await simulate(seed + 1),
    ];
    assert.deepEqual(again, first);
    assert.notEqual(other.fingerprint, first.fingerprint);
  }
});

test("simulate() delivers everything in a calm world", async () => {
  const all = await endings({ climate: CALM });
  const names = [...all.keys()].toSorted();
  assert.deepEqual(
    names.filter((name) => !name.startsWith("peer/busy")),
    ["done / done"],
  );
  assert.ok((all.get("done / done") ?? 0) > 4 * FLAWED_SEEDS);
});

test("C-01 simulate() carries content through damaged pipes without a wrong byte", async () => {
  const all = await endings({ climate: { ...CALM, changesPipe: 40 } });
  assert.ok((all.get("done / done") ?? 0) > 4 * FLAWED_SEEDS);
});

test("simulate() ends a link whose bytes were changed, and nothing else", async () => {
  const all = await endings({ climate: { ...CALM, changesLink: 10 } });
  assert.ok([...all.keys()].some((ending) => ending.includes("link/authentication-failed")));
});

test("simulate() survives crashes between a write and the frame behind it", async () => {
  const all = await endings({ climate: { ...CALM, crashes: 60, crashesMax: 3 } });
  assert.ok([...all.keys()].some((ending) => ending.includes("crashed")));
});

/** Whoever interrupts a transfer begins it again. */
const STUBBORN = { ...CALM, interrupts: 60, goesOn: 1_000 };

test("simulate() goes on with what broke, under another master key, and mixes no contents", async () => {
  for (const profile of ["symmetric", "end-to-end"] as const) {
    const seen = { goesOn: 0, isOther: 0 };
    for (let seed = 0; seed < 8; seed++) {
      const { violation, trace } = await simulate(seed, { profile, climate: STUBBORN });
      assert.equal(violation, undefined, `seed ${seed}`);
      for (const line of trace) {
        if (line.includes("goes on from")) seen.goesOn++;
        if (line.includes("has other content")) seen.isOther++;
      }
    }
    assert.ok(seen.goesOn > 8, `${seen.goesOn}`);
    assert.ok(seen.isOther > 0);
  }
});

const FLAWS: readonly (readonly [Flaw, RegExp, RunOptions?])[] = [
  ["repeats-nonces", /^nonces: a key sealed two texts under one nonce/],
  ["no-cipher", /^secrecy: plaintext at the relay/],
  [
    "ignores-tags",
    /^links: frame came behind changed bytes/,
    { climate: { ...CALM, changesLink: 100 } },
  ],
  ["reuses-kept-keys", /^master keys: \w+ uses a master key for two transfers/],
  ["forgets-counters", /^master keys: \w+ \w+ counts \d+, then \d+/],
  ["stores-other-bytes", /^agreement: \w+ is (stored as other bytes|delivered, yet not stored)/],
  ["mixes-contents", /^agreement: \w+ is stored as other bytes/, { climate: STUBBORN }],
  ["never-wakes", /^liveness: a transfer has no end/, { climate: { ...CALM, tampers: 200 } }],
  ["relay-keeps-keys", /^secrecy: the relay did not wipe a master key/],
  ["relay-loses-presence", /^(presence|liveness): /],
];

for (const [flaw, expected, options] of FLAWS)
  test(`simulate() catches a world that ${flaw.replaceAll("-", " ")}`, async () => {
    const climate = options?.climate ?? CALM;
    assert.match(await firstViolation({ climate, flaw }), expected);
  });
