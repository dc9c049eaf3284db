import { PosternError } from "@postern/core/errors";
import type { Contact, Paired, PeerName } from "./people.ts";
import type { MetKeys } from "./met-keys.ts";

type Facts = Pick<MetPeer, "id" | "fingerprint" | "relayName" | "peer" | "keys">;

/** Who was met by a code, with what this client needs to reach it. */
export class MetPeer implements Paired {
  /** 35 bytes. */
  readonly id: Uint8Array;
  readonly fingerprint: Uint8Array;
  /** What it calls itself. */
  readonly relayName: string;
  readonly peer: PeerName;
  readonly keys: MetKeys;
  readonly #keep: (met: MetPeer, name: string | undefined) => Promise<Contact>;

  constructor(
    { id, fingerprint, relayName, peer, keys }: Facts,
    keep: (met: MetPeer, name: string | undefined) => Promise<Contact>,
  ) {
    this.id = id;
    this.fingerprint = fingerprint;
    this.relayName = relayName;
    this.peer = peer;
    this.keys = keys;
    this.#keep = keep;
  }

  async keep(name?: string): Promise<Contact> {
    return await this.#keep(this, name);
  }

  /** For a transfer; `undefined`: those of the contact that it has become. */
  get ownKeys(): MetKeys | undefined {
    return this.keys.isKept ? undefined : this.keys;
  }
}

/** @throws {@link PosternError} `usage/invalid-argument` for what no client's pairing made. */
export function metBy(paired: Paired): MetPeer {
  if (paired instanceof MetPeer) return paired;
  throw new PosternError("usage/invalid-argument", "not from a pairing of this client", {
    argument: "paired",
  });
}
