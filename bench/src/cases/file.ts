/**
 * One file through a relay, in each profile, beside every other program that is installed.
 *
 * @module
 */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";

import { NotPossible, PROFILES, type BenchCase, type Setting } from "../bench-case.ts";
import { hashOnlyEntry, hasRoomFor, writeRandomFile } from "../measure/payload.ts";
import { FILE_COLUMNS, sending, type Payload } from "../peers/file-contender.ts";
import { peers } from "../peers/all.ts";
import { bareNode } from "../peers/bare-node.ts";
import { postern } from "../peers/postern.ts";
import { socatDirect, socatRelay } from "../peers/socat.ts";

const MIB = 1_048_576;
const BYTES = { quick: 128 * MIB, full: 1_024 * MIB };

export const fileCase: BenchCase = {
  name: "file",
  title: "one file through a relay",
  columns: FILE_COLUMNS,
  chart: "rate",
  isHigherBetter: true,
  runs: { quick: 2, full: 3 },
  async open(setting) {
    const payload = await makeFile(setting, BYTES);
    const floors = [bareNode, socatRelay, socatDirect];
    const { profiles = PROFILES, relay } = setting;
    const posterns = profiles.map((profile) => postern({ profile, relay }));
    const contenders = [...posterns, ...floors, ...peers()];
    return {
      contenders: contenders.map((each) => sending(payload, each)),
      notes: [`${payload.bytes / MIB} MiB of random bytes`],
    };
  },
};

export async function makeFile(
  { folder, bytes: chosen, scale }: Setting,
  usual: Readonly<Record<Setting["scale"], number>>,
): Promise<Payload> {
  const bytes = chosen ?? usual[scale];
  if (!hasRoomFor(folder, bytes))
    throw new NotPossible(`there is no room for ${(bytes / MIB).toFixed(0)} MiB twice`);
  const place = join(folder, "payload");
  await mkdir(place);
  const path = join(place, "file.bin");
  await writeRandomFile(path, bytes);
  return { path, bytes, folder, digest: await hashOnlyEntry(place) };
}
