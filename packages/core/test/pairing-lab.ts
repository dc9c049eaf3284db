/**
 * Openers and joiners in memory, and what stands between them. Every frame is a call, so that a
 * test can do to it what a relay could.
 *
 * @module
 */
import assert from "node:assert/strict";
import { utf8 } from "@postern/core/bytes";
import type { Suite } from "@postern/core/crypto";
import { nobleSuite } from "@postern/core/crypto/noble";
import type { PosternError } from "@postern/core/errors";
import { identityFromSeed } from "@postern/core/identity";
import {
  pairingDeadline,
  startPairing,
  stepPairing,
  type PairingContext,
  type PairingEffect,
  type PairingEvent,
  type PairingInput,
  type PairingStart,
  type PairingState,
  type PairingStep,
} from "@postern/core/pairing";
import type { InstantMs } from "@postern/core/time";

type EventOf<K extends PairingEvent["kind"]> = Extract<PairingEvent, { readonly kind: K }>;

export const SLOT = 37;
export const VALID_MS = 600_000;

export function contextOf(name: string, relay = "relay", suite: Suite = nobleSuite) {
  const { id, fingerprint, signing } = identityFromSeed(suite, suite.sha256(utf8(name)));
  const relayFingerprint = suite.sha256(utf8(relay));
  return { suite, relayFingerprint, self: { id, fingerprint }, signing, name };
}

/** A suite whose chance is given: what is drawn must have the lengths that are waited for. */
export function drawing(...drawn: readonly Uint8Array[]): Suite {
  const left = [...drawn];
  return {
    ...nobleSuite,
    random(length) {
      const next = left.shift();
      assert.equal(next?.length, length, "nothing else is drawn");
      return next.slice();
    },
  };
}

/** A suite whose first draw is given, and the others real. */
export function drawingFirst(first: Uint8Array): Suite {
  const given = drawing(first);
  let draws = 0;
  return {
    ...nobleSuite,
    random: (length) => (draws++ === 0 ? given.random(length) : nobleSuite.random(length)),
  };
}

/** One side of a pairing. */
export class PairingSide {
  readonly context: PairingContext;
  readonly states: PairingState[] = [];
  readonly effects: PairingEffect[] = [];
  now = 1_000 as InstantMs;

  constructor(context: PairingContext, role: PairingStart) {
    this.context = context;
    this.#follow(startPairing(context, role, this.now));
  }

  get state(): PairingState {
    return this.states.at(-1)!;
  }

  get events(): readonly PairingEvent[] {
    return this.effects.flatMap((effect) => (effect.kind === "emit" ? [effect.event] : []));
  }

  /** Every body it ever sent. */
  get sent(): readonly Uint8Array[] {
    return this.effects.flatMap((effect) => (effect.kind === "send" ? [effect.body] : []));
  }

  get closed(): readonly number[] {
    return this.effects.flatMap((effect) => (effect.kind === "close" ? [effect.slot] : []));
  }

  get error(): PosternError | undefined {
    return this.state.kind === "failed" ? this.state.error : undefined;
  }

  /** What came of it: the code of the error, or the state. */
  get outcome(): string {
    return this.error?.code ?? this.state.kind;
  }

  /** The last event of a kind. */
  last<K extends PairingEvent["kind"]>(kind: K): EventOf<K> {
    const event = this.events.findLast((each) => each.kind === kind);
    assert(event !== undefined, `no ${kind}`);
    return event as EventOf<K>;
  }

  /** The effects of one input. */
  step(input: PairingInput): readonly PairingEffect[] {
    return this.#follow(stepPairing(this.context, this.state, input, this.now));
  }

  /** A body of the other end; what it is answered with, if with anything. */
  hear(body: Uint8Array | undefined): Uint8Array | undefined {
    assert(body !== undefined, "there was something to hear");
    const effects = this.step({ kind: "message", body });
    const answer = effects.find((effect) => effect.kind === "send");
    return answer?.body;
  }

  wakeAt(now: number): void {
    this.now = now as InstantMs;
    this.step({ kind: "woke" });
  }

  get deadline(): number {
    return pairingDeadline(this.state) ?? assert.fail("no deadline");
  }

  #follow({ state, effects }: PairingStep): readonly PairingEffect[] {
    this.states.push(state);
    this.effects.push(...effects);
    return effects;
  }
}

/** Shows its code. */
export function opener(
  context: PairingContext = contextOf("alice"),
  slot = SLOT,
  words = 2,
): PairingSide {
  const side = new PairingSide(context, { kind: "opener", words });
  side.step({ kind: "slot", slot, validMs: VALID_MS });
  return side;
}

/** Let in by the relay. */
export function joiner(code: string, context: PairingContext = contextOf("bob")): PairingSide {
  const side = new PairingSide(context, { kind: "joiner", code });
  side.step({ kind: "join-result", status: "done" });
  return side;
}

/** The code that an opener shows now. */
export function codeOf(side: PairingSide): string {
  return side.last("code").code;
}

/** The other code of the same slot. */
export function wrongCode(side: PairingSide): string {
  const [slot] = codeOf(side).split("-");
  const wrong = `${slot}-zoo-zoo`;
  return wrong === codeOf(side) ? `${slot}-zoo-zone` : wrong;
}

/** Message 1, when somebody joins. */
export function greeting(side: PairingSide): Uint8Array | undefined {
  return side.step({ kind: "joined" }).find((effect) => effect.kind === "send")?.body;
}

/** All five messages, or as many as there are; then the joiner's close, as a relay hands it on. */
export function converse(a: PairingSide, b: PairingSide): void {
  let heard = greeting(a);
  for (let to = b; heard !== undefined; to = to === a ? b : a) heard = to.hear(heard);
  if (b.closed.length > 0) a.step({ kind: "closed", reason: "other-end" });
  else if (a.closed.length > 0) b.step({ kind: "closed", reason: "other-end" });
}

/** An opener and a joiner who have met. */
export function met(): { readonly a: PairingSide; readonly b: PairingSide } {
  const a = opener();
  const b = joiner(codeOf(a));
  converse(a, b);
  return { a, b };
}
