/**
 * Everybody of one run: a world, its weather, a relay, its clients, and the checkers that watch
 * them.
 *
 * @module
 */
import { hex } from "@postern/core/bytes";
import type { Suite } from "@postern/core/crypto";
import { identityFromSeed, relayFingerprint } from "@postern/core/identity";
import { nativeSuite } from "@postern/node";
import { memoryNames } from "@postern/relay";
import { ChangedBytes } from "./changed-bytes.ts";
import { ChannelLedger } from "./channel-ledger.ts";
import { ChannelWatch } from "./channel-watch.ts";
import { MasterKeyChecker, NonceChecker, SecrecyChecker, type Report } from "./checkers.ts";
import { ClientDriver, type ClientPorts } from "./client-driver.ts";
import { flawedSuite, type Flaw } from "./flaws.ts";
import { Ledger, type Name } from "./ledger.ts";
import { Malice } from "./malice.ts";
import { Network } from "./network.ts";
import { Prng } from "./prng.ts";
import { RelayDriver } from "./relay-driver.ts";
import { RelayPackages } from "./relay-packages.ts";
import { decide } from "./decide.ts";
import { simRsa, simSuite } from "./sim-suite.ts";
import { channelClimateOf, climateOf, Weather, type Climate } from "./weather.ts";
import { World } from "./world.ts";

export type SimProfile = "symmetric" | "end-to-end";

export interface Cast {
  readonly world: World;
  readonly weather: Weather;
  readonly network: Network;
  readonly relay: RelayDriver;
  readonly clients: readonly ClientDriver[];
}

export interface CastOptions {
  readonly seed: number;
  readonly profile: SimProfile;
  readonly flaw: Flaw | undefined;
  readonly climate: Climate | undefined;
  readonly report: Report;
}

/** `ledger` for the profile of the run. */
export type Company =
  | { readonly profile: "symmetric"; readonly cast: Cast; readonly ledger: Ledger }
  | {
      readonly profile: "end-to-end";
      readonly cast: Cast;
      readonly ledger: ChannelLedger;
      readonly watch: ChannelWatch;
    };

const IDENTITIES = {
  alice: identityFromSeed(nativeSuite, new Uint8Array(32).fill(1)),
  bob: identityFromSeed(nativeSuite, new Uint8Array(32).fill(2)),
  carol: identityFromSeed(nativeSuite, new Uint8Array(32).fill(3)),
};
const NAMES = new Map<string, Name>([
  [hex(IDENTITIES.alice.fingerprint), "alice"],
  [hex(IDENTITIES.bob.fingerprint), "bob"],
  [hex(IDENTITIES.carol.fingerprint), "carol"],
]);

export function assemble(options: CastOptions): Company {
  const prng = new Prng(options.seed);
  return options.profile === "symmetric"
    ? assembleSymmetric(options, prng)
    : assembleChannels(options, prng);
}

function assembleSymmetric(options: CastOptions, prng: Prng): Company {
  const { report, climate } = options;
  const weather = new Weather(prng, climate ?? climateOf(prng));
  const ledger = new Ledger(report, weather.climate.tampers > 0);
  const watch = new ChannelWatch({
    report,
    ledger: undefined,
    names: NAMES,
    pairingSecret: undefined,
  });
  const masterKeys = new MasterKeyChecker(report);
  const nonces = new NonceChecker(report);
  const suiteOf = (owner: string): Suite =>
    simSuite(prng, {
      sealed: (key, nonce, aad, plaintext) => {
        nonces.sealed(key, nonce, aad, plaintext);
        masterKeys.sealed(owner, key);
      },
      extracted: (salt, secret, key) => masterKeys.extracted(salt, secret, key),
      expanded: (from, key) => masterKeys.expanded(from, key),
    });
  const parts = { weather, ledger, watch, masterKeys, suiteOf, names: ["alice", "bob"] } as const;
  return { profile: "symmetric", ledger, cast: gather(options, prng, parts) };
}

function assembleChannels(options: CastOptions, prng: Prng): Company {
  const { report, climate } = options;
  const weather = new Weather(prng, climate ?? channelClimateOf(prng));
  const ledger = new ChannelLedger(report, isHonest(weather.climate));
  const pairingSecret = prng.chance(200) ? prng.bytes(32) : undefined;
  const watch = new ChannelWatch({ report, ledger, names: NAMES, pairingSecret });
  const nonces = new NonceChecker(report);
  const suiteOf = (): Suite =>
    simSuite(prng, {
      sealed: (key, nonce, aad, plaintext) => nonces.sealed(key, nonce, aad, plaintext),
      extracted: () => undefined,
      expanded: () => undefined,
    });
  const names = prng.pick([
    ["alice", "bob"],
    ["alice", "bob", "carol"],
  ]);
  const masterKeys = new MasterKeyChecker(report);
  const cast = gather(options, prng, { weather, ledger, watch, masterKeys, suiteOf, names });
  return { profile: "end-to-end", ledger, watch, cast };
}

/** The relay does its work, and every device is what it was. */
function isHonest({ malice, tampers, restores }: Climate): boolean {
  return [tampers, restores, ...Object.values(malice)].every((chance) => chance === 0);
}

interface Parts extends Pick<ClientPorts, "weather" | "ledger" | "watch" | "masterKeys"> {
  readonly suiteOf: (owner: string) => Suite;
  readonly names: readonly Name[];
}

function gather(options: CastOptions, prng: Prng, parts: Parts): Cast {
  const { profile, flaw, report } = options;
  const { weather, suiteOf, names, ...checkers } = parts;
  const world = new World(prng);
  const network = new Network(world, weather);
  const rsa = simRsa(prng);
  const secrecy = new SecrecyChecker(report);
  const changed = new ChangedBytes(report);
  const malice = new Malice({ world, weather });
  const shared = { world, weather, network, rsa, secrecy, changed, flaw, report };
  const suiteFor = (owner: string): Suite => flawedSuite(suiteOf(owner), flaw);
  const relaySuite = suiteFor("relay");
  const relay = new RelayDriver(
    { ...shared, malice, suite: relaySuite },
    {
      staticKey: relaySuite.generateKem(),
      names: memoryNames(),
      rsaKey: rsa.generateNow(),
      packages: new RelayPackages(),
    },
  );
  malice.attach(relay);
  const client = (name: Name): ClientDriver => {
    const suite = suiteFor(name);
    const asked: ClientPorts["asked"] = (who, answer) => decide(shared, who, answer);
    const ports = { ...shared, ...checkers, suite, relay, profile, asked };
    const linkKey = suite.generateKem();
    const pin = relayFingerprint(suite, relay.store.staticKey.publicKey);
    const self = { name, identity: IDENTITIES[name], linkKey, pin };
    const capacity = profile === "symmetric" ? prng.between(1, 2) : prng.between(1, 6);
    return new ClientDriver(self, capacity, ports);
  };
  return { world, weather, network, relay, clients: names.map(client) };
}
