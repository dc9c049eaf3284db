/**
 * What a pump moves bytes with, and how it is driven: both ends of the simulated data path.
 *
 * @module
 */
import type { Suite } from "@postern/core/crypto";
import type { PosternError } from "@postern/core/errors";
import type { TransferKeys } from "@postern/core/exchange";
import type { TransferInput } from "@postern/core/transfer";
import type { Weather } from "./weather.ts";
import type { World } from "./world.ts";

export interface PumpPorts {
  readonly world: World;
  readonly weather: Weather;
  readonly suite: Suite;
  readonly keys: TransferKeys;
  readonly sessionMs: number;
  /** Runs in this life of the client alone. */
  readonly later: (delayMs: number, run: () => void) => void;
  readonly job: <T>(promise: Promise<T>, then: (value: T) => void) => void;
  readonly write: (bytes: Uint8Array) => void;
  /** The pipe ends after what was written; `lost`: at once. */
  readonly close: (lost: boolean) => void;
  readonly ended: (input: TransferInput) => void;
}

export interface Pump {
  onBytes(bytes: Uint8Array): void;
  onEnd(): void;
  onCut(): void;
  stop(error: PosternError): void;
}
