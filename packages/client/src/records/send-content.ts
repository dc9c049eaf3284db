/**
 * The sender's pump (docs/protocol.md 8): file -> seal -> pipe. The machine of `@postern/core`
 * decides; this drives it and moves the bytes. A pipe that breaks is replaced (8.1): the receiver's
 * first word on the next one says from where to go on.
 *
 * Invariants: one place waits ({@link SendPump.run}); a record is planned and sealed only when the
 * pipe takes it, so that waiting never eats the life of its key. Whatever happens the keys are
 * wiped, the source is closed and every pipe is ended.
 *
 * @module
 */
import { PosternError, unreachable } from "@postern/core/errors";
import {
  ANSWER_TIMEOUT_MS,
  PING_INTERVAL_MS,
  PIPES_PER_TRANSFER_MAX,
  REVERSE_BODY_BYTES_MAX,
} from "@postern/core/limits";
import {
  decodeFrameHeader,
  FRAME_HEADER_BYTES,
  RecordSender,
  senderReason,
  type ReverseOutcome,
} from "@postern/core/session";
import { abortReason } from "./abort-reason.ts";
import { Alarm } from "./alarm.ts";
import { pipeLost } from "./broken-pipe.ts";
import type { BytePipe } from "./byte-pipe.ts";
import { closePipe } from "./close-pipe.ts";
import { FrameReader } from "./frame-reader.ts";
import type { RecordsResult, SendRecordsOptions } from "./options.ts";
import { Pace } from "./pace.ts";
import type { Delivered, PipeSupply } from "./pipe-supply.ts";
import { ProgressEvents } from "./progress-events.ts";
import { ReadAhead } from "./read-ahead.ts";
import { StallWatch } from "./stall-watch.ts";
import { Wake } from "./wake.ts";

/**
 * Sends the content of `source` from `fromOffset` on; resolves when the receiver's `done` matches
 * total and digest.
 *
 * @throws {@link PosternError} `signal.reason`, or what the source, the pipe or the peer did.
 */
export async function sendRecords(options: SendRecordsOptions): Promise<RecordsResult> {
  const pump = new SendPump(options);
  try {
    const result = await pump.run();
    // A source that changed while it was read is a failure, also when every record arrived.
    await options.source.close();
    return result;
  } catch (error) {
    options.source.close().catch(() => undefined);
    throw error;
  }
}

class SendPump {
  readonly #options: SendRecordsOptions;
  readonly #sender: RecordSender;
  readonly #readAhead: ReadAhead;
  readonly #pace: Pace;
  readonly #events: ProgressEvents;
  readonly #wake = new Wake();
  readonly #throttle: Alarm;
  readonly #keepAlive: Alarm;
  /** A new pipe on which the receiver says nothing. */
  readonly #silence: Alarm;
  readonly #stalls: StallWatch;
  #pipe: BytePipe;
  #pipes = 1;
  /** Nothing from here on is sent before the receiver says so. */
  #holdAt: number;
  #isReplacing = false;
  #isOver = false;
  #writable = true;
  #wrote = false;
  #failure: PosternError | undefined;
  #done: { readonly total: number; readonly digest: Uint8Array } | undefined;

