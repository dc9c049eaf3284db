/**
 * Ten transfers at once through one relay: what it holds in memory, and what each client does.
 *
 * @module
 */
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";

import type { BenchCase, Column, Figures, Setting } from "../bench-case.ts";
import { sumOf } from "../measure/measured-process.ts";
import { hashOnlyEntry } from "../measure/payload.ts";
import type { FileRun, Payload } from "../peers/file-contender.ts";
import { newPair, transferOver, type Pair } from "../peers/postern.ts";
import { openRelay } from "../peers/postern-relay.ts";
import { makeFile } from "./file.ts";

const PAIRS = 10;
const MIB = 1_048_576;
const BYTES = { quick: 8 * MIB, full: 100 * MIB };
const PROFILE_DEFAULT = "end-to-end";

const COLUMNS: readonly Column[] = [
  { key: "rate", heading: "MiB/s of all together", digits: 0, hasSpread: true },
  { key: "peakRelay", heading: "peak MiB relay", digits: 0, hasSpread: true },
  { key: "peakSender", heading: "largest sender", digits: 0 },
  { key: "peakReceiver", heading: "largest receiver", digits: 0 },
  { key: "cpu", heading: "CPU s/GiB, all processes", digits: 2 },
];

export const tenAtOnce: BenchCase = {
  name: "ten-at-once",
  title: "ten transfers at once through one relay",
  columns: COLUMNS,
  chart: "peakRelay",
  isHigherBetter: false,
  runs: { quick: 1, full: 3 },
  async open(setting) {
    const bytes = setting.bytes && Math.ceil(setting.bytes / PAIRS);
    const payload = await makeFile({ ...setting, bytes }, BYTES);
    const posterns = (setting.profiles ?? [PROFILE_DEFAULT]).map((profile) => {
      const pairs = Array.from({ length: PAIRS }, () => newPair(join(setting.folder, profile)));
      return {
        name: `postern ${profile}`,
        what: "identities are made in transfers that do not count",
        prepare: async () => void (await transferAll(setting, profile, pairs, payload)),
        run: async () => await transferAll(setting, profile, pairs, payload),
      };
    });
    return {
      contenders: posterns,
      notes: [`${PAIRS} senders and ${PAIRS} receivers, ${payload.bytes / MIB} MiB each`],
    };
  },
};

async function transferAll(
  setting: Setting,
  profile: string,
  pairs: readonly Pair[],
  payload: Payload,
): Promise<Figures> {
  const relay = await openRelay(setting.relay, { dataDir: join(setting.folder, "relay") });
  const outputs = join(setting.folder, "outputs");
  try {
    const usage = relay.watch();
    const started = performance.now();
    const runs = await Promise.all(
      pairs.map(async (pair) => {
        const outputFolder = join(outputs, pair.receiver);
        await mkdir(outputFolder, { recursive: true });
        const task = { path: payload.path, outputFolder };
        const run = await transferOver(relay, { profile }, pair, task);
        if ((await hashOnlyEntry(outputFolder)) !== payload.digest)
          throw new Error("what arrived is not what was sent");
        return run;
      }),
    );
    const seconds = (performance.now() - started) / 1_000;
    const peakRelay = usage()?.peakBytes;
    const cost = usage()?.cpuSeconds ?? 0;
    return {
      ...figuresOf(runs, payload.bytes * pairs.length, cost, seconds),
      ...(peakRelay !== undefined && { peakRelay: peakRelay / MIB }),
    };
  } finally {
    await relay.stop();
    await rm(outputs, { recursive: true, force: true });
  }
}

function figuresOf(
  runs: readonly FileRun[],
  bytes: number,
  relaySeconds: number,
  seconds: number,
): Figures {
  const clients = runs.flatMap(({ sender, receiver }) => [sender, receiver]);
  const cpuSeconds = relaySeconds + sumOf(clients.map((usage) => usage.cpuSeconds));
  return {
    rate: bytes / MIB / seconds,
    peakSender: Math.max(...runs.map(({ sender }) => sender.peakBytes)) / MIB,
    peakReceiver: Math.max(...runs.map(({ receiver }) => receiver.peakBytes)) / MIB,
    cpu: cpuSeconds / (bytes / 2 ** 30),
  };
}
