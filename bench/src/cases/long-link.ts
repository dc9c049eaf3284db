/** A file over a link of 50 ms and 1 % loss, beside what iperf3 reaches on it. @module */
import type { BenchCase, Contender } from "../bench-case.ts";
import { congestionControl, openLongLink, type LinkQuality } from "../links/long-link.ts";
import { FILE_COLUMNS, figuresOf, sending } from "../peers/file-contender.ts";
import { iperf3 } from "../peers/iperf3.ts";
import { postern } from "../peers/postern.ts";
import { makeFile } from "./file.ts";

const BYTES = { quick: 4 * 1_048_576, full: 100_000_000 };
/** The rate is one that a process of ours can carry where the kernel cannot. */
const QUALITY: LinkQuality = { roundTripMs: 50, lossPercent: 1, rateMbit: 200 };
const PROFILE_DEFAULT = "end-to-end";

export const longLink: BenchCase = {
  name: "long-link",
  title: "a file over 50 ms of round trip and 1 % of loss",
  columns: FILE_COLUMNS,
  chart: "transferRate",
  isHigherBetter: true,
  runs: { quick: 1, full: 3 },
  async open(setting) {
    const payload = await makeFile(setting, BYTES);
    const link = await openLongLink(QUALITY);
    const apart = { sender: link.far, others: link.near, host: link.host };
    const posterns = (setting.profiles ?? [PROFILE_DEFAULT]).map((profile) =>
      sending(payload, postern({ profile, apart })),
    );
    const iperf = iperf3(link, payload.bytes);
    const peer: Contender = {
      ...iperf,
      run: async () => figuresOf(await iperf.run(), payload.bytes),
    };
    return {
      contenders: [...posterns, peer],
      notes: [
        `${(payload.bytes / 1e6).toFixed(0)} MB from the far end to a relay and a receiver at the near one`,
        `${QUALITY.rateMbit} Mbit/s, by ${link.what}; congestion control ${congestionControl()}`,
      ],
      close: async () => await link.close(),
    };
  },
};
