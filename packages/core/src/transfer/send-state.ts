/**
 * States of {@link stepSend}, see `send.ts` for the diagram.
 *
 * @module
 */
import type { PosternError } from "../errors.ts";
import type { SenderContext } from "../exchange/context.ts";
import type { ImplementedProfile, SenderExchange } from "../exchange/sender-exchange.ts";
import type { SenderReady, TransferKeys } from "../exchange/transfer-keys.ts";
import type { InstantMs } from "../time.ts";
import type { ContentDescription } from "./header.ts";
import type { RecordsOutcome, TransferEffect } from "./steps.ts";

/** What does not change while a transfer runs. */
export interface SendPlan {
  readonly context: SenderContext;
  readonly profile: ImplementedProfile;
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
  | ({ readonly kind: "expect-answer"; readonly deadline: InstantMs } & Offered)
  | ({
      readonly kind: "expect-pipe";
      readonly offset: number;
      readonly deadline: InstantMs;
    } & Offered)
  | ({ readonly kind: "streaming" } & Offered)
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

export interface SendStep {
  readonly state: SendState;
  readonly effects: readonly TransferEffect[];
}

export type Closing = Extract<SendState, { kind: "closing" }>;
