/** A short message there and back again, in a channel that is open. @module */
import { join } from "node:path";

import { startActor } from "../actors/actor.ts";
import type { PartySetting } from "../actors/message-party.ts";
import type { BenchCase, Contender, Figures, Setting } from "../bench-case.ts";
import { newPair } from "../peers/postern.ts";
import { profileAbsence } from "../peers/postern-command.ts";
import { openRelay } from "../peers/postern-relay.ts";

const BYTES = 256;
const ROUNDS = { quick: 100, full: 2_000 };
/** Compiled code, warm caches, an open channel. */
const WARM_UP = 30;
const PROFILE_DEFAULT = "end-to-end";

export const roundTrip: BenchCase = {
  name: "round-trip",
  title: `a message of ${BYTES} bytes and its answer`,
  columns: [
    { key: "p50Ms", heading: "p50, ms", digits: 2, hasSpread: true },
    { key: "p99Ms", heading: "p99, ms", digits: 2, hasSpread: true },
  ],
  chart: "p50Ms",
  isHigherBetter: false,
  runs: { quick: 1, full: 3 },
  async open(setting) {
    const rounds = ROUNDS[setting.scale];
    const contenders: Contender[] = [];
    for (const profile of setting.profiles ?? [PROFILE_DEFAULT]) {
      const absence = await profileAbsence(profile);
      for (const isDurable of [true, false])
        contenders.push({
          name: `postern ${profile}, ${isDurable ? "durable" : "in memory"}`,
          what: isDurable ? "every step of both clients is synced to the disk" : "state in memory",
          absence: () => absence,
          prepare: async () => {},
          run: async () => await run(setting, profile, isDurable, rounds),
        });
    }
    return {
      contenders,
      notes: [
        `${rounds} rounds, one after the other, after ${WARM_UP} that do not count`,
        "client - relay - client - relay - client, in three processes; the clock is the first one's",
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
  const parties = [
    { ...common, home, name: receiver, peer: sender } satisfies PartySetting,
    { ...common, home, name: sender, peer: receiver } satisfies PartySetting,
  ].map((each) => startActor("message-party", each));
  const [answering, asking] = parties;
  try {
    await answering?.ask("answer");
    await asking?.ask("listen");
    await asking?.ask("rounds", WARM_UP);
    return (await asking?.ask("rounds", rounds)) ?? {};
  } finally {
    for (const party of parties) await party.stop();
    await relay.stop();
  }
}
