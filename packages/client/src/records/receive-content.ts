/**
 * The receiver's pump (docs/protocol.md 8): pipe -> open -> file. The machine of `@postern/core`
 * decides; this drives it and moves the bytes. A pipe that breaks is replaced (8.1): whatever was
 * verified stays, and the next pipe begins with the place to go on from.
 *
 * Invariants: bytes reach the sink only after their record has opened, in order, once. `done` is
 * sent only after the sink has committed. Whatever happens the keys are wiped and every pipe is
 * ended; a failure abandons the sink.
 *
 * @module
 */
import { type PosternError, unreachable } from "@postern/core/errors";
import {
  PAUSE_AFTER_MS,
  PING_INTERVAL_MS,
  PIPES_PER_TRANSFER_MAX,
  PROGRESS_EVERY_MS,
  RECORD_BYTES_MAX,
  RECORD_BYTES_START,
} from "@postern/core/limits";
import {
  FRAME_HEADER_BYTES,
  ProgressPlan,
  receiverReason,
  RecordReceiver,
  type Incoming,
  type Outcome,
  type Resend,
} from "@postern/core/session";
import { after, type InstantMs } from "@postern/core/time";
import { abortReason } from "./abort-reason.ts";
import { Alarm } from "./alarm.ts";
import { cutOff, isBroken } from "./broken-pipe.ts";
import type { BytePipe } from "./byte-pipe.ts";
import { closePipe } from "./close-pipe.ts";
import { FrameReader } from "./frame-reader.ts";
import { IdleWatch } from "./idle-watch.ts";
import { LastBytes } from "./last-bytes.ts";
import type { ReceiveRecordsOptions, RecordsResult } from "./options.ts";
import { Patience } from "./patience.ts";
import { nextPipe } from "./pipe-supply.ts";
import { ProgressEvents } from "./progress-events.ts";
import { storeError, WriteBehind } from "./write-behind.ts";

/**
 * Receives records into `sink`; commits, tells the sender `done`, resolves.
 *
 * @throws {@link PosternError} `signal.reason`, or what the sink, the pipe or the peer did.
 */
export async function receiveRecords(options: ReceiveRecordsOptions): Promise<RecordsResult> {
  return new ReceivePump(options).run();
}

const TAG_BYTES = 16;
const NONE = new Uint8Array(0);

type Complete = Extract<Outcome, { readonly kind: "complete" }>;
type Content = Extract<Incoming, { readonly kind: "content" }>;

class ReceivePump {
  readonly #options: ReceiveRecordsOptions;
  readonly #receiver: RecordReceiver;
  readonly #writes: WriteBehind;
  readonly #plan: ProgressPlan;
  readonly #events: ProgressEvents;
  readonly #unreported: Alarm;
  readonly #keepAlive: Alarm;
  readonly #lastBytes: LastBytes;
  readonly #header = new Uint8Array(FRAME_HEADER_BYTES);
  #pipe: BytePipe;
  #reader: FrameReader;
  #pipes = 1;
  /** The pipe in use has ended, seen while nothing is read. */
  #isCut = false;
  #onCut: (() => void) | undefined;
  /** The sealed `done`: the same bytes on every pipe that still asks for it. */
  #done: Uint8Array | undefined;
  #isOver = false;
  #space = new Uint8Array(RECORD_BYTES_START + TAG_BYTES);
  #written: number;
  readonly #idle = new IdleWatch();
  /** For a person, or until what has come whole is stored. */
  #waitsHere = false;
  readonly #patience = new Patience((kind) => this.#say(kind));
  /** Time this side spent waiting for its own sink: nobody's key grows old by that. */
  #stalledMs = 0;
  #told = false;
  #failure: PosternError | undefined;
  readonly #failed = Promise.withResolvers<never>();

