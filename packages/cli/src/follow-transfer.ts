/** Shows one content on its way from the first event to the last, in either role. @module */
import { PosternError } from "@postern/core/errors";
import type { Delivery, DeliveryEvent, ManifestPlaces, Receipt, Transfer } from "@postern/client";
import { contentLabel, contentSentence } from "./content-label.ts";
import type { Context } from "./context.ts";
import { EXIT } from "./exit-codes.ts";
import { mayHaveArrived, warnLeft } from "./left-message.ts";
import {
  formatBytes,
  formatPart,
  formatRate,
  formatSeconds,
  formatShare,
  plural,
} from "./terminal/format.ts";
import { describe, isSecurityEvent } from "./terminal/describe.ts";
import { systemReason } from "./terminal/network-reason.ts";
import type { FileState, ProgressLine } from "./terminal/progress-line.ts";
import { safeText } from "./terminal/safe-text.ts";
import { confirmedField } from "./terminal/unconfirmed.ts";

/** What a sender follows goes over as many transfers as it takes. */
type Followed = Transfer | Delivery;

export interface TransferView {
  readonly role: "sender" | "receiver";
  /** Its content's id, the same in every transfer of it. */
  readonly contentId: string;
  /** A line for each session key. */
  readonly showKeys?: boolean;
  /** The two met by a code for this alone: there is no next time to speak of. */
  readonly isByCode?: boolean;
  /** Give up when the receiver has not accepted by then. */
  readonly acceptWithinMs?: number | undefined;
  /** Added to the `done` event: where the content is. */
  readonly doneFields?: () => Readonly<Record<string, unknown>>;
  /** It can be gone on with after this process. */
  readonly isKept?: boolean;
  /** Of a folder, as soon as its list is known: where its files are. */
  readonly places?: () => ManifestPlaces | undefined;
  /** Bytes that are with the receiver, at each progress. */
  readonly onBytes?: (bytes: number) => void;
}

export interface Finished {
  readonly receipt: Receipt;
  /** `3.1 GB in 37 s, 84 MB/s, 8 session keys, new master key kept for next time` */
  readonly summary: string;
}

/**
 * An interrupt cancels it; a program that another one ends leaves it, for it may be started again
 * and go on.
 *
 * @throws {@link PosternError} of the transfer
 */
export async function followTransfer(
  context: Context,
  transfer: Followed,
  view: TransferView,
): Promise<Finished> {
  const { output, interrupted } = context;
  const telling = new Telling(context, transfer, view);
  let isLate = false;
  let hasLeft = false;
  const giveUp = (): void => {
    isLate = true;
    transfer.cancel();
  };
  const timer =
    view.acceptWithinMs === undefined ? undefined : setTimeout(giveUp, view.acceptWithinMs);
  const stop = (): void => {
    if ("leave" in transfer && interrupted.exitCode === EXIT.terminated) transfer.leave();
    else transfer.cancel();
  };
  // Its error comes as the `failed` event.
  transfer.finished.catch(() => {});
  interrupted.signal.addEventListener("abort", stop);
  if (interrupted.signal.aborted) stop();
  try {
    for await (const event of transfer) {
      if (event.type === "accepted") clearTimeout(timer);
      if (event.type === "done" || event.type === "failed") telling.end();
      if (event.type === "offered") hasLeft = view.role === "sender";
      if (event.type === "failed" && hasLeft && mayHaveArrived(transfer, event.error))
        warnLeft(context, transfer, view.isByCode === true);
      output.event(jsonOf(transfer, event, view));
      // Damage may be an attack: nothing of the kind is tried again unasked.
      if (event.type === "waiting" && isSecurityEvent(event.error.code)) {
        transfer.cancel();
        throw event.error;
      }
      if (event.type === "failed") throw isLate ? notAccepted() : event.error;
      if (event.type === "done")
        return { receipt: event.receipt, summary: telling.summary(event.receipt) };
      telling.tell(event);
    }
    throw new TypeError("a transfer ended without a last event");
  } finally {
    clearTimeout(timer);
    telling.end();
    interrupted.signal.removeEventListener("abort", stop);
  }
}

