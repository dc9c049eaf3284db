/**
 * `postern send --text` from the shell to its end, beside other ways to send a short text.
 *
 * @module
 */
import { setTimeout as delay } from "node:timers/promises";
import process from "node:process";

import type { BenchCase, Contender, Figures, Setting } from "../bench-case.ts";
import { startMeasured, type MeasuredProcess } from "../measure/measured-process.ts";
import { stopAll } from "../measure/together.ts";
import { magicWormholeText } from "../peers/magic-wormhole.ts";
import { newPair } from "../peers/postern.ts";
import { posternAbsence, profileAbsence, startPostern } from "../peers/postern-command.ts";
import { openRelay } from "../peers/postern-relay.ts";
import type { TextContender } from "../peers/text-contender.ts";
import { wormholeWilliamText } from "../peers/wormhole-william.ts";

const PROFILE_DEFAULT = "end-to-end";
/** A receiver that says nothing when it waits has started by then. */
const RECEIVER_MS = 1_200;

export const coldStart: BenchCase = {
  name: "cold-start",
  title: "a short text, from the shell to the end of the sender",
  columns: [
    { key: "wallMs", heading: "ms", digits: 0, hasSpread: true },
    { key: "cpuMs", heading: "CPU ms", digits: 0, hasSpread: true },
    { key: "peakMib", heading: "peak MiB", digits: 0 },
  ],
  chart: "wallMs",
  isHigherBetter: false,
  runs: { quick: 3, full: 20 },
  async open(setting) {
    const posterns = (setting.profiles ?? [PROFILE_DEFAULT]).map(
      async (profile) => await posternText(setting, profile),
    );
    const all = [
      ...(await Promise.all(posterns)),
      nodeAlone,
      magicWormholeText(),
      wormholeWilliamText(),
    ];
    return {
      contenders: all.map(timed),
      notes: [
        "the receiver waits before the clock starts; a shell of about 2 ms is in all figures",
      ],
    };
  },
};

const nodeAlone: TextContender = {
  name: "Node.js alone",
  what: "an empty program: the floor for anything that runs on it",
  absence: () => undefined,
  prepare: async () => {},
  send: () => startMeasured([process.execPath, "-e", "0"]),
};

async function posternText(setting: Setting, profile: string): Promise<TextContender> {
  const absence = posternAbsence() ?? (await profileAbsence(profile));
  const { home, sender, receiver } = newPair(setting.disk);
  let close = async (): Promise<void> => {};
  let common: string[] = [];
  const send = (): MeasuredProcess =>
    startPostern(["send", "--text", "hi", "--to", receiver, "--name", sender, ...common]);
  return {
    name: `postern ${profile}`,
    what: "postern send --text, to an acquaintance; its state on the disk",
    absence: () => absence,
    async prepare() {
      const relay = await openRelay(setting.relay, { dataDir: `${home}/relay` });
      close = async () => await relay.stop();
      common = ["--relay", relay.address, "--home", home, "--profile", profile, "--quiet"];
      const waiting = startPostern(["receive", "--accept", "all", "--name", receiver, ...common]);
      close = async () => {
        await stopAll([waiting]);
        await relay.stop();
      };
      await waiting.event("waiting");
      await send().ended;
    },
    send,
    close: async () => await close(),
  };
}

/** The text has arrived when the sender ends: each of these programs waits for that. */
function timed(contender: TextContender): Contender {
  return {
    ...contender,
    async run(): Promise<Figures> {
      const receiver = contender.receive?.();
      if (receiver !== undefined) await delay(RECEIVER_MS);
      const started = performance.now();
      const { cpuSeconds, peakBytes } = await contender
        .send()
        .ended.catch(async (error: unknown) => {
          await stopAll(receiver === undefined ? [] : [receiver]);
          throw error;
        });
      const wallMs = performance.now() - started;
      await receiver?.ended;
      return { wallMs, cpuMs: cpuSeconds * 1_000, peakMib: peakBytes / 2 ** 20 };
    },
  };
}
