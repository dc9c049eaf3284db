/** How many envelopes a second one relay hands on, and what each costs it. @module */
import { join } from "node:path";

import type { BenchCase, Figures } from "../bench-case.ts";
import { startActor } from "../actors/actor.ts";
import type { LoadSetting } from "../actors/load-generator.ts";
import { startPosternRelay, type PosternRelay } from "../peers/postern-relay.ts";

const LINKS = 50;
const BODY_BYTES = 1_024;
const ENVELOPES = { quick: 1_000, full: 4_000 };
const WARM_UP = 500;

export const relayMessages: BenchCase = {
  name: "relay-messages",
  title: "envelopes of 1 KiB through one relay, from 50 links",
  columns: [
    { key: "rate", heading: "envelopes/s", digits: 0, hasSpread: true },
    { key: "relayUs", heading: "relay CPU us/envelope", digits: 1, hasSpread: true },
    { key: "relayPeak", heading: "relay peak MiB", digits: 0 },
    { key: "generatorUs", heading: "generator CPU us/envelope", digits: 1 },
  ],
  chart: "rate",
  isHigherBetter: true,
  runs: { quick: 2, full: 5 },
  async open({ folder, scale }) {
    const envelopes = ENVELOPES[scale];
    return {
      contenders: [
        {
          name: "postern relay",
          what: "real links and frames, sealed beforehand and not opened at the other end",
          prepare: async () => {},
          run: async () => await run(folder, envelopes),
        },
      ],
      notes: [
        `${LINKS} links, ${envelopes} envelopes from each to the next; ${WARM_UP} each before the clock starts`,
        "an envelope is opened once and sealed twice by the relay: its delivery and its result",
      ],
    };
  },
};

async function run(folder: string, envelopes: number): Promise<Figures> {
  const relay = await startPosternRelay({ dataDir: join(folder, "relay") });
  const setting = { relay: relay.address, links: LINKS, bodyBytes: BODY_BYTES };
  try {
    await load({ ...setting, envelopes: WARM_UP }, relay);
    return await load({ ...setting, envelopes }, relay);
  } finally {
    await relay.stop();
  }
}

async function load(setting: LoadSetting, relay: PosternRelay): Promise<Figures> {
  const generator = startActor("load-generator", setting);
  try {
    await generator.ask("prepare");
    const usage = relay.watch();
    const { seconds = 0, delivered = 0, cpuSeconds = 0 } = await generator.ask("send");
    const cost = usage();
    const wanted = setting.links * setting.envelopes;
    if (delivered < wanted) throw new Error(`${delivered} of ${wanted} envelopes arrived`);
    return {
      rate: delivered / seconds,
      relayUs: ((cost?.cpuSeconds ?? 0) / delivered) * 1e6,
      relayPeak: (cost?.peakBytes ?? 0) / 2 ** 20,
      generatorUs: (cpuSeconds / delivered) * 1e6,
    };
  } finally {
    await generator.stop();
  }
}
