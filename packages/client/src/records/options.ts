/**
 * What the data path is given and what it returns. See `send-content.ts` and `receive-content.ts`.
 *
 * @module
 */
import type { PosternError } from "@postern/core/errors";
import type { RecordSuite, SessionKeySink, SessionKeySource } from "@postern/core/session";
import type { ContentSink, ContentSource, TransferEvent } from "../api.ts";
import type { BytePipe } from "./byte-pipe.ts";
import type { Clock } from "./clock.ts";
import type { PipeSupply } from "./pipe-supply.ts";
import type { RecordCipher } from "./record-cipher.ts";

interface RecordsOptions {
  readonly suite: RecordSuite;
  readonly cipher: RecordCipher;
  /** Fresh, nothing read or written yet. The data path ends it in every case. */
  readonly pipe: BytePipe;
  /** Gives another pipe when one breaks; absent: then the transfer fails. */
  readonly pipes?: PipeSupply | undefined;
  /** Transcript of the transfer (32 bytes). */
  readonly th: Uint8Array;
  /** Key of the reverse frames (32 bytes); the caller wipes it. */
  readonly reverseKey: Uint8Array;
  /** Where the content starts: above 0 when a broken transfer goes on. */
  readonly fromOffset: number;
  /** A directory's content waits here until its receiver's person has agreed to what it lists. */
  readonly holdAt?: number | undefined;
  /** Of a signed transfer. */
  readonly signing?: RecordsSigning | undefined;
  readonly clock: Clock;
  /**
   * `signal.reason` is a `PosternError`; it tells the peer why, and the promise rejects with it.
   */
  readonly signal: AbortSignal;
  /** `session-key`, `progress` (at most ten a second), `resend`, `new-pipe`. Must not throw. */
  readonly onEvent: (event: RecordsEvent) => void;
}

export interface SendRecordsOptions extends RecordsOptions {
  /** Closed in every case. */
  readonly source: ContentSource;
  /** Wiped in every case. */
  readonly keys: SessionKeySource;
  /** Life of a session key: `sessionSeconds` x 1,000. */
  readonly sessionMs: number;
  /** Bytes per second; unlimited when absent. */
  readonly rateLimit?: number | undefined;
}

export interface ReceiveRecordsOptions extends RecordsOptions {
  /** Committed before `done` is sent; abandoned whenever the promise rejects. */
  readonly sink: ContentSink;
  /** Wiped in every case. */
  readonly keys: SessionKeySink;
  /** Longest life of a session key that is taken from this sender. */
  readonly sessionMs: number;
  /** What the sender announced; more or less is refused. `undefined`: a stream of any length. */
  readonly size: number | undefined;
}

/** What this side signs of the content, and what it makes of the other side's signature. */
export interface RecordsSigning {
  /** Length of the other side's statement. */
  readonly statementBytes: number;
  /** The content, in its order; what has been given before is left out. */
  update(bytes: Uint8Array, offset: number): void;
  /** This side's statement, when all of the content was given. */
  say(): Uint8Array;
  /** The other side's: what is wrong with it, if anything. */
  judge(statement: Uint8Array): PosternError | undefined;
}

export type RecordsEvent = Extract<
  TransferEvent,
  { readonly type: "session-key" | "progress" | "resend" | "new-pipe" }
>;

export interface RecordsResult {
  /** Length of the content, `fromOffset` included. */
  readonly total: number;
  /** SHA-256 over the tags of the accepted content records (docs/protocol.md 8). */
  readonly digest: Uint8Array;
  readonly sessionKeys: number;
  readonly resends: number;
  /** Pipes used, the first one included. */
  readonly pipes: number;
}
