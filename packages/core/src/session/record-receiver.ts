/**
 * The receiver's machine (docs/protocol.md 8): judges each frame header before its bytes are read,
 * and each frame after. Content does not pass through it: the driver opens the record that
 * {@link RecordReceiver.frame} describes and says whether it held.
 *
 * ```text
 *                      session holds, j is the next, offset fits
 *   expect-session ────────────────────────────────────────────► records ──► last ──► ended
 *                                                                 │   ▲
 *       does not open, or is not the frame that must come: resend │   │ session holds, j is beyond
 *                                                                 ▼   │ the resend's, offset fits
 *                                                                skipping
 * ```
 *
 * A new pipe (8.1) is damage as well: {@link RecordReceiver.newPipe} says from where to go on.
 *
 * The j of a `resend` is chosen beyond every key that can be under way, so that the first session
 * beyond it is the answer to that `resend` and nothing else. Session frames are authenticated while
 * skipping too: the answer itself may be the damaged one.
 *
 * Invariants: a header's claims decide nothing for good until the frame has opened; a record is
 * taken only at its place, under the newest key, and while that key lives. Nothing the sender sends
 * makes a method throw.
 *
 * @module
 */
import { equalBytes, wipe } from "../bytes/equal.ts";
import { ByteReader, ifWellFormed } from "../bytes/reader.ts";
import { concat } from "../bytes/writer.ts";
import { AEAD_TAG_BYTES, HASH_BYTES, type Sha256Stream } from "../crypto/suite.ts";
import { PosternError, type ErrorCode } from "../errors.ts";
import {
  DAMAGED_PER_SESSION_MAX,
  RECORD_BYTES_MAX,
  SESSION_ARRIVAL_MS_MAX,
  SESSION_BYTES_MAX,
  SESSION_GRACE_MS,
  SESSION_RECORDS_MAX,
  SESSIONS_UNDER_WAY_MAX,
  UNVERIFIED_BYTES_MAX,
} from "../limits.ts";
import { after, type InstantMs } from "../time.ts";
import { damagesAllowed } from "./damages-allowed.ts";
import { endedBySender } from "./end-reasons.ts";
import {
  associatedData,
  decodeFrameHeader,
  DIRECTION_FORWARD,
  FLAGS_CANCELLED,
  FLAGS_CONTENT,
  FLAGS_LAST,
  FRAME_RECORD,
  FRAME_SESSION,
  frameNonce,
  LAST_BYTES,
  type FrameHeader,
} from "./record-header.ts";
import { openFrame, sessionHolds, type FrameContext, type RecordSuite } from "./record-seal.ts";
import { ReverseSealer, type ReverseFrame } from "./reverse-frame.ts";

export interface RecordReceiverOptions {
  readonly suite: RecordSuite;
  readonly th: Uint8Array;
  /** The caller wipes it. */
  readonly reverseKey: Uint8Array;
  /** Length of the profile's session bodies. */
  readonly bodyBytes: number;
  readonly sessionMs: number;
  readonly fromOffset: number;
  /** Beyond `fromOffset`: nothing that lies behind it is taken before `proceed` was said. */
  readonly holdAt?: number | undefined;
  /** The announced length of the content; `undefined` when it was not announced. */
  readonly size: number | undefined;
  /** Length of the sender's statement in the last record; 0 when absent. */
  readonly statementBytes?: number | undefined;
}

/** What the bytes after a header are. All but `failed` are followed by `length` bytes. */
export type Incoming =
  /** Ask the key sink for session key j, then call {@link RecordReceiver.session}. */
  | { readonly kind: "session"; readonly length: number; readonly j: number }
  /** Open them with these; then call {@link RecordReceiver.content}. Not to be kept. */
  | {
      readonly kind: "content";
      readonly length: number;
      readonly key: Uint8Array;
      readonly nonce: Uint8Array;
      readonly aad: Uint8Array;
    }
  /** Call {@link RecordReceiver.end}. */
  | { readonly kind: "end"; readonly length: number }
  /** Read them and drop them; a `resend` goes to the sender first. */
  | { readonly kind: "skip"; readonly length: number; readonly resend?: Resend }
  | Failed;