  constructor(options: SendRecordsOptions) {
    const { clock, source, fromOffset } = options;
    const now = clock.now();
    const notify = () => this.#wake.notify();
    this.#options = options;
    const { statementBytes } = options.signing ?? {};
    this.#sender = new RecordSender({ ...options, statementBytes, startedAt: now });
    this.#readAhead = new ReadAhead(source, fromOffset, notify);
    this.#pace = new Pace(options.rateLimit, fromOffset, now);
    this.#events = new ProgressEvents(options.onEvent, source.info.size);
    this.#stalls = new StallWatch(now);
    this.#throttle = new Alarm(clock, notify);
    this.#keepAlive = new Alarm(clock, () => this.#stayAlive());
    this.#pipe = options.pipe;
    this.#holdAt = options.holdAt ?? Infinity;
    this.#silence = new Alarm(clock, () =>
      this.#break(this.#pipe, pipeLost("the receiver says nothing on a new pipe")),
    );
  }

  async run(): Promise<RecordsResult> {
    const { clock, keys, signal } = this.#options;
    const onAbort = () => this.#fail(abortReason(signal));
    signal.addEventListener("abort", onAbort);
    if (signal.aborted) onAbort();
    this.#keepAlive.arm(PING_INTERVAL_MS);
    void this.#listen(this.#pipe);
    void this.#options.pipes?.delivered.then((told) => this.#onDelivered(told));
    try {
      while (this.#done === undefined) {
        if (this.#failure !== undefined) throw this.#failure;
        if (!this.#advance()) await this.#wake.wait();
      }
      const { sessionCount: sessionKeys, damaged: resends } = this.#sender;
      return { ...this.#done, sessionKeys, resends, pipes: this.#pipes };
    } catch (error) {
      this.#sayWhy(error);
      throw error;
    } finally {
      signal.removeEventListener("abort", onAbort);
      this.#throttle.cancel();
      this.#keepAlive.cancel();
      this.#silence.cancel();
      this.#isOver = true;
      this.#readAhead.stop();
      this.#sender.wipe();
      keys.wipe();
      await closePipe(this.#pipe, clock);
    }
  }

  /** Sends the next record; false when something has to happen first, which will wake the pump. */
  #advance(): boolean {
    const sender = this.#sender;
    if (!this.#writable || sender.phase !== "content" || sender.paused || sender.held) return false;
    const bytes = this.#readAhead.peek();
    if (bytes === undefined) return false;
    const now = this.#options.clock.now();
    if (bytes.length === 0) {
      this.#stalls.sending(sender, now);
      const count = sender.sessionCount;
      const frames = sender.last(now, this.#options.signing?.say());
      if (sender.sessionCount > count) this.#tellSession();
      this.#write(frames);
      return true;
    }
    const delayMs = this.#pace.delayMs(now);
    if (delayMs > 0) {
      this.#throttle.arm(delayMs);
      return false;
    }
    const beforeHold = this.#holdAt - sender.offset;
    const wanted = Math.min(bytes.length, this.#pace.recordBytes, beforeHold);
    const portion = this.#pace.portion(wanted, sender.offset - sender.verified);
    const length = Math.min(portion, sender.room());
    if (length === 0) return false;
    this.#sendRecord(bytes.subarray(0, length));
    return true;
  }

  #sendRecord(plaintext: Uint8Array): void {
    const { clock, cipher, signing } = this.#options;
    const now = clock.now();
    this.#stalls.sending(this.#sender, now);
    signing?.update(plaintext, this.#sender.offset);
    const session = this.#sender.sessionFor(plaintext.length, now);
    if (session !== undefined) this.#tellSession();
    const { frame, tag } = cipher.seal(this.#sender.plan(plaintext.length, now), plaintext);
    this.#sender.sealed(tag);
    const length = plaintext.length;
    this.#readAhead.take(length);
    this.#pace.sent(length, now);
    const frames = session === undefined ? [frame] : [session, frame];
    this.#write(frames, () => cipher.release(frame));
  }

  #write(parts: readonly Uint8Array[], onLeft?: () => void): void {
    const { clock } = this.#options;
    const pipe = this.#pipe;
    this.#wrote = true;
    if (pipe.write(parts, onLeft)) return this.#pace.drained(clock.now());
    this.#writable = false;
    pipe.drained().then(
      () => {
        if (pipe !== this.#pipe) return;
        this.#writable = true;
        this.#pace.drained(clock.now());
        this.#wake.notify();
      },
      (error: unknown) => this.#break(pipe, asFailure(error)),
    );
  }

  /** Reads reverse frames until the end of the transfer or of the pipe. */
  async #listen(pipe: BytePipe): Promise<void> {
    const header = new Uint8Array(FRAME_HEADER_BYTES);
    const body = new Uint8Array(REVERSE_BODY_BYTES_MAX + 16);
    const reader = new FrameReader(pipe, this.#options.clock);
    try {
      while (pipe === this.#pipe && this.#failure === undefined && this.#done === undefined) {
        if ((await reader.header(header)) < header.length) throw pipeLost(ENDED);
        const length = decodeFrameHeader(header)?.length ?? 0;
        // A header of another frame is refused by the machine, whatever follows it.
        const sealed = body.subarray(0, length <= body.length ? length : 0);
        if (sealed.length > 0 && (await reader.body(sealed)) < sealed.length) throw pipeLost(ENDED);
        if (pipe === this.#pipe) this.#onFrame(header, sealed);
      }
    } catch (error) {
      this.#break(pipe, asFailure(error));
    } finally {
      reader.stop();
    }
  }

  /** This pipe is of no more use: another one, or the end. An older pipe's end does not count. */
  #break(pipe: BytePipe, error: PosternError): void {
    if (pipe !== this.#pipe || this.#isReplacing || this.#isOver) return;
    const { pipes } = this.#options;
    const isLast = pipes === undefined || this.#pipes >= PIPES_PER_TRANSFER_MAX;
    if (isLast || this.#failure !== undefined || this.#done !== undefined) return this.#fail(error);
    this.#silence.cancel();
    this.#writable = false;
    this.#isReplacing = true;
    this.#pipes++;
    pipe.destroy();
    void this.#replace(pipes, error);
  }

  async #replace(pipes: PipeSupply, cause: PosternError): Promise<void> {
    try {
      const pipe = await pipes.replace(cause);
      if (this.#isOver) return pipe.destroy();
      this.#isReplacing = false;
      this.#use(pipe);
    } catch (error) {
      this.#isReplacing = false;
      this.#break(this.#pipe, asFailure(error));
    }
  }

  #onDelivered({ total, digest }: Delivered): void {
    if (!this.#isOver && this.#done === undefined)
      this.#onReverse(this.#sender.delivered(total, digest));
  }

  #use(pipe: BytePipe): void {
    this.#pipe = pipe;
    this.#writable = true;
    this.#sender.newPipe();
    this.#stalls.newPipe(this.#options.clock.now());
    this.#pace.newPipe();
    this.#silence.arm(ANSWER_TIMEOUT_MS);
    this.#options.onEvent({ type: "new-pipe", count: this.#pipes });
    void this.#listen(pipe);
  }

  #onFrame(header: Uint8Array, sealed: Uint8Array): void {
    const { phase } = this.#sender;
    const outcome = this.#sender.reverse(header, sealed);
    // On a new pipe this says that the last record has arrived: 8.1.
    if (phase === "expect-resend" && outcome.kind === "progress") this.#stalls.whole();
    this.#stalls.heard(this.#sender, outcome.kind, this.#options.clock.now());
    this.#onReverse(outcome);
  }

  #onReverse(outcome: ReverseOutcome): void {
    const { source, clock, onEvent, signing } = this.#options;
    if (outcome.kind !== "broken") this.#silence.cancel();
    switch (outcome.kind) {
      case "progress":
        source.verified(outcome.offset);
        this.#pace.progress(outcome.offset, clock.now());
        this.#report();
        break;
      case "resend":
        this.#readAhead.seek(outcome.offset);
        this.#pace.restarted(outcome.offset);
        onEvent({ type: "resend", fromOffset: outcome.offset, damaged: outcome.damaged });
        break;
      case "paused":
      case "continued":
        break;
      case "proceed":
        this.#holdAt = Infinity;
        break;
      case "done": {
        // Without one it is a receipt that says so: then there is nothing to show to others.
        const forged = outcome.statement.length > 0 && signing?.judge(outcome.statement);
        if (forged) return this.#fail(forged);
        this.#report();
        this.#done = { total: outcome.total, digest: outcome.digest };
        break;
      }
      case "broken":
        return this.#break(this.#pipe, outcome.error);
      case "failed":
        return this.#fail(outcome.error);
      default:
        return unreachable(outcome);
    }
    this.#wake.notify();
  }

  #report(): void {
    const { sessionCount: number, sessionAt: since, verified } = this.#sender;
    this.#events.report(verified, { number, since }, this.#options.clock.now());
  }

  #tellSession(): void {
    const { sessionCount: number, offset: atOffset } = this.#sender;
    this.#options.onEvent({ type: "session-key", number, atOffset });
  }

  /** A source or a rate that gives nothing for long would let the relay take the pipe for dead. */
  #stayAlive(): void {
    const stalled = this.#stalls.why(this.#sender, this.#options.clock.now());
    if (stalled !== undefined) this.#break(this.#pipe, pipeLost(stalled));
    const idle = !this.#wrote && this.#writable && !this.#sender.paused;
    if (idle && this.#sender.phase === "content") {
      this.#write([this.#sender.nextSession(this.#options.clock.now())]);
      this.#tellSession();
    }
    this.#wrote = false;
    this.#keepAlive.arm(PING_INTERVAL_MS);
  }

  #fail(error: unknown): void {
    this.#failure ??= asFailure(error);
    this.#wake.notify();
  }

  /** Tells the receiver that the sender gives up; nothing to tell when it was the receiver. */
  #sayWhy(error: unknown): void {
    if (this.#sender.phase !== "content" || !(error instanceof PosternError)) return;
    if (error.code === "transfer/pipe-lost") return;
    this.#pipe.write(this.#sender.cancelled(senderReason(error.code), this.#options.clock.now()));
  }
}

const ENDED = "the receiver's side of the pipe has ended";

function asFailure(cause: unknown): PosternError {
  if (cause instanceof PosternError) return cause;
  return new PosternError("transfer/pipe-lost", "the pipe failed", {}, { cause });
}
