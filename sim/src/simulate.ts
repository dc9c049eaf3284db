/**
 * One run: Alice, Bob and a relay on a bad day, then the weather clears, everything must come to
 * an end, and what is left must work. Same seed, same run, byte for byte.
 *
 * @module
 */
import type { Suite } from "@postern/core/crypto";
import { identityFromSeed, relayFingerprint } from "@postern/core/identity";
import { CONSENT_TIMEOUT_MS, LINK_DEAD_MS } from "@postern/core/limits";
import { nativeSuite } from "@postern/node";
import { memoryNames, memoryPackages } from "@postern/relay";
import { ChangedBytes } from "./changed-bytes.ts";
import { MasterKeyChecker, NonceChecker, SecrecyChecker } from "./checkers.ts";
import { ClientDriver, type ClientPorts } from "./client-driver.ts";
import { flawedSuite, type Flaw } from "./flaws.ts";
import { Ledger, say, type Name } from "./ledger.ts";
import { Network } from "./network.ts";
import { Prng } from "./prng.ts";
import { RelayDriver } from "./relay-driver.ts";
import { decide, plan, send, type Cast } from "./script.ts";
import { simRsa, simSuite } from "./sim-suite.ts";
import { climateOf, Weather, type Climate } from "./weather.ts";
import { World } from "./world.ts";

export interface Run {
  /** The first thing that must not be; `undefined` when all is well. */
  readonly violation: string | undefined;
  readonly trace: readonly string[];
  /** Of all bytes that crossed the network. */
  readonly fingerprint: number;
  /** How many transfers ended in which way, for both sides. */
  readonly endings: ReadonlyMap<string, number>;
}

export interface RunOptions {
  readonly flaw?: Flaw;
  readonly climate?: Climate;
}

/** Nobody waits longer than for a person, and then for the answer. */
const SETTLE_MS_MAX = CONSENT_TIMEOUT_MS + 120_000;
/** Links that fell silent are found dead and renewed within this time. */
const RENEW_MS = LINK_DEAD_MS + 10_000;
/** A dead link is found within a minute, then renewed. */
const RECOVER_MS_MAX = 300_000;

export async function simulate(seed: number, options: RunOptions = {}): Promise<Run> {
  const stage = new Stage(seed, options);
  try {
    await stage.play();
  } catch (error) {
    stage.violation ??= `threw: ${error instanceof Error ? error.stack : String(error)}`;
  }
  const endings = new Map<string, number>();
  for (const { sender, receiver } of stage.ledger.entries) {
    const name = `${say(sender)} / ${say(receiver)}`;
    endings.set(name, (endings.get(name) ?? 0) + 1);
  }
  const { violation, cast } = stage;
  const { trace, fingerprint } = cast.world;
  return { violation, trace, fingerprint, endings };
}

class Stage {
  readonly cast: Cast;
  readonly ledger: Ledger;
  violation: string | undefined;
  readonly #nonces: NonceChecker;
  readonly #masterKeys: MasterKeyChecker;
  readonly #flaw: Flaw | undefined;

