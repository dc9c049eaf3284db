/** A relay of the cases' own, or one that runs already. @module */
import { parseRelayAddress } from "@postern/core/identity";

import { usageSince, type Usage } from "../measure/measured-process.ts";
import { startPostern } from "./postern-command.ts";

/** One that somebody else runs, or a {@link RunningRelay}. */
export interface PosternRelay {
  /** `HOST:PORT`, and with the fingerprint where it is known. */
  readonly address: string;
  readonly host: string;
  readonly port: number;
  /** What it costs from now on: asked for later. `undefined` of one that runs elsewhere. */
  watch(): () => Usage | undefined;
  stop(): Promise<void>;
}

export interface RunningRelay extends PosternRelay {
  residentBytes(): number;
}

export interface RelayPlace {
  readonly dataDir: string;
  readonly host?: string;
  readonly prefix?: readonly string[];
}

export async function startPosternRelay(place: RelayPlace): Promise<RunningRelay> {
  const { dataDir, host = "127.0.0.1", prefix } = place;
  const args = ["relay", "--listen", `${host}:0`, "--data", dataDir, "--quiet"];
  const child = startPostern(args, prefix);
  const { address = "" } = await child.event("relay");
  const { port } = parseRelayAddress(address);
  return {
    address,
    host,
    port,
    watch() {
      const before = child.usage();
      return () => usageSince(before, child.usage());
    },
    residentBytes: () => child.residentBytes(),
    async stop() {
      child.stop();
      await child.ended;
    },
  };
}

function givenRelay(address: string): PosternRelay {
  const { host, port } = parseRelayAddress(address);
  return { address, host, port, watch: () => () => undefined, stop: async () => {} };
}

export async function openRelay(
  given: string | undefined,
  place: RelayPlace,
): Promise<PosternRelay> {
  return given === undefined ? await startPosternRelay(place) : givenRelay(given);
}
