/**
 * One envelope, held back by the relay, and what the other end answers to copies that are not it.
 *
 * @module
 */
import type { TransferEnvelope } from "@postern/core/transfer";
import { changeDeliveries, envelopeOf, type Delivery } from "./envelopes.ts";
import type { Talk } from "./talk.ts";

export class HeldEnvelope {
  readonly to: string;
  readonly genuine: Delivery;
  readonly #talk: Talk;

  /** Holds the next envelope of this kind, and everything that comes after it. */
  static async next(talk: Talk, kind: TransferEnvelope["kind"]): Promise<HeldEnvelope> {
    let held: HeldEnvelope | undefined;
    changeDeliveries(talk.relay, (to, delivery, envelope) => {
      if (held === undefined && envelope.kind !== kind) return [delivery];
      held ??= new HeldEnvelope(talk, to, delivery);
      return [];
    });
    await talk.settle();
    if (held === undefined) throw new Error(`no ${kind} came`);
    return held;
  }

  private constructor(talk: Talk, to: string, genuine: Delivery) {
    this.#talk = talk;
    this.to = to;
    this.genuine = genuine;
  }

  get envelope(): TransferEnvelope {
    return envelopeOf(this.genuine);
  }

  /** What the other end sends for `body`: `nothing`, a kind, or a verdict in the clear. */
  async answerTo(body: Uint8Array): Promise<string> {
    const [first] = await this.envelopesFor({ ...this.genuine, body });
    if (first === undefined) return "nothing";
    const envelope = envelopeOf({ body: first });
    return envelope.kind === "refusal" ? envelope.verdict : envelope.kind;
  }

  /** The bodies that it sends. */
  async envelopesFor(delivery: Delivery): Promise<readonly Uint8Array[]> {
    const { relay } = this.#talk;
    const before = relay.heard.length;
    relay.say(this.to, delivery);
    await this.#talk.stage.clock.advance(0);
    return relay.heard
      .slice(before)
      .flatMap(({ from, frame }) =>
        from === this.to && frame.kind === "envelope" ? [frame.body] : [],
      );
  }

  /** Lets the genuine one through, and everything from now on. */
  release(): void {
    const { relay } = this.#talk;
    relay.onAnswer = (_to, frame) => [frame];
    relay.say(this.to, this.genuine);
  }
}
