/**
 * The relay's RSA key and its use: opens a wrapped master key and wraps it for the receiver
 * (docs/protocol.md 7.1), and proves to clients that the relay holds it (7.2). Made in the
 * background at the first start, replaced before its time.
 *
 * Invariants: an opened master key is wiped before anything else is done with the next one; the
 * key that was replaced opens what is under way for {@link GRACE_MS} and is then forgotten.
 *
 * @module
 */
import { equalBytes, wipe } from "@postern/core/bytes";
import type { Rsa, RsaKeyPair } from "@postern/core/crypto";
import { RELAYED_KEY_BYTES, type RelayAuthInput } from "@postern/core/exchange/relay-half";
import { RSA_KEY_VALID_MS } from "@postern/core/limits";
import { after, type InstantMs, type WallMs } from "@postern/core/time";
import type { RelayClock } from "./clock.ts";
import type { RelayLogger } from "./log.ts";
import type { RelayStore } from "./relay-store.ts";
import type { RewrapOutcome, SwitchboardEffect, SwitchboardInput } from "./switchboard-io.ts";
import type { Timed, Wheel } from "./wheel.ts";

type RewrapEffect = Extract<SwitchboardEffect, { kind: "rewrap" }>;
type ProveEffect = Extract<SwitchboardEffect, { kind: "prove" }>;
type Job = RewrapEffect | ProveEffect;

/** A day before its end a key is replaced: nobody is handed one that is about to end. */
const REPLACE_AHEAD_MS = 86_400_000;
const LOOK_EVERY_MS = 3_600_000;
const GRACE_MS = 60_000;

export interface RsaDeskOptions {
  readonly rsa: Rsa;
  readonly store: RelayStore;
  readonly clock: RelayClock;
  readonly wheel: Wheel;
  readonly log: RelayLogger;
  /** Tells the switchboard the public key, first and after each change, and what was wrapped. */
  readonly input: (input: SwitchboardInput) => void;
}

export class RsaDesk implements Timed {
  readonly #options: RsaDeskOptions;
  readonly #jobs: Job[] = [];
  #working = false;
  #current: { readonly pair: RsaKeyPair; readonly notAfter: WallMs } | undefined;
  #previous: { readonly pair: RsaKeyPair; readonly until: InstantMs } | undefined;
  #look: InstantMs;
  #isClosed = false;

  constructor(options: RsaDeskOptions) {
    this.#options = options;
    this.#look = options.clock.now();
  }

  /** @throws PosternError `store/failed` when the stored key is damaged. */
  async start(): Promise<void> {
    const stored = this.#options.store.rsaKey();
    if (stored === undefined) {
      this.#renewLater();
      return;
    }
    const pair = await this.#options.rsa.importSecret(stored.pkcs8);
    wipe(stored.pkcs8);
    this.#use(pair, stored.notAfter);
    this.#watch();
  }

