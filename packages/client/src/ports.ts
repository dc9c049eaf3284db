/**
 * What a client needs of its platform. `node/` implements it for Node.
 *
 * @module
 */
import type { Rsa, Suite } from "@postern/core/crypto";
import type { PosternError } from "@postern/core/errors";
import type { RelayAddress } from "@postern/core/identity";
import type { WallMs } from "@postern/core/time";
import type { BytePipe } from "./records/byte-pipe.ts";
import type { Clock } from "./records/clock.ts";
import type { RecordCipher } from "./records/record-cipher.ts";
import type { Store } from "./store.ts";

/** Raw bytes to a relay's `/link` (docs/protocol.md 4). */
export interface LinkSocket {
  write(bytes: Uint8Array): void;
  /** Calls back when all that is at hand was done: what there is to write then is written once. */
  soon(call: () => void): void;
  /** Closes after what was written. */
  close(): void;
}

export interface LinkSocketEvents {
  /** The bytes are only valid during the call. */
  onBytes(bytes: Uint8Array): void;
  /** Once, last; `error` says why when it was not this side. */
  onClose(error: PosternError | undefined): void;
}

export interface Transport {
  /** @throws {@link PosternError} `relay/unreachable`, `relay/not-a-relay`, `relay/overloaded` */
  openLink(address: RelayAddress, events: LinkSocketEvents): Promise<LinkSocket>;
  /** @throws {@link PosternError} `transfer/pipe-lost` */
  openPipe(address: RelayAddress, ticket: Uint8Array): Promise<BytePipe>;
}

export interface ClientPorts {
  readonly transport: Transport;
  readonly store: Store;
  readonly suite: Suite;
  readonly rsa: Rsa;
  readonly cipher: RecordCipher;
  readonly clock: Clock;
  readonly wall: () => WallMs;
}
