/**
 * A short message in a channel that is open: until its receipt is back, and with an answer.
 *
 * @module
 */
import { join } from "node:path";

import { startActor, type Actor } from "../actors/actor.ts";
import type { PartySetting } from "../actors/message-party.ts";
import type { BenchCase, Contender, Figures, Setting } from "../bench-case.ts";
import { newPair } from "../peers/postern.ts";
import { openRelay } from "../peers/postern-relay.ts";

const BYTES = 256;
const ROUNDS = { quick: 100, full: 2_000 };
/** Compiled code, warm caches, an open channel. */
const WARM_UP = 30;
const PROFILE_DEFAULT = "end-to-end";

export const roundTrip: BenchCase = {
  name: "round-trip",
  title: `a message of ${BYTES} bytes, its receipt, and an answer`,
  columns: [
    { key: "receiptP50Ms", heading: "receipt p50, ms", digits: 2, hasSpread: true },
    { key: "receiptP99Ms", heading: "p99, ms", digits: 2, hasSpread: true },
    { key: "p50Ms", heading: "answer p50, ms", digits: 2, hasSpread: true },
    { key: "p99Ms", heading: "p99, ms", digits: 2, hasSpread: true },
  ],
  chart: "receiptP50Ms",
  isHigherBetter: false,
  runs: { quick: 1, full: 3 },
  async open(setting) {
    const rounds = ROUNDS[setting.scale];
    const contenders: Contender[] = [];
    for (const profile of setting.profiles ?? [PROFILE_DEFAULT]) {
      for (const isDurable of [true, false])
        contenders.push({
          name: `postern ${profile}, ${isDurable ? "durable" : "in memory"}`,
          what: isDurable ? "every step of both clients is synced to the disk" : "state in memory",
          prepare: async () => {},
          run: async () => await run(setting, profile, isDurable, rounds),
        });
    }
    return {
      contenders,
      notes: [
        `${rounds} of each, one after the other, after ${WARM_UP} that do not count`,
        "client - relay - client - relay - client, in three processes; the clock is the first one's",
        "receipt: from `send()` until the sender holds the receiver's signed receipt",
        "answer: from `send()` until the text of a message back, sent for this one, is there",
      ],
    };
  },
};

async function run(
  { disk, relay: given }: Setting,
  profile: string,
  isDurable: boolean,
  rounds: number,
): Promise<Figures> {
  // Kept keys of another profile would stand in the way.
  const pair = newPair(join(disk, profile));
  const relay = await openRelay(given, { dataDir: join(disk, "relay") });
  const common = { relay: relay.address, profile, bytes: BYTES };
  const home = isDurable ? pair.home : undefined;
  const { sender, receiver } = pair;
  const party = (name: string, peer: string): Actor =>
    startActor("message-party", { ...common, home, name, peer } satisfies PartySetting);
  const [answering, asking] = [party(receiver, sender), party(sender, receiver)];
  try {
    await answering.ask("listen");
    await asking.ask("listen");
    await asking.ask("receipts", WARM_UP);
    const receipts = await asking.ask("receipts", rounds);
    // Only now, so that no answer is in the way of a receipt.
    await answering.ask("answer");
    await asking.ask("rounds", WARM_UP);
    return { ...receipts, ...(await asking.ask("rounds", rounds)) };
  } finally {
    await asking.stop();
    await answering.stop();
    await relay.stop();
  }
}