export type Outcome =
  /** A new session key, the `count`th, from `offset` on. */
  | { readonly kind: "session"; readonly count: number; readonly offset: number }
  /** The opened bytes belong at `offset`. */
  | { readonly kind: "accepted"; readonly offset: number }
  | Resend
  | { readonly kind: "skipped" }
  /** The sender's last word, and it is right: everything is verified. */
  | {
      readonly kind: "complete";
      readonly total: number;
      readonly digest: Uint8Array;
      /** As the sender sealed it. */
      readonly statement: Uint8Array;
    }
  | Failed;

export interface Resend {
  readonly kind: "resend";
  /** To send now: the whole reverse frame, and on a new pipe a `proceed` that was said before. */
  readonly frame: Uint8Array;
  readonly offset: number;
  readonly damaged: number;
}

export interface Failed {
  readonly kind: "failed";
  readonly error: PosternError;
}

interface Session {
  readonly j: number;
  readonly key: Uint8Array;
  readonly startMs: number;
  readonly arrivedAt: InstantMs;
  seq: number;
  bytes: number;
}

export class RecordReceiver {
  readonly #options: RecordReceiverOptions;
  readonly #context: FrameContext;
  readonly #sealer: ReverseSealer;
  readonly #digest: Sha256Stream;
  /** The frame whose bytes are on their way. */
  #pending: { readonly header: FrameHeader; readonly at: InstantMs } | undefined;
  #session: Session | undefined;
  /** The j beyond which the answer to the `resend` lies; `undefined` when nothing is skipped. */
  #skipTo: number | undefined;
  #lastJ = 0;
  #sessionCount = 0;
  #verified: number;
  #holdAt: number | undefined;
  #skipped = 0;
  #damaged = 0;
  #damagedHere = 0;

  constructor(options: RecordReceiverOptions) {
    const { suite, th, reverseKey } = options;
    this.#options = options;
    this.#context = { suite, th, direction: DIRECTION_FORWARD };
    this.#sealer = new ReverseSealer(suite, th, reverseKey);
    this.#digest = suite.sha256Stream();
    this.#verified = options.fromOffset;
    this.#holdAt = options.holdAt;
  }

  get verified(): number {
    return this.#verified;
  }

  get damaged(): number {
    return this.#damaged;
  }

  /** Everything up to `holdAt` is there: the sender waits for `proceed`. */
  get held(): boolean {
    return this.#verified === this.#holdAt;
  }

  /** Session keys so far. */
  get sessionCount(): number {
    return this.#sessionCount;
  }

  /** When the session key in use came, by this side's clock. */
  get sessionAt(): InstantMs | undefined {
    return this.#session?.arrivedAt;
  }

