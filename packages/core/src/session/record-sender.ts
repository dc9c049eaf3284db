/**
 * The sender's machine (docs/protocol.md 8): says which frame comes next, under which key and
 * nonce, and takes the reverse frames. Content does not pass through it: it plans a record, the
 * driver seals it and hands back the tag.
 *
 * ```text
 *            session, plan, sealed            last           done
 *   content ───────────────────────► content ─────► expect-done ────► done
 *      ▲                                                 │
 *      ├────────────────────── resend ───────────────────┤      cancelled, any failure ──► ended
 *      │ resend                                          │ newPipe
 *   expect-resend ◄──────────────────────────────────────┘      done, everything sent ──► done
 * ```
 *
 * A list of entries waits for the receiver's `proceed` before what it lists is sent (9): until then
 * {@link RecordSender.room} ends with it.
 *
 * On a new pipe (8.1) nothing is sent before the receiver has said from where: `resend`, or, when
 * it has the last record, `progress` to the end and `done`.
 *
 * Invariants: a key and nonce are planned once; after a `resend` everything goes under a new key.
 * Nothing the receiver sends makes {@link RecordSender.reverse} throw.
 *
 * @module
 */
import { equalBytes, wipe } from "../bytes/equal.ts";
import { ByteWriter } from "../bytes/writer.ts";
import { AEAD_TAG_BYTES } from "../crypto/suite.ts";
import { PosternError, unreachable } from "../errors.ts";
import {
  DAMAGED_PER_TRANSFER_MAX,
  SESSION_BYTES_MAX,
  SESSION_RECORDS_MAX,
  SESSIONS_UNDER_WAY_MAX,
  UNVERIFIED_BYTES_MAX,
  UNVERIFIED_RECORDS_MAX,
} from "../limits.ts";
import { after, type InstantMs } from "../time.ts";
import { damagesAllowed } from "./damages-allowed.ts";
import { endedByReceiver } from "./end-reasons.ts";
import {
  associatedData,
  decodeFrameHeader,
  DIRECTION_FORWARD,
  FLAGS_CANCELLED,
  FLAGS_CONTENT,
  FLAGS_LAST,
  FLAGS_SESSION,
  FRAME_HEADER_BYTES,
  FRAME_RECORD,
  FRAME_REVERSE,
  FRAME_SESSION,
  frameNonce,
} from "./record-header.ts";
import { sealFrame, sealSession, type FrameContext } from "./record-seal.ts";
import type { RecordPlan, RecordSenderOptions } from "./record-sender-options.ts";
import { ReverseOpener, type ReverseFrame } from "./reverse-frame.ts";
import { broken, nonsense, type ReverseOutcome } from "./reverse-outcome.ts";
import { SentTags } from "./sent-tags.ts";

interface Session {
  readonly j: number;
  readonly key: Uint8Array;
  readonly startMs: number;
  records: number;
  bytes: number;
}

type Done = Extract<ReverseFrame, { readonly kind: "done" }>;

type Phase =
  | { readonly kind: "content" }
  | { readonly kind: "expect-done"; readonly digest: Uint8Array }
  /** On a new pipe. `digest`: the last record was sent. */
  | { readonly kind: "expect-resend"; readonly digest: Uint8Array | undefined }
  | { readonly kind: "done" }
  | { readonly kind: "ended" };

export class RecordSender {
  readonly #options: RecordSenderOptions;
  readonly #context: FrameContext;
  readonly #opener: ReverseOpener;
  readonly #tags: SentTags;
  #phase: Phase = { kind: "content" };
  #session: Session | undefined;
  #lastJ = 0;
  #sessionCount = 0;
  #offset: number;
  #verified: number;
  #planned = 0;
  #paused = false;
  #holdAt: number | undefined;
  #damaged = 0;

