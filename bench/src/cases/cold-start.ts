/**
 * `postern send --text` from the shell to its end, beside other ways to send a short text.
 *
 * @module
 */
import { setTimeout as delay } from "node:timers/promises";
import process from "node:process";

import type { BenchCase, Contender, Figures, Setting } from "../bench-case.ts";
import { startMeasured, type MeasuredProcess } from "../measure/measured-process.ts";
import { stopAll, untilAllEnded } from "../measure/together.ts";
import { magicWormholeText } from "../peers/magic-wormhole.ts";
import { newPair } from "../peers/postern.ts";
import { startPostern } from "../peers/postern-command.ts";
import { openRelay } from "../peers/postern-relay.ts";
import type { TextContender } from "../peers/text-contender.ts";
import { wormholeWilliamText } from "../peers/wormhole-william.ts";

const PROFILE_DEFAULT = "end-to-end";
/** A receiver that says nothing when it waits has started by then. */
const RECEIVER_MS = 1_200;
/** What takes longer has failed. */
const TEXT_MS = 60_000;

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
    const posterns = (setting.profiles ?? [PROFILE_DEFAULT]).map((profile) =>
      posternText(setting, profile),
    );
    const all = [...posterns, nodeAlone, magicWormholeText(), wormholeWilliamText()];
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
  prepare: async () => {},
  send: () => startMeasured([process.execPath, "-e", "0"]),
};

function posternText(setting: Setting, profile: string): TextContender {
  const { home, sender, receiver } = newPair(setting.disk);
  let close = async (): Promise<void> => {};
  let common: string[] = [];
  const send = (): MeasuredProcess =>
    startPostern(["send", "--text", "hi", "--to", receiver, "--name", sender, ...common]);
  return {
    name: `postern ${profile}`,
    what: "postern send --text, to an acquaintance; its state on the disk",
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
    },
    send,
    close: async () => await close(),
  };
}

/** Each sends a first text that does not count. */
function timed(contender: TextContender): Contender {
  return {
    ...contender,
    async prepare(folder) {
      await contender.prepare(folder);
      await sendText(contender);
    },
    run: async () => await sendText(contender),
  };
}

/** The text has arrived when the sender ends: each of these programs waits for that. */
async function sendText({ receive, send }: TextContender): Promise<Figures> {
  const receivers = receive === undefined ? [] : [receive()];
  if (receivers.length > 0) await delay(RECEIVER_MS);
  const started = performance.now();
  const sender = send();
  const wall = sender.ended.then(() => performance.now() - started);
  // When it fails, that is what all of them fail with.
  wall.catch(() => {});
  const [{ cpuSeconds, peakBytes }] = await untilAllEnded([sender, ...receivers], TEXT_MS);
  return { wallMs: await wall, cpuMs: cpuSeconds * 1_000, peakMib: peakBytes / 2 ** 20 };
}
