/**
 * Both machines of the records in one process, with a wire between them that a test may tamper
 * with. No clock but `now`, no chance: session keys are counted.
 *
 * @module
 */
import { concat, utf8 } from "@postern/core/bytes";
import { nobleSuite as suite } from "@postern/core/crypto/noble";
import { PosternError } from "@postern/core/errors";
import {
  decodeFrameHeader,
  RecordReceiver,
  RecordSender,
  type Incoming,
  type Outcome,
} from "@postern/core/session";
import type { InstantMs } from "@postern/core/time";

export const TH = suite.sha256(utf8("transcript"));
export const REVERSE_KEY = suite.sha256(utf8("reverse"));
const WRAP_KEY = suite.sha256(utf8("wrap"));
const HEADER_BYTES = 32;
const TAG_BYTES = 16;
export const BODY_BYTES = 48;

/**
 * Returns the frames that arrive instead of this one, the `index`th of the sender's; `cut`: the
 * pipe breaks here, with all that is under way in both directions.
 */
export type Tamper = (frame: Uint8Array, index: number) => readonly Uint8Array[] | "cut";

export interface LabOptions {
  readonly content: Uint8Array;
  readonly recordBytes: number;
  readonly tamper?: Tamper;
  readonly sessionMs?: number;
  readonly fromOffset?: number;
  readonly size?: number | undefined;
  /** Where the sender waits for `proceed`, and for how many turns the receiver lets it. */
  readonly holdAt?: number | undefined;
  readonly heldTurns?: number;
  /** The sender does not wait. */
  readonly isImpatient?: boolean;
  /** Frames that the sender is ahead before reverse frames reach it. */
  readonly ahead?: number;
  /** Time that passes for each frame of the sender. */
  readonly frameMs?: number;
  /** Broken framing or a cut leads to another pipe, up to so many; 1 when absent. */
  readonly pipes?: number;
  /** The receiver's statement is the sender's, said again backwards. */
  readonly statement?: Uint8Array;
  /** As `tamper`, for the receiver's frames. */
  readonly tamperReverse?: Tamper;
}

export function wrapKey(j: number): { readonly key: Uint8Array; readonly body: Uint8Array } {
  const key = suite.sha256(utf8(`session ${j}`));
  return { key: key.slice(), body: suite.seal(WRAP_KEY, wrapNonce(j), TH, key) };
}

export function unwrapKey(j: number, body: Uint8Array): Uint8Array | undefined {
  return suite.open(WRAP_KEY, wrapNonce(j), TH, body);
}

export class RecordLab {
  readonly sender: RecordSender;
  readonly receiver: RecordReceiver;
  readonly received: number[];
  now = 0 as InstantMs;
  /** How the receiver ended. */
  complete = false;
  error: PosternError | undefined;
  senderError: PosternError | undefined;
  /** What the receiver said of a signed transfer. */
  heard: Uint8Array | undefined;
  /** Every key and nonce that the sender planned, and what for. */
  readonly planned = new Map<string, string>();
  /** Pipes used. */
  pipes = 1;
  readonly #options: LabOptions;
  #forward: Uint8Array[] = [];
  #reverse: Uint8Array[] = [];
  #heldTurns: number;
  #frames = 0;
  #reverseFrames = 0;
  #done: Uint8Array | undefined;

  constructor(options: LabOptions) {
    this.#options = options;
    const { sessionMs = 5_000, fromOffset = 0, content, holdAt, heldTurns = 0 } = options;
    const common = { suite, th: TH, reverseKey: REVERSE_KEY, sessionMs, fromOffset, holdAt };
    const statementBytes = options.statement?.length;
    this.#heldTurns = heldTurns;
    const keys = { next: wrapKey, wipe: () => undefined };
    const size = "size" in options ? options.size : content.length;
    const waits = options.isImpatient === true ? { holdAt: undefined } : {};
    this.sender = new RecordSender({
      ...common,
      ...waits,
      statementBytes,
      keys,
      startedAt: this.now,
    });
    this.receiver = new RecordReceiver({ ...common, bodyBytes: BODY_BYTES, statementBytes, size });
    this.received = [...content.subarray(0, fromOffset)];
  }