/** What is said about one content, in the order of its events. */
class Telling {
  readonly #context: Context;
  readonly #transfer: Followed;
  readonly #view: TransferView;
  readonly #progress: ProgressLine;
  #startedAt: number;
  /** Where the first of its transfers began. */
  #firstOffset: number | undefined;
  #bytes = 0;
  /** What it waits for, as it was said. */
  #waitingFor: string | undefined;

  constructor(context: Context, transfer: Followed, view: TransferView) {
    this.#context = context;
    this.#transfer = transfer;
    this.#view = view;
    this.#progress = context.output.progress(contentLabel(transfer.content));
    this.#startedAt = context.surroundings.now();
  }

  end(): void {
    this.#progress.clear();
  }

  tell(event: Exclude<DeliveryEvent, { type: "done" | "failed" }>): void {
    const { output } = this.#context;
    const { role, showKeys = false } = this.#view;
    const { content } = this.#transfer;
    switch (event.type) {
      case "offered":
        if (role === "sender" && this.#waitingFor === undefined)
          output.say(
            `offered ${contentSentence(content)} to ${this.#peer}; waiting for the answer`,
          );
        return;
      case "master-key":
        if (this.#waitingFor === undefined || showKeys)
          output.say(masterKeySentence(event, this.#view));
        return;
      case "accepted":
        return this.#accepted(event.offset);
      case "session-key":
        if (showKeys)
          output.say(`session key ${event.number} from ${formatBytes(event.atOffset)} on`);
        return;
      case "progress":
        this.#moved(event.bytes);
        // A message is over before a line could be read.
        if (content.kind !== "message")
          this.#progress.update({ ...event, file: fileAt(this.#view.places?.(), event.bytes) });
        return;
      case "resend":
        output.say(
          `data was lost or damaged on the way (${plural(event.damaged, "time")} so far); ` +
            `it goes again from ${formatBytes(event.fromOffset)} on`,
        );
        return;
      case "new-pipe":
        output.say(
          `the connection for the data broke; going on over another, number ${event.count}`,
        );
        return;
      case "key-renewed":
        output.say(keyRenewedSentence(this.#transfer));
        return;
      case "waiting":
        return this.#waiting(event);
    }
  }

  summary(receipt: Receipt): string {
    const { surroundings } = this.#context;
    const { content, profile } = this.#transfer;
    const elapsedMs = surroundings.now() - this.#startedAt;
    const moved = receipt.bytes - (this.#firstOffset ?? 0);
    const time = formatSeconds(elapsedMs);
    const rate = elapsedMs >= 100 ? [formatRate((moved * 1000) / elapsedMs)] : [];
    const resends = receipt.resends > 0 ? [plural(receipt.resends, "repair")] : [];
    const pipes = receipt.pipes > 1 ? [plural(receipt.pipes, "connection")] : [];
    const kept = profile === "end-to-end" ? "channel" : "new master key";
    const hasNext = receipt.nextMasterKey && this.#view.isByCode !== true;
    const amount = formatBytes(receipt.bytes);
    const rest = moved < receipt.bytes ? `, the last ${formatBytes(moved)}` : "";
    return [
      ...(content.kind === "message" ? [time] : [`${amount}${rest} in ${time}`, ...rate]),
      plural(receipt.sessionKeys, "session key"),
      ...resends,
      ...pipes,
      ...(hasNext ? [`${kept} kept for next time`] : []),
    ].join(", ");
  }

  get #peer(): string {
    return safeText(this.#transfer.peer.name);
  }

  #accepted(offset: number): void {
    const { output, surroundings } = this.#context;
    const isFirst = this.#firstOffset === undefined;
    this.#firstOffset ??= offset;
    if (isFirst) this.#startedAt = surroundings.now();
    if (this.#waitingFor !== undefined) output.say(`${this.#peer} is back`);
    else if (this.#view.role === "sender") output.say(acceptedSentence(this.#transfer, offset));
    this.#waitingFor = undefined;
    if (offset === 0) return;
    this.#moved(offset);
    output.say(`going on at ${amountThere(offset, this.#transfer.content.size)}`);
  }

  #moved(bytes: number): void {
    this.#bytes = bytes;
    this.#view.onBytes?.(bytes);
  }

  /** Once for each reason, not for each try. */
  #waiting(event: Extract<DeliveryEvent, { type: "waiting" }>): void {
    const { output, relay } = this.#context;
    const { content } = this.#transfer;
    const whom = event.for === "relay" ? `the relay ${relay.shown}` : this.#peer;
    const about = { relay: relay.shown, peer: this.#peer, content: contentLabel(content) };
    const { what } = describe(event.error.code, { ...about, reason: systemReason(event.error) });
    this.#progress.clear();
    if (what === this.#waitingFor) return;
    this.#waitingFor = what;
    const there = this.#bytes > 0 ? `, ${amountThere(this.#bytes, content.size)} is there` : "";
    const keeps = this.#view.isKept === true ? "; Ctrl-C keeps it" : "";
    output.say(`${what}; waiting for ${whom} to come back${there}${keeps}`);
  }
}

/** The file that is on its way; the last one when all is there. */
function fileAt(places: ManifestPlaces | undefined, offset: number): FileState | undefined {
  if (places === undefined || places.files.length === 0) return undefined;
  const count = places.files.length;
  const at = Math.min(places.fileAt(offset), count - 1);
  const { path, size } = places.files[at]!;
  const bytes = Math.max(0, Math.min(size, offset - places.start(at)));
  return { number: at + 1, count, name: safeText(path.replace(/^.*\//su, "")), bytes, size };
}

function acceptedSentence({ peer, content }: Followed, offset: number): string {
  const name = safeText(peer.name);
  return offset < (content.manifest?.bytes ?? 0)
    ? `${name} takes the list of it; the rest goes when ${name} agrees`
    : `${name} accepted`;
}

/** `45 %`, or `1.2 GB` of something that has no size. */
function amountThere(bytes: number, total: number | undefined): string {
  const share = formatShare(bytes, total);
  return share === undefined || total === undefined
    ? formatBytes(bytes)
    : `${share} (${formatPart(bytes, total)})`;
}

function masterKeySentence(
  { source, counter }: Extract<DeliveryEvent, { type: "master-key" }>,
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

function keyRenewedSentence({ peer, profile }: Followed): string {
  const name = safeText(peer.name);
  return profile === "end-to-end"
    ? `the keys with ${name} did not fit any more (lost, or an older copy); a new channel begins`
    : `${name} no longer has the kept master key; a fresh one goes by RSA`;
}

/** `content` is the same on both sides and in all transfers; `transfer` is of one of them. */
function jsonOf(transfer: Followed, event: DeliveryEvent, view: TransferView) {
  const { type } = event;
  const { contentId: content, role } = view;
  const base = role === "receiver" ? { transfer: transfer.id, content, role } : { content, role };
  switch (event.type) {
    case "offered": {
      const { peer, content: info, profile } = transfer;
      const { kind, name, size } = info;
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
    case "done":
      return { type, ...base, ...event.receipt, ...view.doneFields?.() };
    case "failed":
      return { type, ...base, code: event.error.code, ...confirmedField(event.error) };
    case "waiting": {
      const { error, inMs } = event;
      if (isSecurityEvent(error.code)) return { type: "failed", ...base, code: error.code };
      return { type: "retrying", ...base, for: event.for, code: error.code, inMs };
    }
    case "progress": {
      const file = fileAt(view.places?.(), event.bytes);
      return { ...event, ...base, ...(file && { file: file.number, files: file.count }) };
    }
    default:
      return { ...event, ...base };
  }
}

function notAccepted(): PosternError {
  return new PosternError("peer/timed-out", "the receiver did not accept within --timeout");
}
