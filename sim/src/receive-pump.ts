/**
 * The receiver's data path in virtual time: a pipe or envelopes -> the real record machine -> a
 * disk. What the SDK's pump does with promises, in events.
 *
 * @module
 */
import { concat } from "@postern/core/bytes";
import { PosternError } from "@postern/core/errors";
import { wrappingSink } from "@postern/core/exchange";
import {
  FRAME_HEADER_BYTES,
  receiverReason,
  RecordReceiver,
  type Incoming,
  type Outcome,
} from "@postern/core/session";
import { after } from "@postern/core/time";
import type { TransferInput } from "@postern/core/transfer";
import type { Pump, PumpPorts } from "./pump.ts";

const TAG_BYTES = 16;
/** Longer waits for the disk are told to the sender. */
const PAUSE_FROM_MS = 100;
const EMPTY = new Uint8Array(0);

export class ReceivePump implements Pump {
  readonly #ports: PumpPorts;
  readonly #commit: (content: Uint8Array) => void;
  readonly #receiver: RecordReceiver;
  readonly #keys: ReturnType<typeof wrappingSink>;
  readonly #written: Uint8Array[] = [];
  #incoming: Uint8Array = EMPTY;
  #frame: Exclude<Incoming, { kind: "failed" }> | undefined;
  #isBusy = false;
  #isEnded = false;
  #isOver = false;
  #stalledMs = 0;

  /** `commit` makes the whole content durable. */
  constructor(ports: PumpPorts, size: number | undefined, commit: (content: Uint8Array) => void) {
    const { suite, keys, sessionMs } = ports;
    this.#ports = ports;
    this.#commit = commit;
    this.#keys = wrappingSink(suite, keys);
    this.#receiver = new RecordReceiver({
      suite,
      th: keys.transcript,
      reverseKey: keys.reverse,
      bodyBytes: this.#keys.bodyBytes,
      sessionMs,
      fromOffset: 0,
      size,
    });
  }

  onBytes(bytes: Uint8Array): void {
    if (this.#isOver) return;
    this.#incoming = concat(this.#incoming, bytes);
    this.#parse();
  }

  onEnd(): void {
    this.#isEnded = true;
    this.#parse();
  }

  onCut(): void {
    this.#fail(new PosternError("transfer/pipe-lost", "the pipe is gone"));
  }

  stop(error: PosternError): void {
    this.#fail(error);
  }

  #parse(): void {
    while (!this.#isBusy && !this.#isOver) {
      const wanted = this.#frame?.length ?? FRAME_HEADER_BYTES;
      if (this.#incoming.length < wanted) {
        if (this.#isEnded) this.#fail(new PosternError("transfer/truncated", "the pipe has ended"));
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
    if (incoming.kind === "failed") return this.#fail(incoming.error);
    if (incoming.kind === "skip" && incoming.resend !== undefined)
      this.#ports.write(incoming.resend.frame);
    this.#frame = incoming;
  }

  #body(frame: Exclude<Incoming, { kind: "failed" }>, bytes: Uint8Array): void {
    this.#frame = undefined;
    switch (frame.kind) {
      case "skip":
        return;
      case "session":
        this.#isBusy = true;
        return this.#ports.job(this.#keys.open(frame.j, bytes.slice(0, -TAG_BYTES)), (key) => {
          this.#isBusy = false;
          if (this.#isOver) return;
          this.#outcome(this.#receiver.session(bytes, key));
          this.#parse();
        });
      case "content": {
        const { key, nonce, aad } = frame;
        const plaintext = this.#ports.suite.open(key, nonce, aad, bytes);
        const tag = bytes.subarray(bytes.length - TAG_BYTES);
        const outcome = this.#receiver.content(plaintext !== undefined, tag);
        this.#outcome(outcome);
        if (outcome.kind === "accepted" && plaintext !== undefined) this.#store(plaintext);
        return;
      }
      case "end":
        return this.#outcome(this.#receiver.end(bytes));
    }
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
    this.#ports.later(this.#ports.world.prng.below(5), () => {
      if (this.#isOver) return;
      this.#commit(concat(...this.#written));
      this.#ports.write(this.#receiver.reverse({ kind: "done", total, digest }));
      this.#finish({ kind: "records-done", total, digest }, false);
    });
  }

  #fail(error: PosternError): void {
    if (this.#isOver) return;
    const lost = error.code === "transfer/framing" || error.code === "transfer/pipe-lost";
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