  /** Runs until both have ended or nothing moves any more. */
  run(): this {
    const ahead = this.#options.ahead ?? 1;
    for (let turn = 0; turn < 10_000 && !this.#over(); turn++) {
      let moved = false;
      for (let sent = 0; sent < ahead && this.#send(); sent++) moved = true;
      moved = this.#deliver() || moved;
      moved = this.#consent() || moved;
      moved = this.#answer() || moved;
      if (!moved) break;
    }
    return this;
  }

  /** Puts a frame of the test's own on the wire, as the sender's next. */
  put(...frames: readonly Uint8Array[]): void {
    for (const frame of frames) {
      const index = this.#frames++;
      const tampered = this.#options.tamper?.(frame, index) ?? [frame];
      if (tampered === "cut") return this.#cut();
      this.#forward.push(...tampered.map((each) => each.slice()));
    }
  }

  /** What is under way is lost, and both ends go on over another pipe; false when there is none. */
  newPipe(): boolean {
    if (this.pipes >= (this.#options.pipes ?? 1)) return false;
    this.pipes++;
    this.#forward = [];
    this.#reverse = [];
    this.sender.newPipe();
    if (this.#done !== undefined) this.#reverse.push(this.#done);
    else this.#note(this.receiver.newPipe());
    return true;
  }

  /** A driver that has no other pipe fails the transfer. */
  #cut(): void {
    if (!this.newPipe()) this.error = new PosternError("transfer/truncated", "the last pipe ended");
  }

  /** Seals the next content record; what the driver does. */
  record(plaintext: Uint8Array): readonly Uint8Array[] {
    const session = this.sender.sessionFor(plaintext.length, this.now);
    const plan = this.sender.plan(plaintext.length, this.now);
    const use = `${plan.key.join()}|${plan.nonce.join()}`;
    const before = this.planned.get(use);
    if (before !== undefined) throw new Error(`key and nonce used twice: ${before}`);
    this.planned.set(use, `offset ${this.sender.offset}`);
    const sealed = suite.seal(plan.key, plan.nonce, plan.aad, plaintext);
    this.sender.sealed(sealed.subarray(-TAG_BYTES));
    const frame = concat(plan.header, sealed);
    return session === undefined ? [frame] : [session, frame];
  }

  /** Hands one whole frame to the receiver. */
  arrive(frame: Uint8Array): Incoming | Outcome {
    const incoming = this.receiver.frame(frame.subarray(0, HEADER_BYTES), this.now);
    if (incoming.kind === "failed") return this.#note(incoming);
    const rest = frame.subarray(HEADER_BYTES);
    if (incoming.kind === "skip") {
      if (incoming.resend !== undefined) this.#reverse.push(incoming.resend.frame);
      return incoming;
    }
    return this.#note(this.#judge(incoming, rest));
  }

  #judge(
    incoming: Exclude<Incoming, { readonly kind: "failed" | "skip" }>,
    rest: Uint8Array,
  ): Outcome {
    if (incoming.kind === "session")
      return this.receiver.session(rest, unwrapKey(incoming.j, rest.subarray(0, -TAG_BYTES)));
    if (incoming.kind === "end") return this.receiver.end(rest);
    const opened = suite.open(incoming.key, incoming.nonce, incoming.aad, rest);
    const outcome = this.receiver.content(opened !== undefined, rest.subarray(-TAG_BYTES));
    if (outcome.kind === "accepted") this.#accept(outcome.offset, opened);
    return outcome;
  }

  #accept(offset: number, opened: Uint8Array | undefined): void {
    if (opened === undefined || offset !== this.received.length)
      throw new Error("accepted out of place");
    this.received.push(...opened);
    const progress = { kind: "progress", offset: this.received.length } as const;
    this.#reverse.push(this.receiver.reverse(progress));
  }

  #note(outcome: Incoming | Outcome): Incoming | Outcome {
    if (outcome.kind === "failed") {
      if (outcome.error.code === "transfer/framing" && this.newPipe()) return outcome;
      this.error = outcome.error;
    }
    if (outcome.kind === "resend") this.#reverse.push(...framesIn(outcome.frame));
    if (outcome.kind === "complete") {
      this.complete = true;
      const { total, digest } = outcome;
      const statement = outcome.statement.toReversed();
      this.#done = this.receiver.reverse({ kind: "done", total, digest, statement });
      this.#reverse.push(this.#done);
    }
    return outcome;
  }

