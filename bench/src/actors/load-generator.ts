/**
 * Part: links that send each other envelopes as fast as the relay takes them. Everything is sealed
 * before the clock starts, and what arrives is counted without being opened: a client's work is
 * left out. Questions: `prepare`, `send`.
 *
 * @module
 */
import { setTimeout as delay } from "node:timers/promises";
import process from "node:process";

import { fingerprintOf, parseRelayAddress } from "@postern/core/identity";
import { encodeLinkFrame } from "@postern/core/link";
import { chooseSuite } from "@postern/node";

import { FrameCounter } from "../load/frame-counter.ts";
import { makeClients, openLinks } from "../load/load-clients.ts";
import type { LoadClient, LoadLink } from "../load/load-link.ts";
import { actorSetting, answerQuestions } from "./actor.ts";

export interface LoadSetting {
  /** With fingerprint. */
  readonly relay: string;
  readonly links: number;
  /** That one link sends. */
  readonly envelopes: number;
  readonly bodyBytes: number;
}

/** Envelopes of one link without an answer: enough for every turn of the relay's loop. */
const UNANSWERED_MAX = 64;
const STALLED_MS = 10_000;

const setting = actorSetting() as LoadSetting;
const suite = chooseSuite();
let senders: Sender[] = [];

answerQuestions({
  async prepare() {
    const relay = parseRelayAddress(setting.relay);
    const clients = makeClients(suite, setting.links);
    const links = await Promise.all(
      clients.map(async (client) => (await openLinks(relay, [client]))[0]),
    );
    senders = links.flatMap((link, at) => {
      const to = clients[(at + 1) % clients.length];
      const from = clients.at(at - 1);
      if (link === undefined || to === undefined || from === undefined) return [];
      return [new Sender(link, to, from)];
    });
    return {};
  },
  async send() {
    const [started, before] = [performance.now(), process.cpuUsage()];
    for (const sender of senders) sender.go();
    const seconds = await untilAnswered(started);
    const { user, system } = process.cpuUsage(before);
    const delivered = sumOver((sender) => sender.delivered);
    return { seconds, delivered, cpuSeconds: (user + system) / 1e6 };
  },
});

class Sender {
  readonly #link: LoadLink;
  readonly #counter: FrameCounter;
  readonly #sealed: Uint8Array;
  readonly #frameBytes: number;
  #sent = 0;

  /** @param from whose envelopes come by this link */
  constructor(link: LoadLink, to: LoadClient, from: LoadClient) {
    this.#link = link;
    const fingerprint = fingerprintOf(suite, to.identity.id);
    const body = suite.random(setting.bodyBytes);
    const { identity, name } = from;
    const answer = { kind: "result", request: 1, status: "done" } as const;
    const delivery = { kind: "delivery", from: identity.id, name, body } as const;
    this.#counter = new FrameCounter({
      short: encodeLinkFrame(answer).length,
      long: encodeLinkFrame(delivery).length,
    });
    const frames = Array.from({ length: setting.envelopes }, (_, at) =>
      link.seal({ kind: "envelope", request: at + 1, to: fingerprint, body }),
    );
    this.#frameBytes = frames[0]?.length ?? 0;
    this.#sealed = Buffer.concat(frames);
    link.takeSealed((bytes) => {
      this.#counter.push(bytes);
      this.go();
    });
  }

  get answered(): number {
    return this.#counter.short;
  }

  get delivered(): number {
    return this.#counter.long;
  }

  /** What there is room for, in one write. */
  go(): void {
    const until = Math.min(setting.envelopes, this.answered + UNANSWERED_MAX);
    // Half of the room at least: many small writes would measure the generator.
    const isWorthIt = until - this.#sent >= UNANSWERED_MAX / 2 || until === setting.envelopes;
    if (until <= this.#sent || !isWorthIt) return;
    const [from, to] = [this.#sent * this.#frameBytes, until * this.#frameBytes];
    this.#sent = until;
    this.#link.socket.write(this.#sealed.subarray(from, to));
  }
}

/** Seconds from `started` to the last answer. */
async function untilAnswered(started: number): Promise<number> {
  const wanted = senders.length * setting.envelopes;
  let [answered, changed] = [0, performance.now()];
  while (answered < wanted) {
    await delay(2);
    const now = sumOver((sender) => sender.answered);
    if (now > answered) [answered, changed] = [now, performance.now()];
    else if (performance.now() - changed > STALLED_MS)
      throw new Error(`${answered} of ${wanted} envelopes were answered`);
  }
  return (performance.now() - started) / 1_000;
}

function sumOver(of: (sender: Sender) => number): number {
  return senders.reduce((sum, sender) => sum + of(sender), 0);
}
