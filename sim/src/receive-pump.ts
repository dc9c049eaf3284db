/**
 * The receiver's data path in virtual time: a pipe or envelopes -> the real record machine -> a
 * disk. What the SDK's pump does with promises, in events.
 *
 * @module
 */
import { concat, wipe } from "@postern/core/bytes";
import { PosternError } from "@postern/core/errors";
import {
  FRAME_HEADER_BYTES,
  receiverReason,
  RecordReceiver,
  type Incoming as Judged,
  type Outcome,
  type SessionKeySink,
} from "@postern/core/session";
import { after } from "@postern/core/time";
import type { RecordsOutcome, TransferInput } from "@postern/core/transfer";
import type { Pump, PumpPorts } from "./pump.ts";

const TAG_BYTES = 16;
/** Longer waits for the disk are told to the sender. */
const PAUSE_FROM_MS = 100;
const EMPTY = new Uint8Array(0);

/** Where content comes to lie. */
export interface Incoming {
  readonly size: number | undefined;
  /** What was there before: the sender goes on behind it. */
  readonly held: Uint8Array;
  /** Makes one record durable. */
  store(bytes: Uint8Array, offset: number): void;
  /** Makes the whole content durable. */
  commit(content: Uint8Array, outcome: RecordsOutcome): void;
}

export class ReceivePump implements Pump {
  readonly #ports: PumpPorts;
  readonly #content: Incoming;
  readonly #receiver: RecordReceiver;
  readonly #keys: SessionKeySink;
  readonly #written: Uint8Array[];
  #incoming: Uint8Array = EMPTY;
  #frame: Exclude<Judged, { kind: "failed" }> | undefined;
  #isBusy = false;
  #isEnded = false;
  #isOver = false;
  #stalledMs = 0;
  /** There is no pipe now; another one has been asked for. */
  #isWaiting = false;
  #pipes = 1;
  /** Everything has come. */
  #total: number | undefined;
  #done: Uint8Array | undefined;