  /** Judges the 32 bytes of a header that arrived at `now`. */
  frame(headerBytes: Uint8Array, now: InstantMs): Incoming {
    const header = decodeFrameHeader(headerBytes);
    if (header === undefined || !this.#fitsProfile(header))
      return failed("transfer/framing", "no frame header");
    this.#pending = { header, at: now };
    if (header.type === FRAME_SESSION) return this.#sessionHeader(header);
    if (this.#skipTo !== undefined) return this.#skip(header);
    const session = this.#session;
    if (session === undefined || !this.#isNext(session, header)) return this.#skipDamaged(header);
    if (now > after(session.arrivedAt, SESSION_ARRIVAL_MS_MAX))
      return failed("transfer/session-expired", "a session key is older than any may be");
    if (header.flags !== FLAGS_CONTENT) return { kind: "end", length: header.length };
    return {
      kind: "content",
      length: header.length,
      key: session.key,
      nonce: frameNonce(header.flags, header.seq),
      aad: associatedData(header, this.#options.th, DIRECTION_FORWARD),
    };
  }

  /** The session frame came whole: body and tag; `key` is what the body gave, now the machine's. */
  session(frame: Uint8Array, key: Uint8Array | undefined): Outcome {
    const { header, at } = this.#take();
    if (key === undefined || !sessionHolds(this.#context, key, header, frame)) {
      wipe(key);
      return this.#resend();
    }
    this.#lastJ = header.j;
    const answers = this.#skipTo === undefined || header.j > this.#skipTo;
    if (!answers || header.offset !== this.#verified) {
      wipe(key);
      // While skipping it is one that was under way; else frames before it were lost.
      return this.#skipTo === undefined ? this.#resend() : { kind: "skipped" };
    }
    this.#retireSession();
    this.#skipTo = undefined;
    const { j, elapsedMs } = header;
    this.#session = { j, key, startMs: elapsedMs, arrivedAt: at, seq: 0, bytes: 0 };
    this.#sessionCount++;
    return { kind: "session", count: this.#sessionCount, offset: this.#verified };
  }

  /** A content record came whole. `tag`: its last 16 bytes; `opened`: whether the tag held. */
  content(opened: boolean, tag: Uint8Array): Outcome {
    const { header } = this.#take();
    const session = this.#session;
    if (!opened || session === undefined) return this.#resend();
    const expired = this.#expired(session, header);
    if (expired !== undefined) return expired;
    const offset = this.#verified;
    const length = header.length - AEAD_TAG_BYTES;
    if (offset + length > (this.#options.size ?? Number.MAX_SAFE_INTEGER))
      return failed("transfer/invalid", "more content than announced");
    if (offset + length > (this.#holdAt ?? Infinity))
      return failed("peer/unexpected-frame", "content that nobody has agreed to");
    if (session.bytes + length > SESSION_BYTES_MAX)
      return failed("transfer/session-expired", "too many bytes under one session key");
    session.seq++;
    session.bytes += length;
    this.#verified += length;
    this.#damagedHere = 0;
    this.#digest.update(tag);
    return { kind: "accepted", offset };
  }

  /** A last or a cancelled record came whole. */
  end(sealed: Uint8Array): Outcome {
    const { header } = this.#take();
    const session = this.#session;
    if (session === undefined) return this.#resend();
    const body = openFrame(this.#context, session.key, header, sealed);
    if (body === undefined) return this.#resend();
    const expired = this.#expired(session, header);
    this.#retireSession();
    if (expired !== undefined) return expired;
    if (header.flags === FLAGS_CANCELLED)
      return { kind: "failed", error: endedBySender(body[0] ?? 0) };
    if (this.#holdAt !== undefined)
      return failed("peer/unexpected-frame", "the end of what nobody has agreed to");
    return this.#complete(new ByteReader(body));
  }

  /**
   * Frames come over another pipe from now on. The `resend` is the first word on it; counts as a
   * damage. Not after `complete`: then `progress` and `done` say so. A `proceed` that was said is
   * said again.
   */
  newPipe(): Resend | Failed {
    this.#pending = undefined;
    const resend = this.#resend();
    const isAgreed = this.#options.holdAt !== undefined && this.#holdAt === undefined;
    if (resend.kind === "failed" || !isAgreed) return resend;
    return { ...resend, frame: concat(resend.frame, this.#sealer.seal({ kind: "proceed" })) };
  }

  /** A whole reverse frame; `resend` frames come from the machine itself. */
  reverse(frame: Exclude<ReverseFrame, { readonly kind: "resend" }>): Uint8Array {
    if (frame.kind === "proceed") {
      if (!this.held) throw new PosternError("usage/wrong-state", "nothing waits for `proceed`");
      this.#holdAt = undefined;
    }
    return this.#sealer.seal(frame);
  }

  wipe(): void {
    this.#retireSession();
  }

  #fitsProfile(header: FrameHeader): boolean {
    const { bodyBytes, statementBytes = 0 } = this.#options;
    const plain = header.length - AEAD_TAG_BYTES;
    if (header.type === FRAME_SESSION) return plain === bodyBytes;
    if (header.type !== FRAME_RECORD) return false;
    return header.flags !== FLAGS_LAST || plain === LAST_BYTES + statementBytes;
  }

  #sessionHeader(header: FrameHeader): Incoming {
    const { j, length } = header;
    const jMax = this.#skipTo === undefined ? this.#lastJ + 1 : this.#skipTo + 1;
    // Keys may be renewed between the answer to a resend and its damage: some lie beyond it.
    const slack = this.#skipTo === undefined ? 0 : SESSIONS_UNDER_WAY_MAX;
    if (j <= this.#lastJ || j > jMax + slack || header.seq !== 0) return this.#skipDamaged(header);
    return { kind: "session", length, j };
  }

  #isNext(session: Session, header: FrameHeader): boolean {
    const { j, seq, offset } = header;
    return j === session.j && seq === session.seq && offset === this.#verified;
  }

  #skip(header: FrameHeader): Incoming {
    this.#skipped += header.length - AEAD_TAG_BYTES;
    if (this.#skipped > UNVERIFIED_BYTES_MAX + RECORD_BYTES_MAX)
      return failed("transfer/damaged", "the sender does not go on from where it was asked to");
    return { kind: "skip", length: header.length };
  }

  /** A frame that cannot be the next one: nothing to open, its bytes are dropped. */
  #skipDamaged(header: FrameHeader): Incoming {
    const resend = this.#resend();
    if (resend.kind === "failed") return resend;
    return { kind: "skip", length: header.length, resend };
  }

  #resend(): Resend | Failed {
    this.#damaged++;
    this.#damagedHere++;
    const isTooMuch = this.#damaged > damagesAllowed(this.#verified);
    if (isTooMuch || this.#damagedHere > DAMAGED_PER_SESSION_MAX)
      return failed("transfer/damaged", "too many damaged records");
    this.#retireSession();
    this.#skipped = 0;
    this.#skipTo = Math.max(this.#lastJ, this.#skipTo ?? 0) + SESSIONS_UNDER_WAY_MAX;
    const offset = this.#verified;
    const frame = this.#sealer.seal({ kind: "resend", j: this.#skipTo, offset });
    return { kind: "resend", frame, offset, damaged: this.#damaged };
  }

  /** By the sender's clock, and by count; the frame has opened, so its words are the sender's. */
  #expired(session: Session, header: FrameHeader): Failed | undefined {
    const ageMs = header.elapsedMs - session.startMs;
    if (ageMs < 0 || ageMs > this.#options.sessionMs + SESSION_GRACE_MS)
      return failed("transfer/session-expired", "a record came under an expired session key");
    if (header.seq >= SESSION_RECORDS_MAX)
      return failed("transfer/session-expired", "too many records under one session key");
    return undefined;
  }

  #complete(reader: ByteReader): Outcome {
    const total = ifWellFormed(() => reader.u64("last.total"));
    if (total === undefined) return failed("peer/malformed", "total is out of range");
    if (total !== this.#verified) return failed("peer/malformed", "total is not the last offset");
    if (total !== (this.#options.size ?? total))
      return failed("transfer/invalid", "less content than announced");
    const digest = this.#digest.digest();
    if (!equalBytes(digest, reader.take(HASH_BYTES, "last.digest")))
      return failed("transfer/digest-mismatch", "the sender sent other records");
    return { kind: "complete", total, digest, statement: reader.rest().slice() };
  }

  #take(): { readonly header: FrameHeader; readonly at: InstantMs } {
    const pending = this.#pending;
    this.#pending = undefined;
    if (pending === undefined)
      throw new PosternError("usage/wrong-state", "no frame header came before");
    return pending;
  }

  #retireSession(): void {
    wipe(this.#session?.key);
    this.#session = undefined;
  }
}

function failed(code: ErrorCode, message: string): Failed {
  return { kind: "failed", error: new PosternError(code, message) };
}
