/**
 * Pairings by code as an application sees them: drives `@postern/core/pairing` over the link.
 * docs/protocol-pairing.md 10.
 *
 * @module
 */
import { wipe } from "@postern/core/bytes";
import type { PosternError } from "@postern/core/errors";
import type { DirectoryAnswer } from "@postern/core/peer";
import {
  pairingDeadline,
  pairingSlot,
  startPairing,
  stepPairing,
  type PairingContext,
  type PairingEffect,
  type PairingEvent as CoreEvent,
  type PairingInput,
  type PairingStart,
  type PairingState,
  type PairingStep,
} from "@postern/core/pairing";
import type { Paired, Pairing, PairingEvent, PairingOptions } from "./people.ts";
import type { Met } from "./client-contacts.ts";
import type { PairingFrame } from "./connection.ts";
import type { Directory } from "./directory.ts";
import { EventQueue } from "./event-queue.ts";
import type { Clock } from "./records/clock.ts";
import { asPosternError } from "./running-transfer.ts";

export interface PairingHost {
  readonly clock: Clock;
  readonly directory: Pick<Directory, "meet">;
  readonly send: (
    frame:
      | { readonly kind: "pair-send"; readonly slot: number; readonly body: Uint8Array }
      | { readonly kind: "pair-close"; readonly slot: number },
  ) => void;
  /** Both sides are sure of each other. */
  readonly meet: (met: Met) => Promise<Paired>;
}

const WORDS_DEFAULT = 2;

export class PairingDesk {
  readonly #host: PairingHost;
  readonly #running = new Set<RunningPairing>();

  constructor(host: PairingHost) {
    this.#host = host;
  }

  /** @throws {@link PosternError} `pairing/invalid-code`, `usage/invalid-argument` */
  start(context: PairingContext, { code, words = WORDS_DEFAULT }: PairingOptions): Pairing {
    const role: PairingStart =
      code === undefined ? { kind: "opener", words } : { kind: "joiner", code };
    const pairing = new RunningPairing(context, role, this.#host, () =>
      this.#running.delete(pairing),
    );
    this.#running.add(pairing);
    pairing.begin();
    return pairing;
  }

  onFrame(frame: PairingFrame): void {
    for (const pairing of this.#running) pairing.onFrame(frame);
  }

  onLost(error: PosternError): void {
    for (const pairing of this.#running) pairing.step({ kind: "link-lost", error });
  }

  /** Resolves when every pairing has ended. */
  async end(): Promise<void> {
    const running = [...this.#running];
    for (const pairing of running) pairing.cancel();
    await Promise.allSettled(running.map(async (pairing) => pairing.paired));
  }
}

class RunningPairing implements Pairing {
  readonly #context: PairingContext;
  readonly #host: PairingHost;
  readonly #onEnd: () => void;
  readonly #events = new EventQueue<PairingEvent>();
  readonly #paired = Promise.withResolvers<Paired>();
  #first: readonly PairingEffect[];
  #state: PairingState;
  #cancelTimer: (() => void) | undefined;

  constructor(context: PairingContext, role: PairingStart, host: PairingHost, onEnd: () => void) {
    this.#context = context;
    this.#host = host;
    this.#onEnd = onEnd;
    const { state, effects } = startPairing(context, role, host.clock.now());
    this.#state = state;
    this.#first = effects;
    // Who reads the events alone need not catch this promise as well.
    this.#paired.promise.catch(() => undefined);
  }

  get paired(): Promise<Paired> {
    return this.#paired.promise;
  }

  [Symbol.asyncIterator](): AsyncIterator<PairingEvent> {
    return this.#events[Symbol.asyncIterator]();
  }

  cancel(): void {
    this.step({ kind: "cancel" });
  }

  begin(): void {
    const effects = this.#first;
    this.#first = [];
    this.#perform({ state: this.#state, effects });
  }

  onFrame(frame: PairingFrame): void {
    if (frame.slot !== pairingSlot(this.#state)) return;
    switch (frame.kind) {
      case "pair-joined":
        return this.step({ kind: "joined" });
      case "pair-message":
        return this.step({ kind: "message", body: frame.body });
      case "pair-closed": {
        const reason = frame.reason === "closed" ? "other-end" : frame.reason;
        return this.step({ kind: "closed", reason });
      }
    }
  }

  step(input: PairingInput): void {
    this.#perform(stepPairing(this.#context, this.#state, input, this.#host.clock.now()));
  }

  #perform({ state, effects }: PairingStep): void {
    this.#state = state;
    this.#schedule();
    for (const effect of effects) this.#performOne(effect);
  }

  #performOne(effect: PairingEffect): void {
    switch (effect.kind) {
      case "open-slot":
        return this.#ask({ kind: "pair-open" }, (answer) => this.#slotAnswer(answer));
      case "join-slot":
        return this.#ask({ kind: "pair-join", slot: effect.slot }, (answer) =>
          this.step({ kind: "join-result", status: statusOf(answer) }),
        );
      case "send":
        return this.#host.send({ kind: "pair-send", slot: effect.slot, body: effect.body });
      case "close":
        return this.#host.send({ kind: "pair-close", slot: effect.slot });
      case "emit":
        return this.#event(effect.event);
    }
  }

  #ask(query: Parameters<Directory["meet"]>[0], answered: (answer: DirectoryAnswer) => void): void {
    this.#host.directory.meet(query, answered, (error) => this.step({ kind: "link-lost", error }));
  }

  #slotAnswer(answer: DirectoryAnswer): void {
    if (answer.kind !== "pair-slot")
      return this.step({ kind: "slot-refused", status: statusOf(answer) });
    const { slot, validMs } = answer;
    this.step({ kind: "slot", slot, validMs });
  }

  #event(event: CoreEvent): void {
    switch (event.kind) {
      case "code":
        return this.#events.push({ type: "code", code: event.code, validMs: event.validMs });
      case "guessed":
        return this.#events.push({ type: "guessed" });
      case "paired":
        return void this.#meet(event);
      case "failed":
        return this.#end(() => this.#paired.reject(event.error));
    }
  }

  async #meet(met: Met): Promise<void> {
    try {
      const paired = await this.#host.meet(met);
      this.#end(() => this.#paired.resolve(paired));
    } catch (error) {
      wipe(met.secret);
      this.#end(() => this.#paired.reject(asPosternError(error)));
    }
  }

  #end(settle: () => void): void {
    this.#cancelTimer?.();
    this.#onEnd();
    this.#events.end();
    settle();
  }

  #schedule(): void {
    this.#cancelTimer?.();
    const due = pairingDeadline(this.#state);
    if (due === undefined) return;
    const { clock } = this.#host;
    const wait = Math.max(0, due - clock.now());
    this.#cancelTimer = clock.after(wait, () => this.step({ kind: "woke" }));
  }
}

/** Of a refusal; the machine knows `done`. */
function statusOf(answer: DirectoryAnswer): string {
  return answer.kind === "refused" ? answer.status : answer.kind;
}
