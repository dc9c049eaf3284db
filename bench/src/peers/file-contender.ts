/** What a program in a comparison must be able to do: carry one file or folder. @module */
import { mkdir, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";

import type { Column, Contender, Figures } from "../bench-case.ts";
import { sumOf, type Usage } from "../measure/measured-process.ts";
import { hashOnlyEntry } from "../measure/payload.ts";

export interface FileContender extends Omit<Contender, "run"> {
  readonly run: (task: Task) => Promise<FileRun>;
}

export interface Task {
  /** A file or a folder. */
  readonly path: string;
  /** An empty folder; the output must stand alone in it afterwards. */
  readonly outputFolder: string;
  /** What takes longer has failed; absent: as long as anything here takes. */
  readonly withinMs?: number;
}

export interface FileRun {
  /** From the start of the sender until sender and receiver have both ended. */
  readonly wallMs: number;
  /** From the receiver's consent to its confirmation; absent for programs without either. */
  readonly transferMs?: number | undefined;
  readonly sender: Usage;
  /** From the start of the sender on; absent without a relay, and of one that runs elsewhere. */
  readonly relay?: Usage | undefined;
  readonly receiver: Usage;
}

export interface Payload {
  readonly path: string;
  readonly bytes: number;
  /** As `hashOnlyEntry` makes it of what has arrived. */
  readonly digest: string;
  /** Where outputs may be put. */
  readonly folder: string;
}

/** A first transfer of a few bytes, keys and servers included. */
const WARM_UP_MS = 60_000;
const MIB = 1_048_576;
const GIB = 1_024 * MIB;

export const FILE_COLUMNS: readonly Column[] = [
  { key: "wallS", heading: "whole command, s", digits: 2, hasSpread: true },
  { key: "rate", heading: "MiB/s", digits: 0 },
  { key: "transferS", heading: "transfer only, s", digits: 2, hasSpread: true },
  { key: "transferRate", heading: "its MiB/s", digits: 0 },
  ...costColumns("s/GiB"),
];

/** CPU time in `unit` and peak memory, of each process. */
export function costColumns(unit: string): readonly Column[] {
  return [
    { key: "cpuSender", heading: `CPU ${unit} sender`, digits: 2 },
    { key: "cpuRelay", heading: "relay", digits: 2 },
    { key: "cpuReceiver", heading: "receiver", digits: 2 },
    { key: "cpu", heading: "all", digits: 2, hasSpread: true },
    { key: "peakSender", heading: "peak MiB sender", digits: 0 },
    { key: "peakRelay", heading: "relay", digits: 0 },
    { key: "peakReceiver", heading: "receiver", digits: 0 },
  ];
}

/**
 * Each carries something small before anything is measured: then its files are in memory, its keys
 * are made, and what does not work here is known. The hash is compared after the clock has stopped,
 * alike for all.
 */
export function sending(
  payload: Payload,
  contender: FileContender,
  figures: (run: FileRun, bytes: number) => Figures = figuresOf,
): Contender {
  const { name, what, absence, close } = contender;
  const outputFolder = join(payload.folder, "output");
  const transfer = async (task: Omit<Task, "outputFolder">, digest: string): Promise<FileRun> => {
    await mkdir(outputFolder);
    try {
      const run = await contender.run({ ...task, outputFolder });
      if ((await hashOnlyEntry(outputFolder)) === digest) return run;
      throw new Error("what arrived is not what was sent");
    } finally {
      await rm(outputFolder, { recursive: true, force: true });
    }
  };
  return {
    name,
    what,
    ...(absence === undefined ? {} : { absence }),
    async prepare(folder) {
      await contender.prepare(folder);
      const { path, digest } = await makeSmall(folder, payload.path);
      await transfer({ path, withinMs: WARM_UP_MS }, digest);
    },
    ...(close === undefined ? {} : { close }),
    run: async () => figures(await transfer({ path: payload.path }, payload.digest), payload.bytes),
  };
}

/** A file or a folder, as the other one is. */
async function makeSmall(
  folder: string,
  like: string,
): Promise<{ readonly path: string; readonly digest: string }> {
  const place = join(folder, "first");
  const isFolder = (await stat(like)).isDirectory();
  const path = join(place, isFolder ? "first" : "first.bin");
  await mkdir(isFolder ? path : place, { recursive: true });
  await writeFile(isFolder ? join(path, "first.bin") : path, "first");
  return { path, digest: await hashOnlyEntry(place) };
}

export function figuresOf(run: FileRun, bytes: number): Figures {
  const { wallMs, transferMs, sender, relay, receiver } = run;
  const [mib, gib] = [bytes / MIB, bytes / GIB];
  const all = [sender, relay, receiver].map((usage) => usage?.cpuSeconds ?? 0);
  return {
    wallS: wallMs / 1_000,
    rate: mib / (wallMs / 1_000),
    ...(transferMs === undefined
      ? {}
      : { transferS: transferMs / 1_000, transferRate: mib / (transferMs / 1_000) }),
    cpuSender: sender.cpuSeconds / gib,
    cpuReceiver: receiver.cpuSeconds / gib,
    cpu: sumOf(all) / gib,
    ...(relay && { cpuRelay: relay.cpuSeconds / gib }),
    ...peaksOf(run),
  };
}

/** A program that has ended before its memory was looked at has none. */
export function peaksOf({ sender, relay, receiver }: FileRun): Figures {
  const peaks = { peakSender: sender, peakRelay: relay, peakReceiver: receiver };
  const seen = Object.entries(peaks).flatMap(([key, usage]) =>
    usage === undefined || usage.peakBytes === 0 ? [] : [[key, usage.peakBytes / MIB] as const],
  );
  return Object.fromEntries(seen);
}