  constructor(ports: PumpPorts, content: Incoming) {
    const { suite, keys, sessionMs } = ports;
    this.#ports = ports;
    this.#content = content;
    this.#written = [content.held];
    this.#keys = ports.keySink();
    this.#receiver = new RecordReceiver({
      suite,
      th: keys.transcript,
      reverseKey: keys.reverse,
      bodyBytes: this.#keys.bodyBytes,
      sessionMs,
      fromOffset: content.held.length,
      size: content.size,
    });
  }

  onBytes(bytes: Uint8Array): void {
    if (this.#isOver || this.#isWaiting) return;
    this.#incoming = concat(this.#incoming, bytes);
    this.#parse();
  }

  onEnd(): void {
    this.#isEnded = true;
    this.#parse();
  }

  onCut(): void {
    this.#break(new PosternError("transfer/pipe-lost", "the pipe is gone"));
  }

  onNewPipe(): void {
    const { write, close } = this.#ports;
    if (this.#done !== undefined) {
      write(this.#done);
      return close(false);
    }
    if (this.#isOver) return close(true);
    this.#isWaiting = false;
    this.#pipes++;
    this.#incoming = EMPTY;
    this.#frame = undefined;
    this.#isEnded = false;
    const offset = this.#total;
    if (offset !== undefined) return write(this.#receiver.reverse({ kind: "progress", offset }));
    const resend = this.#receiver.newPipe();
    if (resend.kind === "failed") this.#fail(resend.error);
    else write(resend.frame);
  }

  onDelivered(): void {}

  stop(error: PosternError): void {
    this.#fail(error);
  }

  #parse(): void {
    while (!this.#isBusy && !this.#isOver && !this.#isWaiting) {
      const wanted = this.#frame?.length ?? FRAME_HEADER_BYTES;
      if (this.#incoming.length < wanted) {
        if (this.#isEnded)
          this.#break(new PosternError("transfer/truncated", "the pipe has ended"));
        return;
      }
      const bytes = this.#incoming.slice(0, wanted);
      this.#incoming = this.#incoming.slice(wanted);
      if (this.#frame === undefined) this.#header(bytes);
      else this.#body(this.#frame, bytes);
    }
  }

  #header(bytes: Uint8Array): void {
    const incoming = this.#receiver.frame(bytes, after(this.#ports.world.now(), -this.#stalledMs));
    if (incoming.kind === "failed")
      return incoming.error.code === "transfer/framing"
        ? this.#break(incoming.error)
        : this.#fail(incoming.error);
    if (incoming.kind === "skip" && incoming.resend !== undefined)
      this.#ports.write(incoming.resend.frame);
    this.#frame = incoming;
  }

  #body(frame: Exclude<Judged, { kind: "failed" }>, bytes: Uint8Array): void {
    this.#frame = undefined;
    switch (frame.kind) {
      case "skip":
        return;
      case "session":
        this.#isBusy = true;
        const pipe = this.#pipes;
        return this.#ports.job(this.#keys.open(frame.j, bytes.slice(0, -TAG_BYTES)), (key) => {
          this.#isBusy = false;
          // On a new pipe nobody asks for this key any more.
          if (this.#isOver || pipe !== this.#pipes) wipe(key);
          else this.#session(frame.j, this.#receiver.session(bytes, key));
          this.#parse();
        });
      case "content": {
        const { key, nonce, aad } = frame;
        const plaintext = this.#ports.suite.open(key, nonce, aad, bytes);
        const tag = bytes.subarray(bytes.length - TAG_BYTES);
        const outcome = this.#receiver.content(plaintext !== undefined, tag);
        this.#outcome(outcome);
        if (outcome.kind === "accepted" && plaintext !== undefined) {
          this.#content.store(plaintext, outcome.offset);
          this.#store(plaintext);
        }
        return;
      }
      case "end":
        return this.#outcome(this.#receiver.end(bytes));
    }
  }

  #session(j: number, outcome: Outcome): void {
    if (outcome.kind === "session") this.#keys.retire(j);
    this.#outcome(outcome);
  }

  #outcome(outcome: Outcome): void {
    if (outcome.kind === "failed") return this.#fail(outcome.error);
    if (outcome.kind === "resend") this.#ports.write(outcome.frame);
    if (outcome.kind === "complete") this.#complete(outcome.total, outcome.digest);
  }

  /** One record goes to the disk, which may take its time. */
  #store(plaintext: Uint8Array): void {
    const { world, weather, later, write } = this.#ports;
    this.#written.push(plaintext);
    if (world.prng.chance(300)) write(this.#progress());
    const waitMs = weather.sinkMs();
    if (waitMs === 0) return;
    this.#isBusy = true;
    const isTold = waitMs >= PAUSE_FROM_MS;
    if (isTold) write(this.#receiver.reverse({ kind: "pause" }));
    later(waitMs, () => {
      this.#isBusy = false;
      this.#stalledMs += waitMs;
      if (isTold && !this.#isOver) write(this.#receiver.reverse({ kind: "continue" }));
      this.#parse();
    });
  }

  #progress(): Uint8Array {
    return this.#receiver.reverse({ kind: "progress", offset: this.#receiver.verified });
  }

  #complete(total: number, digest: Uint8Array): void {
    this.#isBusy = true;
    this.#total = total;
    this.#ports.later(this.#ports.world.prng.below(5), () => {
      if (this.#isOver) return;
      this.#content.commit(concat(...this.#written), { total, digest });
      this.#done = this.#receiver.reverse({ kind: "done", total, digest, statement: EMPTY });
      this.#ports.write(this.#done);
      this.#finish({ kind: "records-done", total, digest }, false);
    });
  }

  #break(error: PosternError): void {
    // Whoever has everything asks for nothing: the sender does, when it has not heard `done`.
    if (this.#isOver || this.#isWaiting || this.#total !== undefined) return;
    if (this.#ports.replace(error)) this.#isWaiting = true;
    else this.#fail(error);
  }

  #fail(error: PosternError): void {
    if (this.#isOver) return;
    const lost = error.code === "transfer/pipe-lost";
    const reason = receiverReason(error.code);
    if (!lost) this.#ports.write(this.#receiver.reverse({ kind: "cancel", reason }));
    this.#finish({ kind: "records-failed", error }, lost);
  }

  #finish(input: TransferInput, lost: boolean): void {
    this.#isOver = true;
    this.#receiver.wipe();
    this.#keys.wipe();
    this.#ports.close(lost);
    this.#ports.ended(input);
  }
}
