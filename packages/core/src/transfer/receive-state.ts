/**
 * States and inputs of {@link stepReceive}, see `receive.ts` for the diagram.
 *
 * @module
 */
import type { PosternError } from "../errors.ts";
import type { ExchangeContext } from "../exchange/context.ts";
import type { ReceiverExchange } from "../exchange/receiver-exchange.ts";
import type { Profile } from "../exchange/profile.ts";
import type { ReceiverReady, TransferKeys } from "../exchange/transfer-keys.ts";
import type { Verdict } from "../exchange/verdict.ts";
import type { InstantMs } from "../time.ts";
import type { TransferEnvelope } from "./envelope.ts";
import type { ContentDescription } from "./header.ts";
import type {
  Decision,
  HeldPrefix,
  RecordsOutcome,
  TransferEffect,
  TransferInput,
} from "./steps.ts";

export interface ReceivePlan {
  readonly context: ExchangeContext;
}

/** What the client as a whole says to an offer, looked up when it arrives. */
export interface Admission {
  /** The offer's profile; `undefined` when it is not one this receiver takes. */
  readonly profile: Profile | undefined;
  readonly hasRoom: boolean;
  /** Contents of this sender that have a place: one of them, offered again, takes over its own. */
  readonly placed: readonly Uint8Array[];
  readonly replayed: boolean;
}

export type OfferEnvelope = Extract<TransferEnvelope, { kind: "offer" }>;

/** An offer whose header opened. */
export interface Checked {
  readonly exchange: ReceiverExchange;
  readonly ready: ReceiverReady;
  readonly content: ContentDescription;
  readonly sessionSeconds: number;
}

export type ReceiveState =
  | {
      readonly kind: "expect-offer";
      readonly exchange: ReceiverExchange;
      readonly deadline: InstantMs;
    }
  | {
      readonly kind: "expect-keys";
      readonly exchange: ReceiverExchange;
      readonly admission: Admission;
      readonly deadline: InstantMs;
    }
  | ({ readonly kind: "expect-dropped"; readonly deadline: InstantMs } & Checked)
  | ({ readonly kind: "expect-consent"; readonly deadline: InstantMs } & Checked)
  /** End-to-end: the no is being stored as the transfer's receipt. */
  | {
      readonly kind: "refusing";
      readonly exchange: ReceiverExchange;
      readonly verdict: Exclude<Verdict, "accept">;
      readonly deadline: InstantMs;
    }
  | ({
      readonly kind: "expect-pipe";
      /** Where the content goes on. */
      readonly fromOffset: number;
      readonly deadline: InstantMs;
    } & Checked)
  /** `deadline`: for frames in envelopes, whose loss nobody sees; a pipe has its own. */
  | ({ readonly kind: "receiving"; readonly deadline: InstantMs | undefined } & Checked)
  /** The pipe broke; the sender opens the next one. */
  | ({
      readonly kind: "expect-new-pipe";
      readonly error: PosternError;
      readonly deadline: InstantMs;
    } & Checked)
  | {
      readonly kind: "expect-reason";
      readonly error: PosternError;
      readonly deadline: InstantMs;
    }
  | {
      readonly kind: "closing";
      readonly exchange: ReceiverExchange;
      readonly keys: TransferKeys;
      readonly outcome: RecordsOutcome;
      readonly deadline: InstantMs;
    }
  | { readonly kind: "done" }
  | { readonly kind: "failed" };

export type ReceiveInput =
  | TransferInput
  | { readonly kind: "key-down"; readonly use: "this" | "next"; readonly ciphertext: Uint8Array }
  | { readonly kind: "offer"; readonly offer: OfferEnvelope; readonly admission: Admission }
  | {
      readonly kind: "decide";
      readonly decision: Decision;
      /** With `accept`: the content goes on behind it. Of no use for a message in envelopes. */
      readonly held?: HeldPrefix | undefined;
    };

export interface ReceiveStep {
  readonly state: ReceiveState;
  readonly effects: readonly TransferEffect[];
}

export type Closing = Extract<ReceiveState, { kind: "closing" }>;
export type ExpectKeys = Extract<ReceiveState, { kind: "expect-keys" }>;
