/**
 * What a pump moves bytes with, and how it is driven: both ends of the simulated data path.
 *
 * @module
 */
import type { Suite } from "@postern/core/crypto";
import type { PosternError } from "@postern/core/errors";
import type { TransferKeys } from "@postern/core/exchange";
import type { SessionKeySink, SessionKeySource } from "@postern/core/session";
import type { RecordsOutcome, TransferInput } from "@postern/core/transfer";
import type { Weather } from "./weather.ts";
import type { World } from "./world.ts";

export interface PumpPorts {
  readonly world: World;
  readonly weather: Weather;
  readonly suite: Suite;
  readonly keys: TransferKeys;
  /** Of the transfer's profile. */
  readonly keySource: () => SessionKeySource;
  readonly keySink: () => SessionKeySink;
  readonly sessionMs: number;
  /** Runs in this life of the client alone. */
  readonly later: (delayMs: number, run: () => void) => void;
  readonly job: <T>(promise: Promise<T>, then: (value: T) => void) => void;
  /** To the pipe in use, or to envelopes. */
  readonly write: (bytes: Uint8Array) => void;
  /**
   * Asks for another pipe in place of the one in use: {@link Pump.onNewPipe} answers. False: there
   * will be none.
   */
  readonly replace: (error: PosternError) => boolean;
  /** The pipe ends after what was written; `lost`: at once. */
  readonly close: (lost: boolean) => void;
  readonly ended: (input: TransferInput) => void;
}

export interface Pump {
  onBytes(bytes: Uint8Array): void;
  onEnd(): void;
  onCut(): void;
  /** Bytes go over another pipe from now on. */
  onNewPipe(): void;
  /** The receiver has said elsewhere what `done` says. */
  onDelivered(outcome: RecordsOutcome): void;
  stop(error: PosternError): void;
}
