import assert from "node:assert/strict";
import { test } from "node:test";
import type { Flaw } from "./flaws.ts";
import { simulateCrashes } from "./crash-points.ts";
import { simulate, type RunOptions } from "./simulate.ts";
import { CALM, HONEST, WILD, type Climate, type MaliceChances } from "./weather.ts";

const SEEDS = 40;
/** A flaw must show within so many runs; most show in the first few. */
const FLAWED_SEEDS = 60;
/** Points of a crash from one run to the next; `--each-crash` leaves none out. */
const CRASH_STRIDE = 17;

function run(seed: number, options: Omit<RunOptions, "profile"> = {}) {
  return simulate(seed, { profile: "end-to-end", ...options });
}

function hostile(malice: Partial<MaliceChances>, rest: Partial<Climate> = {}): Climate {
  return { ...CALM, ...rest, malice: { ...HONEST, ...malice } };
}

async function firstViolation(flaw: Flaw, climate: Climate): Promise<string> {
  for (let seed = 0; seed < FLAWED_SEEDS; seed++) {
    const { violation } = await run(seed, { flaw, climate });
    if (violation !== undefined) return violation;
  }
  return "none";
}

test(`C-04 C-05 simulate() keeps every promise of the channels in ${SEEDS} runs`, async () => {
  for (let seed = 0; seed < SEEDS; seed++) {
    const { violation } = await run(seed);
    const replay = `node sim/src/run.ts --profile end-to-end --seed ${seed} --trace`;
    assert.equal(violation, undefined, `seed ${seed}: ${replay}`);
  }
});

test("simulate() keeps every promise of the channels when everything goes wrong at once", async () => {
  for (let seed = 0; seed < SEEDS; seed++) {
    const { violation } = await run(seed, { climate: WILD });
    assert.equal(violation, undefined, `seed ${seed}`);
  }
});

test("simulateCrashes() crashes once at each point where a crash hurts", async () => {
  const { points, violations } = await simulateCrashes(4, CRASH_STRIDE);
  assert.deepEqual([...violations], []);
  assert.ok(points > 8 * CRASH_STRIDE, `only ${points} points`);
});

test("simulate() runs channels the same for the same seed, to the byte", async () => {
  for (const seed of [3, 5, 8]) {
    const [first, again, other] = [await run(seed), await run(seed), await run(seed + 1)];
    assert.deepEqual(again, first);
    assert.notEqual(other.fingerprint, first.fingerprint);
  }
});

test("simulate() delivers everything end-to-end in a calm world", async () => {
  const names = new Set<string>();
  for (let seed = 0; seed < 20; seed++) {
    const { violation, endings } = await run(seed, { climate: CALM });
    assert.equal(violation, undefined, `seed ${seed}`);
    for (const name of endings.keys()) names.add(name);
  }
  const others = [...names].filter((name) => !name.startsWith("peer/busy"));
  assert.deepEqual(others, ["done / done"]);
});

const FLAWS: readonly (readonly [Flaw, RegExp, Climate])[] = [
  [
    "forgets-receipts",
    /^channels: \w+ says two receipts for one transfer/,
    hostile({ replays: 500 }),
  ],
  [
    "sends-before-storing",
    /^channels: \w+ says two offers for one transfer/,
    { ...CALM, crashes: 20, crashesMax: 6 },
  ],
  [
    "never-syncs",
    /^channels: \w+ says two (offers|receipts) for one transfer/,
    hostile({ drops: 300 }, { crashes: 20, crashesMax: 6, goesOn: 1_000 }),
  ],
  ["keeps-used-packages", /^secrets: \w+ keeps a secret that it has used up/, CALM],
  [
    "constant-salts",
    /^nonces: a key sealed two texts under one nonce/,
    hostile({ drops: 100, replays: 300 }, { restores: 1_000, crashes: 40, crashesMax: 6 }),
  ],
  ["ignores-numbers", /^channels: \w+ says that its channel is where/, hostile({ drops: 300 })],
  [
    "ignores-epochs",
    /^channels: \w+ says (two receipts|that its channel is where)/,
    hostile({ hoards: 1_000, replays: 500 }),
  ],
  ["unsigned-resyncs", /^channels: \w+ heeds a resync that nobody said/, hostile({ forges: 900 })],
  [
    "forgets-outbox",
    /^(channels: \w+ to \w+ leaves|liveness: \w+ to \w+ is not re-established)/,
    hostile({ drops: 300 }),
  ],
];

for (const [flaw, expected, climate] of FLAWS)
  test(`simulate() catches a client that ${flaw.replaceAll("-", " ")}`, async () => {
    assert.match(await firstViolation(flaw, climate), expected);
    for (let seed = 0; seed < 5; seed++)
      assert.equal((await run(seed, { climate })).violation, undefined, "without the flaw");
  });