  constructor(options: RecordSenderOptions) {
    const { suite, th, reverseKey, fromOffset } = options;
    this.#options = options;
    this.#context = { suite, th, direction: DIRECTION_FORWARD };
    this.#opener = new ReverseOpener(suite, th, reverseKey);
    this.#tags = new SentTags(suite.sha256Stream(), fromOffset);
    this.#offset = fromOffset;
    this.#verified = fromOffset;
    this.#holdAt = options.holdAt;
  }

  get phase(): Phase["kind"] {
    return this.#phase.kind;
  }

  /** Where the next record starts. */
  get offset(): number {
    return this.#offset;
  }

  /** The receiver has everything below. */
  get verified(): number {
    return this.#verified;
  }

  get paused(): boolean {
    return this.#paused;
  }

  /** Everything up to `holdAt` is sent: nothing else is, before the receiver's `proceed`. */
  get held(): boolean {
    return this.#holdAt !== undefined && this.#offset >= this.#holdAt;
  }

  /** Session keys so far. */
  get sessionCount(): number {
    return this.#sessionCount;
  }

  /** When the session key in use was made. */
  get sessionAt(): InstantMs | undefined {
    const session = this.#session;
    return session && after(this.#options.startedAt, session.startMs);
  }

  get damaged(): number {
    return this.#damaged;
  }

  /** Bytes of content that may be sent now; the receiver has to verify before there is more. */
  room(): number {
    if (this.#phase.kind !== "content" || this.#paused) return 0;
    if (this.#tags.count >= UNVERIFIED_RECORDS_MAX) return 0;
    const window = UNVERIFIED_BYTES_MAX - (this.#offset - this.#verified);
    return Math.min(window, (this.#holdAt ?? Infinity) - this.#offset);
  }

  /** The session frame that must go before a record of `length` bytes; `undefined` for none. */
  sessionFor(length: number, now: InstantMs): Uint8Array | undefined {
    const session = this.#session;
    if (session === undefined) return this.nextSession(now);
    const due =
      this.#elapsed(now) - session.startMs >= this.#options.sessionMs ||
      session.records >= SESSION_RECORDS_MAX ||
      session.bytes + length > SESSION_BYTES_MAX;
    return due ? this.nextSession(now) : undefined;
  }

  /** A session frame that nothing forces: it keeps an idle pipe alive. */
  nextSession(now: InstantMs): Uint8Array {
    const j = this.#lastJ + 1;
    const { key, body } = this.#options.keys.next(j);
    this.#retireSession();
    this.#lastJ = j;
    this.#sessionCount++;
    const startMs = this.#elapsed(now);
    this.#session = { j, key, startMs, records: 0, bytes: 0 };
    const header = { type: FRAME_SESSION, flags: FLAGS_SESSION, j, seq: 0 };
    const place = { offset: this.#offset, elapsedMs: startMs };
    return sealSession(this.#context, key, { ...header, ...place }, body);
  }

  /**
   * Plans a content record of `length` bytes; {@link sealed} must follow. `now` is that of
   * {@link sessionFor}, which came before.
   */
  plan(length: number, now: InstantMs): RecordPlan {
    const session = this.#session;
    if (session === undefined || this.#planned !== 0 || length > this.room() || length < 1)
      throw new PosternError("usage/wrong-state", "no record can be planned now");
    this.#planned = length;
    const header = {
      ...this.#recordHeader(session, FLAGS_CONTENT, now),
      length: length + AEAD_TAG_BYTES,
    };
    const aad = associatedData(header, this.#options.th, DIRECTION_FORWARD);
    return {
      header: aad.subarray(0, FRAME_HEADER_BYTES),
      key: session.key,
      nonce: frameNonce(FLAGS_CONTENT, header.seq),
      aad,
    };
  }

  /** The planned record is sealed: its tag. */
  sealed(tag: Uint8Array): void {
    const session = this.#session;
    if (session === undefined || this.#planned === 0)
      throw new PosternError("usage/wrong-state", "no record is planned");
    session.records++;
    session.bytes += this.#planned;
    this.#offset += this.#planned;
    this.#planned = 0;
    this.#tags.push(this.#offset, tag);
  }

  /** All content is sent: the last record, after a session frame when one is due. */
  last(now: InstantMs, statement: Uint8Array = NONE): readonly Uint8Array[] {
    if (this.#phase.kind !== "content" || this.#holdAt !== undefined)
      throw new PosternError("usage/wrong-state", "there is more content, or the last was said");
    const digest = this.#tags.digest();
    const body = new ByteWriter().u64(this.#offset).raw(digest).raw(statement).bytes();
    const frames = this.#closing(FLAGS_LAST, body, now);
    this.#phase = { kind: "expect-done", digest };
    return frames;
  }

  /** The sender gives up: a cancelled record, after a session frame when one is due. */
  cancelled(reason: number, now: InstantMs): readonly Uint8Array[] {
    // A last record says the opposite, and nothing may follow it.
    if (this.#phase.kind !== "content") return [];
    this.#planned = 0;
    const frames = this.#closing(FLAGS_CANCELLED, Uint8Array.of(reason), now);
    this.#phase = { kind: "ended" };
    return frames;
  }

  /** Frames go over another pipe from now on; {@link phase} says whether one is of any use. */
  newPipe(): void {
    const phase = this.#phase;
    if (phase.kind === "done" || phase.kind === "ended") return;
    this.#opener.newPipe();
    this.#planned = 0;
    this.#paused = false;
    const digest = phase.kind === "content" ? undefined : phase.digest;
    this.#phase = { kind: "expect-resend", digest };
  }

  /** What `done` says, said elsewhere: by a receipt (9), when the pipe broke before `done` came. */
  delivered(total: number, digest: Uint8Array): ReverseOutcome {
    const phase = this.#phase;
    if (phase.kind === "expect-resend" && phase.digest !== undefined)
      this.#phase = { kind: "expect-done", digest: phase.digest };
    return this.#done({ total, digest, statement: NONE });
  }

  /** One frame from the receiver: its 32-byte header and what followed. */
  reverse(headerBytes: Uint8Array, sealed: Uint8Array): ReverseOutcome {
    const header = decodeFrameHeader(headerBytes);
    if (header?.type !== FRAME_REVERSE) return broken("transfer/framing", "no reverse frame");
    const { seq } = this.#opener;
    try {
      const frame = this.#opener.open(header, sealed);
      const lost = this.#opener.seq - seq - 1;
      return this.#phase.kind === "expect-resend"
        ? this.#takeFirst(frame, this.#phase.digest, lost)
        : this.#take(frame);
    } catch (error) {
      if (!(error instanceof PosternError)) throw error;
      return error.code === "transfer/damaged" ? { kind: "broken", error } : this.#fail(error);
    }
  }

  wipe(): void {
    this.#retireSession();
  }

  /** The first frame on a new pipe. `lost`: frames before it that never came. */
  #takeFirst(frame: ReverseFrame, digest: Uint8Array | undefined, lost: number): ReverseOutcome {
    if (frame.kind === "resend") return this.#resend(frame.j, frame.offset, lost);
    if (frame.kind === "cancel") return this.#take(frame);
    const isWhole =
      frame.kind === "done" || (frame.kind === "progress" && frame.offset === this.#offset);
    if (digest === undefined || !isWhole)
      return broken("transfer/damaged", `${frame.kind} as the first word on a new pipe`);
    this.#phase = { kind: "expect-done", digest };
    return this.#take(frame);
  }

  #take(frame: ReverseFrame): ReverseOutcome {
    switch (frame.kind) {
      case "progress":
        return this.#progress(frame.offset);
      case "resend":
        return this.#resend(frame.j, frame.offset, 0);
      case "pause":
        this.#paused = true;
        return { kind: "paused" };
      case "continue":
        this.#paused = false;
        return { kind: "continued" };
      case "proceed":
        return this.#proceed();
      case "cancel":
        return this.#fail(endedByReceiver(frame.reason));
      case "done":
        return frame.statement.length === (this.#options.statementBytes ?? 0)
          ? this.#done(frame)
          : this.#fail(nonsense("a statement that nobody asked for, or none"));
      default:
        return unreachable(frame);
    }
  }

  #progress(offset: number): ReverseOutcome {
    if (offset > this.#offset) return this.#fail(nonsense("progress beyond what was sent"));
    this.#verify(offset);
    return { kind: "progress", offset: this.#verified };
  }

  /** Said again on every new pipe: the one before may have been lost. */
  #proceed(): ReverseOutcome {
    const { holdAt } = this.#options;
    if (holdAt === undefined || this.#offset < holdAt)
      return this.#fail(nonsense("proceed where nothing is held"));
    this.#holdAt = undefined;
    return { kind: "proceed" };
  }

  #resend(j: number, offset: number, lost: number): ReverseOutcome {
    const { kind } = this.#phase;
    if (kind !== "content" && kind !== "expect-done" && kind !== "expect-resend")
      return this.#fail(nonsense("resend after the end"));
    // Each frame that was lost with the old pipe may have been a `resend` that named a higher j.
    const jumps = 1 + Math.min(lost, DAMAGED_PER_TRANSFER_MAX);
    if (j > this.#lastJ + jumps * SESSIONS_UNDER_WAY_MAX)
      return this.#fail(nonsense("resend skips keys"));
    if (offset < this.#verified || !this.#tags.rewind(offset))
      return this.#fail(nonsense("resend from a place where no record ends"));
    if (++this.#damaged > damagesAllowed(offset))
      return this.#fail(new PosternError("transfer/damaged", "too many damaged records"));
    this.#offset = offset;
    this.#verify(offset);
    this.#retireSession();
    this.#lastJ = Math.max(this.#lastJ, j);
    this.#phase = { kind: "content" };
    return { kind: "resend", offset, damaged: this.#damaged };
  }

  #done({ total, digest, statement }: Omit<Done, "kind">): ReverseOutcome {
    if (this.#phase.kind !== "expect-done")
      return this.#fail(nonsense("done before the last record"));
    if (total !== this.#offset || !equalBytes(digest, this.#phase.digest))
      return this.#fail(
        new PosternError("transfer/digest-mismatch", "the receiver verified other content"),
      );
    this.#verify(total);
    this.#retireSession();
    this.#phase = { kind: "done" };
    return { kind: "done", total, digest, statement };
  }

  #verify(offset: number): void {
    // Lower ones are late: a `resend` says what is verified before all of it is written.
    this.#verified = Math.max(this.#verified, offset);
    this.#tags.verify(offset);
  }

  #closing(flags: number, body: Uint8Array, now: InstantMs): readonly Uint8Array[] {
    const due = this.sessionFor(0, now);
    const session = this.#session!;
    const header = this.#recordHeader(session, flags, now);
    const frame = sealFrame(this.#context, session.key, header, body);
    session.records++;
    return due === undefined ? [frame] : [due, frame];
  }

  #recordHeader(session: Session, flags: number, now: InstantMs) {
    const header = { type: FRAME_RECORD, flags, j: session.j, seq: session.records };
    return { ...header, offset: this.#offset, elapsedMs: this.#elapsed(now) };
  }

  #elapsed(now: InstantMs): number {
    const elapsedMs = Math.floor(now - this.#options.startedAt);
    if (elapsedMs >= 2 ** 32)
      throw new PosternError("transfer/session-expired", "the transfer has run for 49 days");
    return elapsedMs;
  }

  #retireSession(): void {
    wipe(this.#session?.key);
    this.#session = undefined;
  }

  #fail(error: PosternError): ReverseOutcome {
    this.#retireSession();
    this.#phase = { kind: "ended" };
    return { kind: "failed", error };
  }
}

const NONE = new Uint8Array(0);