  constructor(options: ReceiveRecordsOptions) {
    const { clock, fromOffset, keys, pipe, signing, size, sink } = options;
    this.#options = options;
    this.#pipe = pipe;
    this.#reader = this.#listenTo(pipe);
    this.#failed.promise.catch(() => undefined);
    const { bodyBytes } = keys;
    const { statementBytes } = signing ?? {};
    this.#receiver = new RecordReceiver({ ...options, bodyBytes, statementBytes });
    this.#written = fromOffset;
    this.#plan = new ProgressPlan(fromOffset);
    this.#events = new ProgressEvents(options.onEvent, size);
    this.#unreported = new Alarm(clock, () => this.#report());
    this.#keepAlive = new Alarm(clock, () => this.#stayAlive());
    this.#lastBytes = new LastBytes(clock, (reason) => this.#fail(reason));
    this.#writes = new WriteBehind(
      sink,
      (bytes, offset) => this.#onWritten(bytes, offset),
      (error) => this.#fail(error),
    );
  }

  async run(): Promise<RecordsResult> {
    const { clock, keys, signal, signing, sink } = this.#options;
    const onAbort = () => this.#onAbort(abortReason(signal));
    signal.addEventListener("abort", onAbort);
    if (signal.aborted) onAbort();
    this.#keepAlive.arm(PING_INTERVAL_MS);
    try {
      const { total, digest, statement: said } = await this.#receive();
      this.#waitsHere = true;
      const forged = signing?.judge(said);
      if (forged !== undefined) throw forged;
      void this.#attend(total);
      await this.#commit(total);
      const statement = signing?.say() ?? NONE;
      this.#done = this.#receiver.reverse({ kind: "done", total, digest, statement });
      this.#pipe.write([this.#done]);
      const { sessionCount: sessionKeys, damaged: resends } = this.#receiver;
      return { total, digest, sessionKeys, resends, pipes: this.#pipes };
    } catch (error) {
      // A failure that came from elsewhere shows here as the read it has ended.
      this.#fail(error);
      await this.#writes.idle();
      await sink.abandon();
      throw this.#failure;
    } finally {
      signal.removeEventListener("abort", onAbort);
      this.#unreported.cancel();
      this.#keepAlive.cancel();
      this.#lastBytes.cancel();
      this.#receiver.wipe();
      keys.wipe();
      this.#isOver = true;
      this.#reader.stop();
      await closePipe(this.#pipe, clock);
    }
  }

  async #receive(): Promise<Complete> {
    for (;;) {
      this.#check();
      try {
        const outcome = await this.#receiveFrame();
        if (outcome.kind !== "complete") continue;
        // Nobody is there to be told; whole as it is, it is gone on with.
        this.#lastBytes.check();
        return outcome;
      } catch (error) {
        await this.#renew(error);
      }
    }
  }

  async #receiveFrame(): Promise<Outcome> {
    if ((await this.#reader.header(this.#header)) < FRAME_HEADER_BYTES) throw cutOff();
    const incoming = this.#receiver.frame(this.#header, this.#now());
    if (incoming.kind === "failed") throw incoming.error;
    if (incoming.kind === "skip" && incoming.resend !== undefined) this.#onResend(incoming.resend);
    const frame = await this.#readBody(incoming.length);
    return incoming.kind === "skip" ? { kind: "skipped" } : this.#judge(incoming, frame);
  }

  /** Goes on over another pipe. @throws `cause`, when it is no broken pipe or there is no other. */
  async #renew(cause: unknown): Promise<void> {
    const { pipes } = this.#options;
    this.#lastBytes.check();
    if (this.#failure !== undefined || pipes === undefined || !isBroken(cause)) throw cause;
    while (this.#pipes < PIPES_PER_TRANSFER_MAX) {
      this.#pipe.destroy();
      this.#pipes++;
      const pipe = await nextPipe(pipes, cause, () => this.#failure, this.#failed.promise);
      if (pipe === undefined) continue;
      this.#use(pipe);
      const resend = this.#receiver.newPipe();
      if (resend.kind === "failed") throw resend.error;
      this.#options.onEvent({ type: "new-pipe", count: this.#pipes });
      this.#onResend(resend);
      return this.#patience.newPipe();
    }
    throw cause;
  }

  #use(pipe: BytePipe): void {
    this.#pipe.destroy();
    this.#reader.stop();
    this.#pipe = pipe;
    this.#reader = this.#listenTo(pipe);
  }

  #listenTo(pipe: BytePipe): FrameReader {
    this.#isCut = false;
    void pipe.closed.then(() => {
      if (pipe !== this.#pipe) return;
      this.#isCut = true;
      this.#onCut?.();
    });
    return new FrameReader(pipe, this.#options.clock);
  }

  /**
   * Everything has come. A sender that cannot hear so, because its pipe broke, opens another: it
   * is told there, also when this side has nothing else to do any more.
   */
  async #attend(total: number): Promise<void> {
    const { clock, pipes } = this.#options;
    if (pipes === undefined) return;
    while (this.#pipes < PIPES_PER_TRANSFER_MAX) {
      const pipe = await pipes.next().catch(() => undefined);
      this.#pipes++;
      if (pipe === undefined) continue;
      if (this.#failure !== undefined) return pipe.destroy();
      this.#use(pipe);
      pipe.write([this.#done ?? this.#receiver.reverse({ kind: "progress", offset: total })]);
      if (this.#isOver) {
        this.#reader.stop();
        void closePipe(pipe, clock);
      } else this.#options.onEvent({ type: "new-pipe", count: this.#pipes });
    }
  }

  async #judge(
    incoming: Exclude<Incoming, { readonly kind: "failed" | "skip" }>,
    frame: Uint8Array,
  ): Promise<Outcome> {
    switch (incoming.kind) {
      case "content":
        return this.#onContent(incoming, frame);
      case "end":
        return this.#onOutcome(this.#receiver.end(frame));
      case "session": {
        const body = frame.subarray(0, frame.length - TAG_BYTES);
        const key = await this.#options.keys.open(incoming.j, body);
        const outcome = this.#onOutcome(this.#receiver.session(frame, key));
        if (outcome.kind === "session") this.#options.keys.retire(incoming.j);
        return outcome;
      }
      default:
        return unreachable(incoming);
    }
  }

  async #onContent(incoming: Content, frame: Uint8Array): Promise<Outcome> {
    const { key, nonce, aad } = incoming;
    const plaintext = this.#options.cipher.open(key, nonce, aad, frame);
    const tag = frame.subarray(frame.length - TAG_BYTES);
    const outcome = this.#onOutcome(this.#receiver.content(plaintext !== undefined, tag));
    if (outcome.kind === "accepted" && plaintext !== undefined) {
      this.#options.signing?.update(plaintext, outcome.offset);
      this.#writes.push(plaintext, outcome.offset);
      if (this.#receiver.held) void this.#askConsent();
      if (this.#writes.full) await this.#waitForSink();
    }
    return outcome;
  }

  /** Frames are read meanwhile: a person may take minutes, and the pipe has to live. */
  async #askConsent(): Promise<void> {
    this.#waitsHere = true;
    try {
      await this.#writes.idle();
      if (this.#failure !== undefined) return;
      await this.#options.sink.consent?.();
      this.#waitsHere = false;
      if (this.#failure !== undefined) return;
      this.#pipe.write([this.#receiver.reverse({ kind: "proceed" })]);
    } catch (error) {
      this.#fail(error);
    }
  }

  #onOutcome(outcome: Outcome): Outcome {
    if (outcome.kind === "failed") throw outcome.error;
    if (outcome.kind === "resend") this.#onResend(outcome);
    if (outcome.kind === "session")
      this.#options.onEvent({
        type: "session-key",
        number: outcome.count,
        atOffset: outcome.offset,
      });
    return outcome;
  }

  #onResend(resend: Resend): void {
    this.#pipe.write([resend.frame]);
    const { offset: fromOffset, damaged } = resend;
    this.#options.onEvent({ type: "resend", fromOffset, damaged });
  }

  /** The bytes of a frame; valid until the next call. The machine has bounded `length`. */
  async #readBody(length: number): Promise<Uint8Array> {
    if (this.#space.length < length) this.#space = new Uint8Array(RECORD_BYTES_MAX + TAG_BYTES);
    const frame = this.#space.subarray(0, length);
    if ((await this.#reader.body(frame)) < length) throw cutOff();
    return frame;
  }

  /** Nothing is read meanwhile, so the sender stops by itself; a long wait is told. */
  async #waitForSink(): Promise<void> {
    const { clock } = this.#options;
    const since = clock.now();
    const pause = new Alarm(clock, () => this.#patience.ask());
    pause.arm(PAUSE_AFTER_MS);
    try {
      while (this.#writes.full) {
        await this.#roomOrCut();
        if (!this.#writes.full || !this.#isCut) continue;
        await this.#renew(cutOff());
      }
    } finally {
      pause.cancel();
      this.#stalledMs += clock.now() - since;
    }
    if (!this.#writes.full) this.#patience.end();
  }

  #say(kind: "pause" | "continue"): void {
    if (this.#failure === undefined) this.#pipe.write([this.#receiver.reverse({ kind })]);
  }

  #roomOrCut(): Promise<void> {
    if (this.#isCut) return Promise.resolve();
    return new Promise((resolve) => {
      this.#onCut = resolve;
      void this.#writes.room().then(resolve);
    });
  }

  async #commit(total: number): Promise<void> {
    await this.#writes.idle();
    this.#check();
    await this.#options.sink.commit(total);
  }

  #onWritten(bytes: Uint8Array, offset: number): void {
    this.#options.cipher.release(bytes);
    this.#written = offset;
    if (!this.#writes.full) this.#patience.end();
    const { sessionCount: number, sessionAt: since } = this.#receiver;
    this.#events.report(offset, { number, since }, this.#now());
    if (this.#plan.written(offset)) this.#report();
    else this.#unreported.arm(PROGRESS_EVERY_MS);
  }

  #report(): void {
    if (this.#failure !== undefined) return;
    this.#unreported.cancel();
    this.#told = true;
    this.#plan.reported(this.#written);
    const frame = this.#receiver.reverse({ kind: "progress", offset: this.#written });
    this.#pipe.write([frame]);
  }

  /** A sink that takes long to commit would let the relay take the pipe for dead. */
  #stayAlive(): void {
    if (!this.#told) this.#report();
    this.#told = false;
    this.#patience.look(this.#writes.busy, this.#written);
    const isOwnWait = this.#waitsHere || this.#writes.busy || this.#options.size === undefined;
    const idle = this.#idle.look(this.#receiver.verified, isOwnWait);
    if (idle !== undefined) this.#fail(idle);
    this.#keepAlive.arm(PING_INTERVAL_MS);
  }

  #now(): InstantMs {
    return after(this.#options.clock.now(), -this.#stalledMs);
  }

  #check(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  #onAbort(reason: PosternError): void {
    if (this.#isCut || !this.#lastBytes.begin(reason)) this.#fail(reason);
  }

  /** The first failure counts: it is told to the sender, and ends the read that is waiting. */
  #fail(cause: unknown): void {
    if (this.#failure !== undefined) return;
    const failure = storeError(cause);
    this.#failure = failure;
    this.#failed.reject(failure);
    this.#writes.halt();
    const reason = receiverReason(failure.code);
    this.#pipe.write([this.#receiver.reverse({ kind: "cancel", reason })]);
    this.#pipe.discard();
  }
}
