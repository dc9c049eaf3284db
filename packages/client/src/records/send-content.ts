/**
 * The sender's pump (docs/protocol.md 8): file -> seal -> pipe. The machine of `@postern/core`
 * decides; this drives it and moves the bytes.
 *
 * Invariants: one place waits ({@link SendPump.run}); a record is planned and sealed only when the
 * pipe takes it, so that waiting never eats the life of its key. Whatever happens the keys are
 * wiped, the source is closed and the pipe is ended.
 *
 * @module
 */
import { PosternError, unreachable } from "@postern/core/errors";
import { PING_INTERVAL_MS, RECORD_BYTES_MIN, REVERSE_BODY_BYTES_MAX } from "@postern/core/limits";
import {
  decodeFrameHeader,
  FRAME_HEADER_BYTES,
  RecordSender,
  senderReason,
  type ReverseOutcome,
} from "@postern/core/session";
import { abortReason } from "./abort-reason.ts";
import { Alarm } from "./alarm.ts";
import { closePipe } from "./close-pipe.ts";
import type { RecordsResult, SendRecordsOptions } from "./options.ts";
import { Pace } from "./pace.ts";
import { ProgressEvents } from "./progress-events.ts";
import { ReadAhead } from "./read-ahead.ts";
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
  #writable = true;
  #wrote = false;
  #failure: PosternError | undefined;
  #done: { readonly total: number; readonly digest: Uint8Array } | undefined;

  constructor(options: SendRecordsOptions) {
    const { clock, source, fromOffset } = options;
    const now = clock.now();
    const notify = () => this.#wake.notify();
    this.#options = options;
    this.#sender = new RecordSender({ ...options, startedAt: now });
    this.#readAhead = new ReadAhead(source, fromOffset, notify);
    this.#pace = new Pace(options.rateLimit, fromOffset, now);
    this.#events = new ProgressEvents(options.onEvent, source.info.size);
    this.#throttle = new Alarm(clock, notify);
    this.#keepAlive = new Alarm(clock, () => this.#stayAlive());
  }

  async run(): Promise<RecordsResult> {
    const { pipe, clock, keys, signal } = this.#options;
    const onAbort = () => this.#fail(abortReason(signal));
    signal.addEventListener("abort", onAbort);
    if (signal.aborted) onAbort();
    this.#keepAlive.arm(PING_INTERVAL_MS);
    void this.#listen();
    try {
      while (this.#done === undefined) {
        if (this.#failure !== undefined) throw this.#failure;
        if (!this.#advance()) await this.#wake.wait();
      }
      const { sessionCount, damaged } = this.#sender;
      return { ...this.#done, sessionKeys: sessionCount, resends: damaged };
    } catch (error) {
      this.#sayWhy(error);
      throw error;
    } finally {
      signal.removeEventListener("abort", onAbort);
      this.#throttle.cancel();
      this.#keepAlive.cancel();
      this.#readAhead.stop();
      this.#sender.wipe();
      keys.wipe();
      await closePipe(pipe, clock);
    }
  }

  /** Sends the next record; false when something has to happen first, which will wake the pump. */
  #advance(): boolean {
    const sender = this.#sender;
    if (!this.#writable || sender.phase !== "content" || sender.paused) return false;
    const bytes = this.#readAhead.peek();
    if (bytes === undefined) return false;
    const now = this.#options.clock.now();
    if (bytes.length === 0) {
      const count = sender.sessionCount;
      const frames = sender.last(now);
      if (sender.sessionCount > count) this.#tellSession();
      this.#write(frames);
      return true;
    }
    const delayMs = this.#pace.delayMs(now);
    if (delayMs > 0) {
      this.#throttle.arm(delayMs);
      return false;
    }
    const wanted = Math.min(bytes.length, this.#pace.recordBytes);
    const window = this.#pace.windowBytes - (sender.offset - sender.verified);
    const room = Math.min(window, sender.room());
    // A full window opens by whole records, not by the odd bytes of a report.
    if (room < Math.min(wanted, RECORD_BYTES_MIN)) return false;
    this.#sendRecord(bytes.subarray(0, Math.min(wanted, room)));
    return true;
  }

  #sendRecord(plaintext: Uint8Array): void {
    const { clock, cipher } = this.#options;
    const now = clock.now();
    const parts: Uint8Array[] = [];
    const session = this.#sender.sessionFor(plaintext.length, now);
    if (session !== undefined) {
      parts.push(session);
      this.#tellSession();
    }
    const { header, key, nonce, aad } = this.#sender.plan(plaintext.length, now);
    const sealed = cipher.seal(key, nonce, aad, plaintext);
    this.#sender.sealed(sealed.tag);
    parts.push(header, ...sealed.parts, sealed.tag);
    const length = plaintext.length;
    this.#readAhead.take(length);
    this.#pace.sent(length, now);
    this.#write(parts, () => {
      for (const part of sealed.parts) cipher.release(part);
    });
  }

  #write(parts: readonly Uint8Array[], onLeft?: () => void): void {
    const { pipe, clock } = this.#options;
    this.#wrote = true;
    if (pipe.write(parts, onLeft)) return this.#pace.drained(clock.now());
    this.#writable = false;
    pipe.drained().then(
      () => {
        this.#writable = true;
        this.#pace.drained(clock.now());
        this.#wake.notify();
      },
      (error: unknown) => this.#fail(error),
    );
  }

  /** Reads reverse frames until the end of the transfer. */
  async #listen(): Promise<void> {
    const header = new Uint8Array(FRAME_HEADER_BYTES);
    const body = new Uint8Array(REVERSE_BODY_BYTES_MAX + 16);
    try {
      while (this.#sender.phase === "content" || this.#sender.phase === "expect-done") {
        await this.#readWhole(header);
        const length = decodeFrameHeader(header)?.length ?? 0;
        // A header of another frame is refused by the machine, whatever follows it.
        const sealed = body.subarray(0, length <= body.length ? length : 0);
        await this.#readWhole(sealed);
        this.#onReverse(this.#sender.reverse(header, sealed));
      }
    } catch (error) {
      this.#fail(error);
    }
  }

  async #readWhole(into: Uint8Array): Promise<void> {
    if (into.length === 0) return;
    if ((await this.#options.pipe.read(into)) < into.length)
      throw new PosternError("transfer/pipe-lost", "the receiver's side of the pipe has ended");
  }

  #onReverse(outcome: ReverseOutcome): void {
    const { source, clock, onEvent } = this.#options;
    switch (outcome.kind) {
      case "progress":
        source.verified(outcome.offset);
        this.#pace.progress(outcome.offset, clock.now());
        this.#report();
        break;
      case "resend":
        this.#readAhead.seek(outcome.offset);
        onEvent({ type: "resend", fromOffset: outcome.offset, damaged: outcome.damaged });
        break;
      case "paused":
      case "continued":
        break;
      case "done":
        this.#report();
        this.#done = { total: outcome.total, digest: outcome.digest };
        break;
      case "broken":
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
    const { pipe, clock } = this.#options;
    pipe.write(this.#sender.cancelled(senderReason(error.code), clock.now()));
  }
}

function asFailure(cause: unknown): PosternError {
  if (cause instanceof PosternError) return cause;
  return new PosternError("transfer/pipe-lost", "the pipe failed", {}, { cause });
}
