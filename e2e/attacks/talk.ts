/**
 * Two people who write to each other end-to-end over the lying relay, and what must hold whatever
 * it does: nobody is shown what nobody sent to them, or sent once and is shown twice; what is
 * reported delivered has been; no key and nonce seal two things; the next honest transfer works.
 *
 * @module
 */
import assert from "node:assert/strict";
import {
  memoryStore,
  messageSource,
  type ClientPorts,
  type ProfileName,
  type Store,
} from "@postern/client";
import type { PosternError } from "@postern/core/errors";
import { formatFingerprint } from "@postern/core/identity";
import { CONSENT_TIMEOUT_MS, FOUND_VALID_MS, OUTBOX_MAX } from "@postern/core/limits";
import { bytesSource, outcomeOf, Stage, type Actor } from "./cast.ts";
import type { LyingRelay } from "./lying-relay.ts";
import { SealLog } from "./seal-log.ts";

/** Longer than any sender waits. */
const PATIENCE_MS = 2 * CONSENT_TIMEOUT_MS;

type Ports = (ports: ClientPorts) => Partial<ClientPorts>;

interface Sent {
  readonly from: string;
  readonly to: Actor;
  readonly what: string;
  outcome: string | undefined;
}

export class Talk {
  readonly stage: Stage;
  readonly seals = new SealLog();
  /** What transfers failed with, in the order of their ends. */
  readonly failures: PosternError[] = [];
  readonly #sent: Sent[] = [];
  readonly #people: Actor[] = [];
  #texts = 0;

  static async open(): Promise<Talk> {
    return new Talk(await Stage.open());
  }

  /** Alice and Bob, who both receive. */
  static async ofTwo(): Promise<{ talk: Talk; alice: Actor; bob: Actor }> {
    const talk = await Talk.open();
    return { talk, alice: await talk.join("alice"), bob: await talk.join("bob") };
  }

  private constructor(stage: Stage) {
    this.stage = stage;
  }

  get relay(): LyingRelay {
    return this.stage.relay;
  }

  /** Somebody comes, and receives. */
  async join(name: string, change: Ports = () => ({})): Promise<Actor> {
    const watched: Ports = (ports) => this.seals.watch({ ...ports, ...change(ports) });
    const ports: Ports = (honest) => ({ ...change(honest), ...watched(honest) });
    const options = { profiles: ["end-to-end"], capacity: 8, ports } as const;
    const actor = await this.stage.receiver(name, options);
    this.#people.push(actor);
    return actor;
  }

  /** The client ends and comes again. */
  async restart(
    actor: Actor,
    store?: Store,
    profiles: readonly ProfileName[] = ["end-to-end"],
  ): Promise<void> {
    await this.stage.restart(actor, store);
    void actor.listen(profiles, 8);
    await this.stage.clock.advance(0);
  }

  /** A message of its own; `done` or a code. */
  async tell(from: Actor, to: Actor, text = this.text()): Promise<string> {
    return await this.until(this.start(from, to, text));
  }

  /** The same, without waiting for its end. */
  async start(from: Actor, to: Actor, text = this.text()): Promise<string> {
    return await this.#outcome(from, to, text, messageSource(text));
  }

  /** Through a pipe. */
  async startFile(from: Actor, to: Actor, bytes: Uint8Array): Promise<string> {
    return await this.#outcome(from, to, digestOf(bytes), bytesSource(bytes));
  }

  text(): string {
    return `text ${++this.#texts}`;
  }

  /** Time passes only while nothing else can go on. */
  async until<T>(promise: Promise<T>): Promise<T> {
    return await this.stage.clock.until(promise, PATIENCE_MS);
  }

  /** Lets everything happen that needs no time. */
  async settle(): Promise<void> {
    for (let round = 0; round < 4; round++) await this.stage.clock.advance(0);
  }

  /** What must hold; then the relay is honest, and both directions must work. */
  async goesOn(one: Actor, other: Actor): Promise<void> {
    await this.settle();
    this.check();
    this.relay.onFrame = (_from, frame) => [frame];
    this.relay.onAnswer = (_to, frame) => [frame];
    this.relay.pipes.onFrame = (frame) => [frame];
    for (const [from, to] of [
      [one, other],
      [other, one],
      [one, other],
    ] as const) {
      const text = this.text();
      assert.equal(await this.tell(from, to, text), "done", "the next honest transfer");
      await this.settle();
      assert.ok(shownTo(to).includes(text), "it is shown");
    }
    this.check();
    // What the relay said of them is worth nothing any more: whoever writes next asks again.
    await this.stage.clock.advance(FOUND_VALID_MS);
  }

  check(): void {
    for (const person of this.#people) {
      // Of the same thing sent twice, what counts as delivered is shown first.
      const due = this.#sent
        .filter(({ to }) => to === person)
        .toSorted(
          (one, other) => Number(other.outcome === "done") - Number(one.outcome === "done"),
        );
      for (const { from, kind, bytes } of person.shown) {
        const what = kind === "message" ? textOf(bytes) : digestOf(bytes);
        const at = due.findIndex((sent) => sent.what === what && sent.from === from);
        assert.notEqual(at, -1, `${person.name} was shown what nobody sent, or sent once: ${what}`);
        due.splice(at, 1);
      }
      for (const { what, outcome } of due)
        assert.notEqual(outcome, "done", `${what} counts as delivered and was not shown`);
    }
    assert.equal(this.seals.repeated, 0, "a key and nonce were used twice");
  }

  async #outcome(
    from: Actor,
    to: Actor,
    what: string,
    content: ReturnType<typeof messageSource>,
  ): Promise<string> {
    const sender = formatFingerprint(from.identity.fingerprint);
    const sent: Sent = { from: sender, to, what, outcome: undefined };
    this.#sent.push(sent);
    const sending = { profile: "end-to-end", content } as const;
    sent.outcome = await outcomeOf(this.stage.start(from, to.name, sending), this.failures);
    return sent.outcome;
  }
}

/** Texts that a person has seen, in their order. */
export function shownTo({ shown }: Actor): string[] {
  return shown.filter(({ kind }) => kind === "message").map(({ bytes }) => textOf(bytes));
}

/** Everything a store keeps, as another store: an older copy of a device. */
export async function copyOf(store: Store): Promise<Store> {
  const copy = memoryStore(await store.identity());
  await copy.saveKeyPackages(await store.keyPackages());
  for (const contact of await store.contacts()) await copy.saveContact(contact);
  for (const { peer, role, record } of await store.channels()) {
    await copy.saveChannel({ peer, role }, record);
    if (role === "sending") continue;
    for (let slot = 0; slot < OUTBOX_MAX; slot++) {
      const receipt = await store.receipt(peer, slot);
      const kept = receipt && { slot, receipt };
      await copy.saveChannel({ peer, role }, record, undefined, { receipt: kept });
    }
  }
  for (const { address, fingerprint } of await store.relayPins())
    await copy.pinRelay(address, fingerprint);
  const rsaKey = await store.rsaKey();
  if (rsaKey !== undefined) await copy.saveRsaKey(rsaKey);
  return copy;
}

function textOf(padded: Uint8Array): string {
  const length = new DataView(padded.buffer, padded.byteOffset).getUint32(0);
  return Buffer.from(padded.subarray(4, 4 + length)).toString();
}

function digestOf(bytes: Uint8Array): string {
  return `${bytes.length} bytes ${Buffer.from(bytes.subarray(0, 16)).toString("hex")}`;
}
