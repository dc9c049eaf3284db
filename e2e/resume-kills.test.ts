/**
 * Sender, receiver and relay are killed with -9 in turn at random moments of one transfer, and
 * started again as their people would (T-01 to T-03): the content arrives as it is, once, and
 * little more than it has ever been on the wire.
 *
 * The moments come from a seed. POSTERN_TEST_LONG=1 takes the large file.
 */
import assert from "node:assert/strict";
import process from "node:process";
import { test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { eventually } from "./large-file.ts";
import { MIB } from "./payloads.ts";
import { FILE, ResumedPair } from "./resumed-pair.ts";

const IS_LONG = process.env["POSTERN_TEST_LONG"] === "1";
const KILLS = IS_LONG ? 50 : 12;
const BYTES = (IS_LONG ? 2_048 : 512) * MIB;
const SEED = Number(process.env["POSTERN_TEST_SEED"] ?? 6);
/** Behind it a kill may come after the last word was written and before it was heard. */
const LAST_KILL_AT = 0.97;
const FACTOR_MAX = 1.1;

test(`${KILLS} kills of a transfer of ${BYTES / MIB} MiB`, { timeout: 600_000 }, async (t) => {
  const chance = chanceFrom(SEED);
  const moments = Array.from({ length: KILLS }, () => chance() * LAST_KILL_AT * BYTES);
  moments.sort((one, other) => one - other);
  const pair = await ResumedPair.open(t, { bytes: BYTES, seed: SEED });
  await pair.bobWaits();
  pair.startAnn();
  try {
    for (const [k, moment] of moments.entries()) {
      await eventually(`kill ${k} at ${moment}`, async () => {
        await pair.typeAgain();
        return (await pair.arrived()) >= moment;
      });
      await wait(chance() * 50);
      await kill(pair, k);
    }
    await eventually("the end", async () => {
      await pair.typeAgain();
      return pair.ann?.isRunning === false;
    });
  } catch (error) {
    throw new Error(pair.said(), { cause: error });
  }
  assert.deepEqual(await pair.stored(), { files: [FILE], digest: pair.digest });
  const { sent, received } = pair.factors;
  t.diagnostic(`on the wire: ${sent.toFixed(3)} x from Ann, ${received.toFixed(3)} x to Bob`);
  assert.ok(sent < FACTOR_MAX && received < FACTOR_MAX, `${sent} ${received}`);
});

async function kill(pair: ResumedPair, k: number): Promise<void> {
  switch (k % 3) {
    case 0:
      await pair.bob?.kill("SIGKILL");
      pair.startBob();
      break;
    case 1:
      // In turn, the two ways to go on.
      await pair.ann?.kill("SIGKILL");
      if (k % 2 === 0) pair.startAnn();
      else pair.resumeAnn();
      break;
    default:
      await pair.relay.program.kill("SIGKILL");
      await pair.restartRelay();
  }
}

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
function chanceFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d_2b_79_f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
