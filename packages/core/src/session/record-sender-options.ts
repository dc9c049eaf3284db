/** What a record sender is made of, and what it plans. See `record-sender.ts`. @module */
import type { InstantMs } from "../time.ts";
import type { RecordSuite } from "./record-seal.ts";
import type { SessionKeySource } from "./session-keys.ts";

export interface RecordSenderOptions {
  readonly suite: RecordSuite;
  readonly th: Uint8Array;
  /** The caller wipes it. */
  readonly reverseKey: Uint8Array;
  /** The caller wipes it. */
  readonly keys: SessionKeySource;
  readonly sessionMs: number;
  readonly fromOffset: number;
  /** Beyond `fromOffset`: from here on nothing is sent before the receiver's `proceed`. */
  readonly holdAt?: number | undefined;
  /** Length of the receiver's statement in `done`; 0 when absent. */
  readonly statementBytes?: number | undefined;
  /** When the transfer began: the zero of `elapsedMs`. */
  readonly startedAt: InstantMs;
}

/** One content record to seal now. `key` is the machine's: not to be kept. */
export interface RecordPlan {
  readonly header: Uint8Array;
  readonly key: Uint8Array;
  readonly nonce: Uint8Array;
  readonly aad: Uint8Array;
}
