/**
 * States of {@link stepSend}, see `send.ts` for the diagram.
 *
 * @module
 */
import type { PosternError } from "../errors.ts";
import type { SenderContext } from "../exchange/context.ts";
import type { Profile } from "../exchange/profile.ts";
import type { SenderExchange } from "../exchange/sender-exchange.ts";
import type { SenderReady, TransferKeys } from "../exchange/transfer-keys.ts";
import type { InstantMs } from "../time.ts";
import type { ContentDescription } from "./header.ts";
import type { RecordsOutcome, TransferEffect } from "./steps.ts";

/** What does not change while a transfer runs. */
export interface SendPlan {
  readonly context: SenderContext;
  readonly profile: Profile;
  readonly content: ContentDescription;
  readonly sessionSeconds: number;
}

/** An exchange whose keys are ready. */
export interface Offered {
  readonly exchange: SenderExchange;
  readonly ready: SenderReady;
}

export type SendState =
  | {
      readonly kind: "exchanging";
      readonly exchange: SenderExchange;
      readonly deadline: InstantMs;
    }
  | ({
      readonly kind: "expect-answer";
      readonly deadline: InstantMs;
      readonly receipt: ReceiptToOpen | undefined;
    } & Offered)
  /** The receiver holds a part: whether it is this content's is being checked. */
  | ({
      readonly kind: "expect-check";
      readonly offset: number;
      readonly deadline: InstantMs;
    } & Offered)
  | ({
      readonly kind: "expect-pipe";
      readonly offset: number;
      readonly deadline: InstantMs;
    } & Offered)
  | ({
      readonly kind: "streaming";
      readonly receipt: EarlyReceipt | undefined;
      /** For frames in envelopes, whose loss nobody sees; a pipe has its own. */
      readonly deadline: InstantMs | undefined;
    } & Offered)
  /** The pipe broke; the transfer goes on over the next one. */
  | ({
      readonly kind: "expect-new-pipe";
      readonly error: PosternError;
      readonly deadline: InstantMs;
      readonly receipt: EarlyReceipt | undefined;
    } & Offered)
  /** The pipe is gone; what the relay says next tells why. */
  | ({
      readonly kind: "expect-reason";
      readonly error: PosternError;
      readonly deadline: InstantMs;
    } & Offered)
  | {
      readonly kind: "closing";
      readonly exchange: SenderExchange;
      readonly keys: TransferKeys;
      readonly outcome: RecordsOutcome;
      readonly deadline: InstantMs;
    }
  | { readonly kind: "done" }
  | { readonly kind: "failed" };

/**
 * A receipt that came before the driver has told that all is delivered: of an RSA profile as it
 * came, since its next key is judged later; of the end-to-end one what it said.
 */
export type EarlyReceipt =
  | { readonly kind: "sealed"; readonly sealed: Uint8Array }
  | ({ readonly kind: "opened" } & RecordsOutcome)
  | ReceiptToOpen;

/**
 * The channel is opening it. A receiver that has said all may go: what is `lost` meanwhile ends the
 * transfer only if the receipt is none.
 */
export interface ReceiptToOpen {
  readonly kind: "opening";
  readonly lost: PosternError | undefined;
}

export interface SendStep {
  readonly state: SendState;
  readonly effects: readonly TransferEffect[];
}

export type Closing = Extract<SendState, { kind: "closing" }>;
/** The records are under way, or wait for another pipe. */
export type Moving = Extract<SendState, { kind: "streaming" | "expect-new-pipe" }>;
/** A receipt may come. */
export type Listening = Moving | Extract<SendState, { kind: "expect-answer" }>;
