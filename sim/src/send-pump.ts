/**
 * The sender's data path in virtual time: content -> the real record machine -> a pipe or
 * envelopes. What the SDK's pump does with promises, in events.
 *
 * @module
 */
import { concat } from "@postern/core/bytes";
import { PosternError } from "@postern/core/errors";
import { ANSWER_TIMEOUT_MS } from "@postern/core/limits";
import {
  decodeFrameHeader,
  FRAME_HEADER_BYTES,
  RecordSender,
  senderReason,
  type ReverseOutcome,
  type SessionKeySource,
} from "@postern/core/session";
import type { RecordsOutcome, TransferInput } from "@postern/core/transfer";
import type { Outgoing } from "./client-driver.ts";
import type { Pump, PumpPorts } from "./pump.ts";

const EMPTY = new Uint8Array(0);

export class SendPump implements Pump {
  readonly #ports: PumpPorts;
  readonly #content: Uint8Array;
  readonly #recordBytes: number;
  readonly #sender: RecordSender;
  readonly #keys: SessionKeySource;
  #incoming: Uint8Array = EMPTY;
  #isArmed = false;
  /** There is no pipe now; another one has been asked for. */
  #isWaiting = false;
  #pipes = 1;
  #isOver = false;

  constructor(
    ports: PumpPorts,
    { content, recordBytes }: Pick<Outgoing, "content" | "recordBytes">,
    fromOffset: number,
  ) {
    const { suite, keys, sessionMs, world } = ports;
    this.#ports = ports;
    this.#content = content;
    this.#recordBytes = recordBytes;
    this.#keys = ports.keySource();
    this.#sender = new RecordSender({
      suite,
      th: keys.transcript,
      reverseKey: keys.reverse,
      keys: this.#keys,
      sessionMs,
      fromOffset,
      startedAt: world.now(),
    });
    this.#arm();
  }

  onBytes(bytes: Uint8Array): void {
    if (this.#isOver || this.#isWaiting) return;
    this.#incoming = concat(this.#incoming, bytes);
    while (!this.#isOver && !this.#isWaiting && this.#incoming.length >= FRAME_HEADER_BYTES) {
      const length = decodeFrameHeader(this.#incoming)?.length ?? 0;
      const end = FRAME_HEADER_BYTES + length;
      if (this.#incoming.length < end) return;
      const frame = this.#incoming.slice(0, end);
      this.#incoming = this.#incoming.slice(end);
      this.#reverse(frame);
    }
  }

  onEnd(): void {
    this.onCut();
  }

  onCut(): void {
    this.#break(new PosternError("transfer/pipe-lost", "the pipe has ended"));
  }

  onNewPipe(): void {
    if (this.#isOver) return;
    this.#isWaiting = false;
    this.#incoming = EMPTY;
    this.#sender.newPipe();
    const number = ++this.#pipes;
    this.#ports.later(ANSWER_TIMEOUT_MS, () => {
      if (number === this.#pipes && this.#sender.phase === "expect-resend") this.onCut();
    });
  }

  onDelivered({ total, digest }: RecordsOutcome): void {
    if (!this.#isOver) this.#judge(this.#sender.delivered(total, digest));
  }

  stop(error: PosternError): void {
    this.#fail(error);
  }

  #reverse(frame: Uint8Array): void {
    const header = frame.subarray(0, FRAME_HEADER_BYTES);
    this.#judge(this.#sender.reverse(header, frame.subarray(FRAME_HEADER_BYTES)));
  }

  #judge(outcome: ReverseOutcome): void {
    if (outcome.kind === "failed") return this.#fail(outcome.error);
    if (outcome.kind === "broken") return this.#break(outcome.error);
    if (outcome.kind !== "done") return this.#arm();
    const { total, digest } = outcome;
    this.#finish({ kind: "records-done", total, digest });
  }

  #arm(): void {
    if (this.#isArmed || this.#isOver || this.#isWaiting) return;
    this.#isArmed = true;
    this.#ports.later(this.#ports.world.prng.below(12), () => {
      this.#isArmed = false;
      this.#advance();
    });
  }

  #advance(): void {
    const sender = this.#sender;
    if (this.#isOver || this.#isWaiting || sender.phase !== "content" || sender.paused) return;
    const { world, suite, write } = this.#ports;
    const now = world.now();
    const rest = this.#content.length - sender.offset;
    if (rest === 0) return write(concat(...sender.last(now)));
    const length = Math.min(rest, world.prng.between(1, this.#recordBytes));
    const session = sender.sessionFor(length, now) ?? EMPTY;
    const { header, key, nonce, aad } = sender.plan(length, now);
    const plaintext = this.#content.subarray(sender.offset, sender.offset + length);
    const sealed = suite.seal(key, nonce, aad, plaintext);
    write(concat(session, header, sealed));
    sender.sealed(sealed.subarray(length));
    this.#arm();
  }

  #break(error: PosternError): void {
    if (this.#isOver || this.#isWaiting) return;
    if (this.#ports.replace(error)) this.#isWaiting = true;
    else this.#fail(error);
  }

  #fail(error: PosternError): void {
    if (this.#isOver) return;
    if (error.code !== "transfer/pipe-lost")
      for (const frame of this.#sender.cancelled(senderReason(error.code), this.#ports.world.now()))
        this.#ports.write(frame);
    this.#finish({ kind: "records-failed", error });
  }

  #finish(input: TransferInput): void {
    this.#isOver = true;
    this.#sender.wipe();
    this.#keys.wipe();
    this.#ports.close(false);
    this.#ports.ended(input);
  }
}
