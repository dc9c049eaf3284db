/** Shows one transfer from its first event to its last, in either role. @module */
import { PosternError } from "@postern/core/errors";
import type { ContentInfo, Receipt, Transfer, TransferEvent } from "@postern/client";
import type { Context } from "./context.ts";
import { mayHaveArrived, warnLeft } from "./left-message.ts";
import { formatBytes, formatRate, formatSeconds, plural } from "./terminal/format.ts";
import type { ProgressLine } from "./terminal/progress-line.ts";
import { safeText } from "./terminal/safe-text.ts";
import { confirmedField } from "./terminal/unconfirmed.ts";

export interface TransferView {
  readonly role: "sender" | "receiver";
  /** A line for each session key. */
  readonly showKeys?: boolean;
  /** The two met by a code for this alone: there is no next time to speak of. */
  readonly isByCode?: boolean;
  /** Give up when the receiver has not accepted by then. */
  readonly acceptWithinMs?: number | undefined;
  /** Added to the `done` event: where the content is. */
  readonly doneFields?: () => Readonly<Record<string, unknown>>;
}

export interface Finished {
  readonly receipt: Receipt;
  /** `3.1 GB in 37 s, 84 MB/s, 8 session keys, new master key kept for next time` */
  readonly summary: string;
}

/** @throws {@link PosternError} of the transfer. An interrupt cancels it. */
export async function followTransfer(
  context: Context,
  transfer: Transfer,
  view: TransferView,
): Promise<Finished> {
  const { output, surroundings, interrupted } = context;
  const progress = output.progress(contentLabel(transfer.content));
  let startedAt = surroundings.now();
  let isLate = false;
  let hasLeft = false;
  const giveUp = (): void => {
    isLate = true;
    transfer.cancel();
  };
  const timer =
    view.acceptWithinMs === undefined ? undefined : setTimeout(giveUp, view.acceptWithinMs);
  const cancel = (): void => transfer.cancel();
  // Its error comes as the `failed` event.
  transfer.finished.catch(() => {});
  interrupted.signal.addEventListener("abort", cancel);
  if (interrupted.signal.aborted) cancel();
  try {
    for await (const event of transfer) {
      if (event.type === "accepted") {
        clearTimeout(timer);
        startedAt = surroundings.now();
      }
      if (event.type === "done" || event.type === "failed") progress.clear();
      if (event.type === "offered") hasLeft = view.role === "sender";
      if (event.type === "failed" && hasLeft && mayHaveArrived(transfer, event.error))
        warnLeft(context, transfer, view.isByCode === true);
      output.event(jsonOf(transfer, event, view));
      if (event.type === "failed") throw isLate ? notAccepted() : event.error;
      if (event.type === "done")
        return {
          receipt: event.receipt,
          summary: summarize(transfer, event.receipt, view, surroundings.now() - startedAt),
        };
      tell(context, transfer, event, view, progress);
    }
    throw new TypeError("a transfer ended without a last event");
  } finally {
    clearTimeout(timer);
    progress.clear();
    interrupted.signal.removeEventListener("abort", cancel);
  }
}

/** Safe for a terminal. */
export function contentLabel(content: ContentInfo): string {
  if (content.kind === "message") return "message";
  return content.name === "" ? content.kind : safeText(content.name);
}

/** `photo.raw (file, 3.1 GB)`, safe for a terminal. */
export function contentSentence(content: ContentInfo): string {
  // A message is padded: its size on the way says nothing about it.
  if (content.kind === "message") return "a message";
  const size = content.size === undefined ? "size unknown" : formatBytes(content.size);
  return `${contentLabel(content)} (${content.kind}, ${size})`;
}

function summarize(
  transfer: Transfer,
  receipt: Receipt,
  { isByCode = false }: TransferView,
  elapsedMs: number,
): string {
  const { content, profile } = transfer;
  const time = formatSeconds(elapsedMs);
  const rate = elapsedMs >= 100 ? [formatRate((receipt.bytes * 1000) / elapsedMs)] : [];
  const resends = receipt.resends > 0 ? [plural(receipt.resends, "repair")] : [];
  const pipes = receipt.pipes > 1 ? [plural(receipt.pipes, "connection")] : [];
  const kept = profile === "end-to-end" ? "channel" : "new master key";
  const next = receipt.nextMasterKey && !isByCode ? [`${kept} kept for next time`] : [];
  return [
    ...(content.kind === "message"
      ? [time]
      : [`${formatBytes(receipt.bytes)} in ${time}`, ...rate]),
    plural(receipt.sessionKeys, "session key"),
    ...resends,
    ...pipes,
    ...next,
  ].join(", ");
}

function tell(
  context: Context,
  transfer: Transfer,
  event: Exclude<TransferEvent, { type: "done" | "failed" }>,
  view: TransferView,
  progress: ProgressLine,
): void {
  const { output } = context;
  const peer = safeText(transfer.peer.name);
  switch (event.type) {
    case "offered":
      if (view.role === "sender")
        output.say(
          `offered ${contentSentence(transfer.content)} to ${peer}; waiting for the answer`,
        );
      return;
    case "master-key":
      output.say(masterKeySentence(event, view));
      return;
    case "accepted":
      if (view.role === "sender") output.say(`${peer} accepted`);
      return;
    case "session-key":
      if (view.showKeys === true)
        output.say(`session key ${event.number} from ${formatBytes(event.atOffset)} on`);
      return;
    case "progress":
      // A message is over before a line could be read.
      if (transfer.content.kind !== "message") progress.update(event);
      return;
    case "resend":
      output.say(
        `damaged data found (${plural(event.damaged, "time")} so far); ` +
          `it goes again from ${formatBytes(event.fromOffset)} on`,
      );
      return;
    case "new-pipe":
      output.say(`the connection for the data broke; going on over another, number ${event.count}`);
      return;
    case "key-renewed":
      output.say(keyRenewedSentence(transfer));
  }
}

function masterKeySentence(
  { source, counter }: Extract<TransferEvent, { type: "master-key" }>,
  { role }: TransferView,
): string {
  switch (source) {
    case "fresh-rsa":
      return "master key: fresh, carried by RSA";
    case "kept":
      return `master key ${counter}: kept from the last transfer, no RSA needed`;
    case "key-package":
      return `master key: fresh, for a key package of ${role === "sender" ? "the receiver" : "this client"}; a new channel begins`;
    case "channel":
      return `master key ${counter}: fresh, by a step of the open channel`;
  }
}

function keyRenewedSentence({ peer, profile }: Transfer): string {
  const name = safeText(peer.name);
  return profile === "end-to-end"
    ? `the keys with ${name} did not fit any more (lost, or an older copy); a new channel begins`
    : `${name} no longer has the kept master key; a fresh one goes by RSA`;
}

function jsonOf(transfer: Transfer, event: TransferEvent, view: TransferView) {
  const { type } = event;
  const base = { transfer: transfer.id, role: view.role };
  switch (event.type) {
    case "offered": {
      const { peer, content, profile } = transfer;
      const { kind, name, size } = content;
      return {
        type,
        ...base,
        peer: peer.name,
        fingerprint: peer.fingerprint,
        trust: peer.trust,
        kind,
        name,
        size,
        profile,
      };
    }
    case "done": {
      const { transfer: _, ...receipt } = event.receipt;
      return { type, ...base, ...receipt, ...view.doneFields?.() };
    }
    case "failed":
      return { type, ...base, code: event.error.code, ...confirmedField(event.error) };
    default:
      return { ...event, ...base };
  }
}

function notAccepted(): PosternError {
  return new PosternError("peer/timed-out", "the receiver did not accept within --timeout");
}
