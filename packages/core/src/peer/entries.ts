/**
 * One row of the {@link Peer}'s table, and what can be said of it without changing it.
 *
 * @module
 */
import { equalBytes } from "../bytes/equal.ts";
import { hex } from "../bytes/hex.ts";
import type { Party } from "../exchange/context.ts";
import type { InstantMs } from "../time.ts";
import type { TransferEnvelope } from "../transfer/envelope.ts";
import { receiveDeadline } from "../transfer/receive.ts";
import type { ReceiveInput, ReceivePlan, ReceiveState } from "../transfer/receive-state.ts";
import { sendDeadline } from "../transfer/send.ts";
import type { SendPlan, SendState } from "../transfer/send-state.ts";
import type { TransferInput } from "../transfer/steps.ts";
import type { Question } from "./questions.ts";
import type { TransferKey } from "./steps.ts";

export type Purpose =
  | Question
  | { readonly kind: "offer" | "frames" | "pipe" | "key-up"; readonly key: TransferKey }
  | { readonly kind: "other" };

export interface Outgoing {
  readonly role: "sending";
  readonly name: string;
  readonly plan: SendPlan;
  readonly party: Party;
  state: SendState;
}

export interface Incoming {
  readonly role: "receiving";
  name: string;
  readonly plan: ReceivePlan;
  readonly party: Party;
  state: ReceiveState;
}

const OCCUPYING: ReadonlySet<ReceiveState["kind"]> = new Set<ReceiveState["kind"]>([
  "expect-keys",
  "expect-dropped",
  "expect-consent",
  "expect-pipe",
  "receiving",
  "expect-new-pipe",
  "expect-reason",
  "closing",
]);

export function transferKey(peer: Uint8Array, transfer: Uint8Array): TransferKey {
  return `${hex(peer)}:${hex(transfer)}`;
}

export function isWith({ party }: Outgoing | Incoming, peer: Pick<Party, "fingerprint">): boolean {
  return equalBytes(party.fingerprint, peer.fingerprint);
}

export function isSentTo(transfer: Outgoing | Incoming, fingerprint: Uint8Array): boolean {
  return transfer.role === "sending" && isWith(transfer, { fingerprint });
}

export function purposeOf({ kind }: TransferEnvelope, key: TransferKey): Purpose {
  if (kind === "offer") return { kind, key };
  if (kind === "content" || kind === "reverse") return { kind: "frames", key };
  return { kind: "other" };
}

export function deadlineOf(transfer: Outgoing | Incoming): InstantMs | undefined {
  return transfer.role === "sending"
    ? sendDeadline(transfer.state)
    : receiveDeadline(transfer.state);
}

export function isReceiverInput(
  input: ReceiveInput,
): input is Exclude<ReceiveInput, TransferInput> {
  return input.kind === "key-down" || input.kind === "offer" || input.kind === "decide";
}

/** Ids of the contents that an offer of `sender` may bring anew: their transfers take its place. */
export function placedBy(
  transfers: Iterable<Outgoing | Incoming>,
  sender: Party,
): readonly Uint8Array[] {
  const placed: Uint8Array[] = [];
  for (const transfer of transfers)
    if (transfer.role === "receiving" && isWith(transfer, sender) && "content" in transfer.state)
      placed.push(transfer.state.content.contentId);
  return placed;
}

/** Offers under decision and transfers under way take the receiver's capacity. */
export function occupiedBy(transfers: Iterable<Outgoing | Incoming>): number {
  let occupied = 0;
  for (const transfer of transfers)
    if (transfer.role === "receiving" && OCCUPYING.has(transfer.state.kind)) occupied += 1;
  return occupied;
}