  #consent(): boolean {
    if (!this.receiver.held || this.error !== undefined) return false;
    if (this.#heldTurns-- <= 0) this.#reverse.push(this.receiver.reverse({ kind: "proceed" }));
    return true;
  }

  #send(): boolean {
    if (this.sender.phase !== "content" || this.sender.held) return false;
    this.now = (this.now + (this.#options.frameMs ?? 1)) as InstantMs;
    const { content, recordBytes } = this.#options;
    const { offset } = this.sender;
    const length = Math.min(recordBytes, this.sender.room());
    const plaintext = content.subarray(offset, offset + length);
    const { statement } = this.#options;
    const isLast = plaintext.length === 0;
    this.put(...(isLast ? this.sender.last(this.now, statement) : this.record(plaintext)));
    return true;
  }

  #deliver(): boolean {
    const { pipes } = this;
    const frames = this.#forward.splice(0);
    for (const frame of frames) {
      if (this.complete || this.error !== undefined || this.pipes !== pipes) break;
      this.arrive(frame);
    }
    return frames.length > 0;
  }

  #answer(): boolean {
    const frames = this.#reverse.splice(0);
    for (const frame of frames) {
      const arriving = this.#options.tamperReverse?.(frame, this.#reverseFrames++) ?? [frame];
      if (arriving === "cut") {
        this.#cut();
        return true;
      }
      for (const each of arriving) if (!this.#hear(each)) return true;
    }
    return frames.length > 0;
  }

  /** False when what else came with it is lost. */
  #hear(frame: Uint8Array): boolean {
    if (this.senderError !== undefined) return false;
    const rest = frame.subarray(HEADER_BYTES);
    const outcome = this.sender.reverse(frame.subarray(0, HEADER_BYTES), rest);
    if (outcome.kind === "broken" && this.newPipe()) return false;
    if (outcome.kind === "done") this.heard = outcome.statement;
    if (outcome.kind === "failed" || outcome.kind === "broken") this.senderError = outcome.error;
    return true;
  }

  #over(): boolean {
    const { phase } = this.sender;
    return phase === "done" || phase === "ended" || this.error !== undefined;
  }
}

function framesIn(bytes: Uint8Array): readonly Uint8Array[] {
  const frames: Uint8Array[] = [];
  for (let rest = bytes; rest.length > 0;) {
    const end = HEADER_BYTES + (decodeFrameHeader(rest)?.length ?? 0);
    frames.push(rest.subarray(0, end));
    rest = rest.subarray(end);
  }
  return frames;
}

/** A copy with one bit turned. */
export function flip(frame: Uint8Array, bit: number): Uint8Array {
  const copy = frame.slice();
  copy[bit >> 3]! ^= 1 << (bit & 7);
  return copy;
}

/** Bytes that differ everywhere. */
export function counted(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 7 + (i >> 8)) & 0xff);
}

function wrapNonce(j: number): Uint8Array {
  const nonce = new Uint8Array(12);
  new DataView(nonce.buffer).setUint32(8, j);
  return nonce;
}