  constructor(seed: number, { flaw, climate }: RunOptions) {
    const prng = new Prng(seed);
    const world = new World(prng);
    const report = (violation: string): void => {
      this.violation ??= violation;
    };
    this.#flaw = flaw;
    this.#nonces = new NonceChecker(report);
    this.#masterKeys = new MasterKeyChecker(report);
    const secrecy = new SecrecyChecker(report);
    const changed = new ChangedBytes(report);
    const weather = new Weather(prng, climate ?? climateOf(prng));
    this.ledger = new Ledger(report, weather.climate.tampers > 0);
    const network = new Network(world, weather);
    const rsa = simRsa(prng);
    const shared = { world, weather, network, rsa, secrecy, changed, flaw };
    const relaySuite = this.#suite("relay", prng);
    const relay = new RelayDriver(
      { ...shared, suite: relaySuite },
      {
        staticKey: relaySuite.generateKem(),
        names: memoryNames(),
        packages: memoryPackages(),
        rsaKey: rsa.generateNow(),
      },
    );
    const client = (name: Name): ClientDriver => {
      const suite = this.#suite(name, prng);
      const asked: ClientPorts["asked"] = (who, answer) => decide(shared, who, answer);
      const { masterKeys, ledger } = { masterKeys: this.#masterKeys, ledger: this.ledger };
      const ports = { ...shared, suite, relay, ledger, masterKeys, asked };
      const linkKey = suite.generateKem();
      const pin = relayFingerprint(suite, relay.store.staticKey.publicKey);
      const self = { name, identity: IDENTITIES[name], linkKey, pin };
      return new ClientDriver(self, prng.between(1, 2), ports);
    };
    this.cast = {
      world,
      weather,
      network,
      relay,
      clients: { alice: client("alice"), bob: client("bob") },
    };
  }

  async play(): Promise<void> {
    const { world, weather, clients } = this.cast;
    for (const client of Object.values(clients)) client.start();
    await this.#until(() => clients.alice.isReady && clients.bob.isReady, "nobody comes up");
    const activeMs = plan(this.cast);
    await this.#run(() => false, activeMs);
    weather.clear();
    for (const client of Object.values(clients)) client.clockOffsetMs = 0;
    world.note("the weather clears");
    if (!weather.wasCalm) await this.#run(() => false, RENEW_MS);
    await this.#quiet();
    for (const from of ["alice", "alice", "bob"] as const) await this.#goodTransfer(from);
    await this.#quiet();
    this.ledger.check();
    this.#checkLists();
    this.cast.relay.inspect();
  }

  /** Every transfer ends, everybody is connected and waits for others. */
  async #quiet(): Promise<void> {
    const { alice, bob } = this.cast.clients;
    await this.#until(() => this.ledger.isSettled, "a transfer has no end", SETTLE_MS_MAX);
    await this.#until(
      () => alice.isReady && bob.isReady && alice.isIdle && bob.isIdle,
      "a client does not recover",
      Math.max(RECOVER_MS_MAX, SETTLE_MS_MAX),
    );
    // The last words are under way: presences, above all.
    await this.#run(() => false, 4 * this.cast.weather.climate.latencyMsMax);
  }

  /** With nothing in its way, a transfer arrives, and leaves a key that the next one uses. */
  async #goodTransfer(from: Name): Promise<void> {
    const { clients } = this.cast;
    const count = this.ledger.entries.length;
    const had = clients[from].disk.kept("sending") !== undefined;
    const isThere = this.#isGoodSecond(from);
    send(this.cast, from);
    await this.#run(() => this.ledger.entries.length > count, 60_000);
    const entry = this.ledger.entries[count];
    if (entry === undefined)
      return this.#report(`liveness: ${from} finds nobody after all is over`);
    await this.#quiet();
    if (entry.sender?.kind !== "done" || !entry.sender.nextMasterKey)
      this.#report(`master keys: a good transfer ended as ${say(entry.sender)}`);
    const { events } = entry;
    if (had !== events.includes("kept"))
      this.#report(`master keys: ${from} ${had ? "has" : "has no"} key, yet ${events.join(", ")}`);
    if (isThere && events.includes("key-renewed"))
      this.#report("master keys: a key of both sides is not known");
  }

  /** Whether the last transfer of `from` has left a key with both sides. */
  #isGoodSecond(from: Name): boolean {
    const last = this.ledger.entries.findLast((entry) => entry.from === from);
    return last?.calm === true && last.sender?.kind === "done" && last.sender.nextMasterKey;
  }

  #checkLists(): void {
    const listed = this.cast.relay.listed();
    for (const { name, capacity } of Object.values(this.cast.clients))
      if (listed.get(name) !== capacity)
        this.#report(`presence: ${name} is listed with ${listed.get(name)} of ${capacity}`);
  }

  async #until(done: () => boolean, what: string, limitMs = RECOVER_MS_MAX): Promise<void> {
    if (!(await this.#run(done, limitMs))) this.#report(`liveness: ${what}`);
  }

  async #run(done: () => boolean, limitMs: number): Promise<boolean> {
    const stop = (): boolean => this.violation !== undefined || done();
    const isDone = await this.cast.world.run(stop, limitMs);
    if (this.violation !== undefined) throw new Error(this.violation);
    return isDone;
  }

  #report(violation: string): void {
    this.violation ??= violation;
    throw new Error(violation);
  }

  #suite(owner: string, prng: Prng): Suite {
    const suite = simSuite(prng, {
      sealed: (key, nonce, aad, plaintext) => {
        this.#nonces.sealed(key, nonce, aad, plaintext);
        this.#masterKeys.sealed(owner, key);
      },
      extracted: (salt, secret, key) => this.#masterKeys.extracted(salt, secret, key),
      expanded: (from, key) => this.#masterKeys.expanded(from, key),
    });
    return flawedSuite(suite, this.#flaw);
  }
}

const IDENTITIES = {
  alice: identityFromSeed(nativeSuite, new Uint8Array(32).fill(1)),
  bob: identityFromSeed(nativeSuite, new Uint8Array(32).fill(2)),
};
