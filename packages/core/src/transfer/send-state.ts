/**
 * States of {@link stepSend}, see `send.ts` for the diagram.
 *
 * @module
 */
import type { PosternError } from "../errors.ts";
import type { ExchangeContext } from "../exchange/context.ts";
import type { SymmetricSenderState } from "../exchange/symmetric/sender.ts";
import type { TransferKeys } from "../exchange/transfer-keys.ts";
import type { InstantMs } from "../time.ts";
import type { ContentDescription } from "./header.ts";
import type { RecordsOutcome, TransferEffect } from "./steps.ts";

/** What does not change while a transfer runs. */
export interface SendPlan {
  readonly context: ExchangeContext;
  readonly content: ContentDescription;
}

export type ReadyExchange = Extract<SymmetricSenderState, { kind: "ready" }>;

export type SendState =
  | {
      readonly kind: "exchanging";
      readonly exchange: SymmetricSenderState;
      readonly deadline: InstantMs;
    }
  | {
      readonly kind: "expect-answer";
      readonly exchange: ReadyExchange;
      readonly deadline: InstantMs;
    }
  | {
      readonly kind: "expect-pipe";
      readonly exchange: ReadyExchange;
      readonly offset: number;
      readonly deadline: InstantMs;
    }
  | { readonly kind: "streaming"; readonly exchange: ReadyExchange }
  /** The pipe is gone; what the relay says next tells why. */
  | {
      readonly kind: "expect-reason";
      readonly exchange: ReadyExchange;
      readonly error: PosternError;
      readonly deadline: InstantMs;
    }
  | {
      readonly kind: "closing";
      readonly exchange: SymmetricSenderState;
      readonly keys: TransferKeys;
      readonly outcome: RecordsOutcome;
      readonly deadline: InstantMs;
    }
  | { readonly kind: "done" }
  | { readonly kind: "failed" };

export interface SendStep {
  readonly state: SendState;
  readonly effects: readonly TransferEffect[];
}

export type Closing = Extract<SendState, { kind: "closing" }>;