  /**
   * Answered by the input `rewrapped` or `proved`, one job a turn of the event loop: links and
   * pipes go on between.
   */
  perform(job: Job): void {
    this.#jobs.push(job);
    if (this.#working) return;
    this.#working = true;
    setImmediate(() => void this.#work());
  }

  close(): void {
    this.#isClosed = true;
    this.#jobs.length = 0;
    this.#current = undefined;
    this.#previous = undefined;
  }

  deadline(): InstantMs | undefined {
    if (this.#isClosed) return undefined;
    return this.#previous === undefined || this.#look < this.#previous.until
      ? this.#look
      : this.#previous.until;
  }

  wake(now: InstantMs): void {
    if (this.#previous !== undefined && now >= this.#previous.until) this.#previous = undefined;
    if (now >= this.#look) this.#watch();
  }

  #watch(): void {
    const { clock, wheel } = this.#options;
    this.#look = after(clock.now(), LOOK_EVERY_MS);
    wheel.schedule(this);
    const end = this.#current?.notAfter ?? 0;
    if (end - clock.wall() < REPLACE_AHEAD_MS) this.#renewLater();
  }

  #renewLater(): void {
    this.#renew().catch((error: unknown) => {
      const reason = error instanceof Error ? error.message : "unknown";
      this.#options.log.error({ reason }, "no new RSA key could be made");
    });
  }

  async #renew(): Promise<void> {
    const { rsa, store, clock, wheel, log } = this.#options;
    // Whether it works or not: the next look is an hour away.
    this.#look = after(clock.now(), LOOK_EVERY_MS);
    wheel.schedule(this);
    const pair = await rsa.generate();
    if (this.#isClosed) return;
    const notAfter = (clock.wall() + RSA_KEY_VALID_MS) as WallMs;
    const pkcs8 = pair.exportSecret();
    try {
      store.saveRsaKey({ pkcs8, notAfter });
    } finally {
      wipe(pkcs8);
    }
    this.#use(pair, notAfter);
    log.info("a new RSA key is in use");
  }

  #use(pair: RsaKeyPair, notAfter: WallMs): void {
    const { clock, wheel, input } = this.#options;
    if (this.#current !== undefined)
      this.#previous = { pair: this.#current.pair, until: after(clock.now(), GRACE_MS) };
    this.#current = { pair, notAfter };
    wheel.schedule(this);
    input({ kind: "relay-key", spki: pair.spki });
  }

  async #work(): Promise<void> {
    const job = this.#jobs.shift();
    if (job === undefined || this.#isClosed) {
      this.#working = false;
      return;
    }
    const answer: SwitchboardInput =
      job.kind === "rewrap"
        ? { kind: "rewrapped", job: job.job, outcome: await this.#wrapAgain(job) }
        : { kind: "proved", job: job.job, answer: await this.#prove(job) };
    setImmediate(() => void this.#work());
    this.#options.input(answer);
  }

  async #prove({ work }: ProveEffect): Promise<RelayAuthInput> {
    const { rsa } = this.#options;
    try {
      if (work.kind === "decrypt") {
        const pair = this.#pairs().find(({ spki }) => equalBytes(spki, work.own));
        const plaintext = pair && (await rsa.decrypt(pair, work.label, work.ciphertext));
        return { kind: "decrypted", plaintext };
      }
      const key = await rsa.importPublic(work.to);
      const ciphertext = key && (await rsa.encrypt(key, work.label, work.plaintext));
      return { kind: "encrypted", ciphertext };
    } catch (error) {
      const reason = error instanceof Error ? error.message : "unknown";
      this.#options.log.error({ reason }, "a proof could not be made");
      return work.kind === "decrypt"
        ? { kind: "decrypted", plaintext: undefined }
        : { kind: "encrypted", ciphertext: undefined };
    } finally {
      if (work.kind === "encrypt") wipe(work.plaintext);
    }
  }

  async #wrapAgain({ up, down, ciphertext, to }: RewrapEffect): Promise<RewrapOutcome> {
    const { rsa } = this.#options;
    const masterKey = await this.#open(up, ciphertext);
    try {
      const key = await rsa.importPublic(to);
      if (key === undefined) return { kind: "refused" };
      if (masterKey?.length !== RELAYED_KEY_BYTES) return { kind: "failed" };
      return { kind: "done", ciphertext: await rsa.encrypt(key, down, masterKey) };
    } catch (error) {
      const reason = error instanceof Error ? error.message : "unknown";
      this.#options.log.error({ reason }, "a master key could not be wrapped");
      return { kind: "failed" };
    } finally {
      wipe(masterKey);
    }
  }

  async #open(label: Uint8Array, ciphertext: Uint8Array): Promise<Uint8Array | undefined> {
    const { rsa } = this.#options;
    for (const pair of this.#pairs()) {
      const opened = await rsa.decrypt(pair, label, ciphertext);
      if (opened !== undefined) return opened;
    }
    return undefined;
  }

  #pairs(): readonly RsaKeyPair[] {
    return [this.#current, this.#previous].flatMap((held) => (held ? [held.pair] : []));
  }
}
