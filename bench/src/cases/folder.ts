/** A folder of many small files: what counts is the cost of a file, not that of a byte. @module */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";

import type { BenchCase, Column, Figures, Setting } from "../bench-case.ts";
import { sumOf } from "../measure/measured-process.ts";
import { hashOnlyEntry, writeRandomFolder } from "../measure/payload.ts";
import {
  costColumns,
  peaksOf,
  sending,
  type FileRun,
  type Payload,
} from "../peers/file-contender.ts";
import { peers } from "../peers/all.ts";
import { postern } from "../peers/postern.ts";
import { tarSsh } from "../peers/tar-ssh.ts";
import { tarSocat } from "../peers/tar-socat.ts";

const FILES = { quick: 1_000, full: 100_000 };
const FILE_BYTES = 1_024;
const PROFILE_DEFAULT = "end-to-end";

const COLUMNS: readonly Column[] = [
  { key: "wallS", heading: "whole command, s", digits: 2, hasSpread: true },
  { key: "rate", heading: "files/s", digits: 0 },
  ...costColumns("s"),
];

export const folderCase: BenchCase = {
  name: "folder",
  title: "a folder of small files",
  columns: COLUMNS,
  chart: "rate",
  isHigherBetter: true,
  runs: { quick: 1, full: 3 },
  async open(setting) {
    const files = FILES[setting.scale];
    const payload = await makeFolder(setting, files);
    const { profiles = [PROFILE_DEFAULT], relay } = setting;
    const posterns = profiles.map((profile) => postern({ profile, relay }));
    const all = [...posterns, tarSsh(), tarSocat, ...peers()];
    return {
      contenders: all.map((each) => sending(payload, each, (run) => figuresOf(run, files))),
      notes: [`${files} files of ${FILE_BYTES / 1_024} KiB, a hundred to a folder`],
    };
  },
};

async function makeFolder({ folder }: Setting, files: number): Promise<Payload> {
  const place = join(folder, "payload");
  await mkdir(place);
  const path = join(place, "many");
  await writeRandomFolder(path, files, FILE_BYTES);
  return { path, bytes: files * FILE_BYTES, folder, digest: await hashOnlyEntry(place) };
}

function figuresOf(run: FileRun, files: number): Figures {
  const { wallMs, sender, relay, receiver } = run;
  const all = [sender, relay, receiver].map((usage) => usage?.cpuSeconds ?? 0);
  return {
    wallS: wallMs / 1_000,
    rate: files / (wallMs / 1_000),
    cpuSender: sender.cpuSeconds,
    cpuReceiver: receiver.cpuSeconds,
    cpu: sumOf(all),
    ...(relay && { cpuRelay: relay.cpuSeconds }),
    ...peaksOf(run),
  };
}
