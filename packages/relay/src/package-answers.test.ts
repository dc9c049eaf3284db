import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import {
  ONE_TIME_PACKAGE_VALID_MS,
  PACKAGE_FETCHES_PER_MINUTE,
  PACKAGE_PUBLICATIONS_PER_MINUTE,
  PACKAGES_MAX,
  PACKAGES_ONE_TIME,
  PACKAGES_PER_IDENTITY_MAX,
} from "@postern/core/limits";
import { PROFILE_BITS, type HeldPackage } from "@postern/core/link";
import { concat, hex } from "@postern/core/bytes";
import { BoardDriver, type Player } from "../test/board-driver.ts";
import { kidOf, packageOf, packagesOf } from "../test/packages.ts";
import { suite, type Person } from "../test/test-client.ts";
import { dataDirectory } from "../test/test-relay.ts";
import { memoryPackages, type KeyPackages } from "./key-packages.ts";
import { memoryNames } from "./names.ts";
import { openRelayStore } from "./relay-store.ts";

const MINUTE_MS = 60_000;

function driverWith(packages: KeyPackages = memoryPackages()): BoardDriver {
  return new BoardDriver(memoryNames(), undefined, packages);
}

function publish(
  player: Player,
  packages: readonly Uint8Array[],
  replace = false,
): readonly HeldPackage[] {
  player.send({ kind: "publish-packages", request: 1, replace, packages });
  return player.only("packages-held").held;
}

function refusal(player: Player, packages: readonly Uint8Array[], replace = false): string {
  player.send({ kind: "publish-packages", request: 1, replace, packages });
  return player.only("result").status;
}

function fetch(player: Player, of: Uint8Array): Uint8Array {
  player.send({ kind: "fetch-package", request: 1, of });
  return player.only("package").keyPackage;
}

function named(packages: readonly Uint8Array[]): string[] {
  return packages.map((each) => hex(kidOf(each)));
}

const kids = (held: readonly HeldPackage[]): string[] => held.map(({ kid }) => hex(kid));

/** What every store of packages must do, whatever it writes to. */
const STORES: readonly (readonly [string, (t: TestContext) => Promise<KeyPackages>])[] = [
  ["in memory", async () => memoryPackages()],
  [
    "on disk",
    async (t) => {
      const store = openRelayStore(await dataDirectory(t), suite);
      t.after(() => store.close());
      return store.packages;
    },
  ],
];

for (const [where, open] of STORES) {
  test(`packages ${where}: each goes out once, oldest first, then the last resort for ever`, async (t) => {
    const driver = driverWith(await open(t));
    const [bob, alice] = [driver.login("bob"), driver.login("alice")];
    const lastResort = packageOf(bob.who, { type: "last-resort" });
    const oneTime = packagesOf(bob.who, PACKAGES_ONE_TIME);
    assert.equal(publish(bob, [lastResort, ...oneTime]).length, PACKAGES_PER_IDENTITY_MAX);
    const got = oneTime.map(() => fetch(alice, bob.fingerprint));
    assert.deepEqual(named(got), named(oneTime));
    assert.deepEqual(Buffer.from(got[0] ?? []), Buffer.from(oneTime[0] ?? []));
    for (let i = 0; i < 3; i++)
      assert.deepEqual(Buffer.from(fetch(alice, bob.fingerprint)), Buffer.from(lastResort));
    assert.deepEqual(
      publish(bob, []).map(({ kid, type }) => [hex(kid), type]),
      [[hex(kidOf(lastResort)), "last-resort"]],
    );
  });

  test(`packages ${where}: two links that race for the last one get different answers`, async (t) => {
    const driver = driverWith(await open(t));
    const bob = driver.login("bob");
    const [alice, carol] = [driver.login("alice"), driver.login("carol")];
    const [only = new Uint8Array()] = packagesOf(bob.who, 1);
    publish(bob, [only]);
    assert.deepEqual(Buffer.from(fetch(alice, bob.fingerprint)), Buffer.from(only));
    assert.equal(fetch(carol, bob.fingerprint).length, 0, "there is none");
    const lastResort = packageOf(bob.who, { type: "last-resort" });
    const [next = new Uint8Array()] = packagesOf(bob.who, 1);
    publish(bob, [next, lastResort]);
    assert.deepEqual(Buffer.from(fetch(carol, bob.fingerprint)), Buffer.from(next));
    assert.deepEqual(Buffer.from(fetch(alice, bob.fingerprint)), Buffer.from(lastResort));
  });

  test(`packages ${where}: publish-packages adds, replaces and says what is held`, async (t) => {
    const packages = await open(t);
    const driver = driverWith(packages);
    const bob = driver.login("bob");
    assert.deepEqual(publish(bob, []), []);
    const first = packagesOf(bob.who, 3);
    const old = packageOf(bob.who, { type: "last-resort" });
    assert.deepEqual(kids(publish(bob, [...first, old])), named([...first, old]));
    const fresh = packageOf(bob.who, { type: "last-resort" });
    assert.deepEqual(kids(publish(bob, [fresh])), named([...first, fresh]), "one of last resort");
    const two = [1, 2].map(() => packageOf(bob.who, { type: "last-resort" }));
    assert.deepEqual(kids(publish(bob, two)), named([...first, ...two.slice(1)]), "the latest");
    assert.deepEqual(kids(publish(bob, [])), named([...first, ...two.slice(1)]));
    assert.equal(packages.count, 4);
    const second = packagesOf(bob.who, 2);
    assert.deepEqual(kids(publish(bob, second, true)), named(second));
    assert.deepEqual(kids(publish(bob, [])), named(second));
    assert.deepEqual(publish(bob, [], true), []);
    assert.equal(packages.count, 0);
  });

  test(`packages ${where}: a kid is kept once; the same package again changes nothing`, async (t) => {
    const packages = await open(t);
    const driver = driverWith(packages);
    const [bob, eve] = [driver.login("bob"), driver.login("eve")];
    const kid = new Uint8Array(16).fill(7);
    const one = packageOf(bob.who, { kid, fill: 1 });
    const other = packageOf(bob.who, { kid, fill: 2 });
    assert.equal(refusal(bob, [one, one]), "refused");
    assert.equal(refusal(bob, [one, other]), "refused");
    assert.deepEqual(publish(bob, []), [], "nothing of them is kept");
    publish(bob, [one]);
    assert.deepEqual(kids(publish(bob, [one])), [hex(kid)]);
    assert.equal(refusal(bob, [packageOf(bob.who), other]), "refused");
    assert.equal(packages.count, 1);
    assert.deepEqual(kids(publish(bob, [other], true)), [hex(kid)], "unless all are replaced");
    assert.deepEqual(kids(publish(eve, [packageOf(eve.who, { kid })])), [hex(kid)], "its own");
    assert.deepEqual(Buffer.from(fetch(eve, bob.fingerprint)), Buffer.from(other));
  });

  test(`packages ${where}: none is held or handed out past its time`, async (t) => {
    const packages = await open(t);
    const driver = driverWith(packages);
    const [bob, alice] = [driver.login("bob"), driver.login("alice")];
    const short = packageOf(bob.who, { notAfter: driver.wall + 1_000 });
    const past = packageOf(bob.who, { notAfter: driver.wall - 1 });
    const long = packageOf(bob.who);
    assert.deepEqual(kids(publish(bob, [short, past, long])), named([short, long]));
    driver.wall += 1_001;
    assert.deepEqual(Buffer.from(fetch(alice, bob.fingerprint)), Buffer.from(long));
    assert.equal(fetch(alice, bob.fingerprint).length, 0);
    assert.deepEqual(publish(bob, []), []);
    assert.equal(packages.count, 0);
    publish(bob, [packageOf(bob.who, { type: "last-resort" })]);
    driver.wall += ONE_TIME_PACKAGE_VALID_MS;
    assert(fetch(alice, bob.fingerprint).length > 0);
    driver.wall += 1;
    assert.equal(fetch(alice, bob.fingerprint).length, 0, "whatever it says of itself");
  });

  test(`R-03 packages ${where}: others' publications clear away what is past its time`, async (t) => {
    const packages = await open(t);
    const driver = driverWith(packages);
    for (let i = 0; i < 4; i++) {
      const sybil = driver.login(`sybil-${i}`);
      const notAfter = driver.wall + 1;
      publish(
        sybil,
        Array.from({ length: PACKAGES_ONE_TIME }, () => packageOf(sybil.who, { notAfter })),
      );
      sybil.leave();
    }
    assert.equal(packages.count, 4 * PACKAGES_ONE_TIME);
    driver.wall += 2;
    const bob = driver.login("bob");
    for (let i = 1; i <= 3; i++) publish(bob, packagesOf(bob.who, 1));
    assert.equal(packages.count, 3);
  });
}

test("S-03 stepSwitchboard() lets a client publish for nobody but itself", () => {
  const driver = driverWith();
  const [bob, eve] = [driver.login("bob"), driver.login("eve")];
  assert.equal(refusal(eve, [packageOf(bob.who)]), "refused");
  assert.equal(refusal(eve, [packageOf(eve.who), packageOf(bob.who)], true), "refused");
  const own = packagesOf(bob.who, 2);
  publish(bob, own);
  publish(eve, [packageOf(eve.who)], true);
  publish(eve, [], true);
  assert.deepEqual(kids(publish(bob, [])), named(own), "replacing is for one's own too");
});

/** Bob's package, spoilt in one place each. */
const SPOILT: readonly (readonly [string, (who: Person) => Uint8Array])[] = [
  ["of another version", (who) => patched(who, 0, 2)],
  ["of another suite", (who) => patched(who, 2, 2)],
  ["of type reply", (who) => packageOf(who, { type: "reply" })],
  ["of an unlisted type", (who) => patched(who, 3, 3)],
  ["with a time above 2^53", (who) => patched(who, 4 + 16 + 1_216, 0xff)],
  ["with an unknown profile", (who) => patched(who, 4 + 16 + 1_216 + 16, 0x88)],
  ["with an ID of another version", (who) => patched(who, 4 + 16 + 1_216 + 17, 9)],
  ["that is noise", () => suite.random(1_352)],
];

for (const [what, make] of SPOILT) {
  test(`P-03 stepSwitchboard() refuses a package ${what}, and all beside it`, () => {
    const driver = driverWith();
    const bob = driver.login("bob");
    const before = packagesOf(bob.who, 1);
    publish(bob, before);
    assert.equal(refusal(bob, [packageOf(bob.who), make(bob.who)], true), "refused");
    assert.deepEqual(kids(publish(bob, [])), named(before));
    assert.equal(bob.closed, undefined);
  });
}

test("stepSwitchboard() takes a package whose signature does not hold: who fetches it looks", () => {
  const driver = driverWith();
  const bob = driver.login("bob");
  const forged = packageOf(bob.who);
  forged[forged.length - 1] = (forged.at(-1) ?? 0) ^ 1;
  assert.deepEqual(kids(publish(bob, [forged])), named([forged]));
});

test("R-06 stepSwitchboard() keeps PACKAGES_PER_IDENTITY_MAX of one identity, exactly", () => {
  const packages = memoryPackages();
  const driver = driverWith(packages);
  const bob = driver.login("bob");
  const first = packagesOf(bob.who, PACKAGES_PER_IDENTITY_MAX - 1);
  publish(bob, first);
  assert.equal(refusal(bob, packagesOf(bob.who, 2)), "overloaded");
  assert.deepEqual(kids(publish(bob, [])), named(first), "then nothing changes");
  publish(bob, packagesOf(bob.who, 1));
  assert.equal(refusal(bob, [packageOf(bob.who, { type: "last-resort" })]), "overloaded");
  assert.equal(packages.count, PACKAGES_PER_IDENTITY_MAX);
  const others = packagesOf(bob.who, PACKAGES_PER_IDENTITY_MAX);
  assert.deepEqual(kids(publish(bob, others, true)), named(others));
});

test("R-06 stepSwitchboard() keeps PACKAGES_MAX of all identities, exactly", () => {
  const packages = memoryPackages();
  let others = PACKAGES_MAX - 2;
  const full: KeyPackages = {
    ...packages,
    get count() {
      return others + packages.count;
    },
  };
  const driver = driverWith(full);
  const bob = driver.login("bob");
  const own = packagesOf(bob.who, 2);
  publish(bob, own);
  assert.equal(refusal(bob, packagesOf(bob.who, 1)), "overloaded");
  assert.equal(publish(bob, packagesOf(bob.who, 2), true).length, 2, "in the place of others");
  others++;
  assert.equal(publish(bob, []).length, 2, "asking takes no room");
  assert.equal(refusal(bob, packagesOf(bob.who, 2), true), "overloaded");
  assert.deepEqual(publish(bob, [], true), [], "nor does clearing");
});

test("stepSwitchboard() tells who was never here from who has no packages", () => {
  const driver = driverWith();
  const [alice, bob] = [driver.login("alice"), driver.login("bob")];
  bob.leave();
  assert.equal(fetch(alice, bob.fingerprint).length, 0);
  alice.send({ kind: "fetch-package", request: 9, of: new Uint8Array(32) });
  assert.deepEqual(alice.only("result"), { kind: "result", request: 9, status: "unknown" });
});

test("stepSwitchboard() hands out packages while their owner is away", () => {
  const driver = driverWith();
  const [alice, bob] = [driver.login("alice"), driver.login("bob")];
  const [one = new Uint8Array()] = packagesOf(bob.who, 1);
  publish(bob, [one]);
  bob.leave();
  assert.deepEqual(Buffer.from(fetch(alice, bob.fingerprint)), Buffer.from(one));
});

test("R-03 stepSwitchboard() bounds the fetches of one link in a minute, hit or miss", () => {
  const driver = driverWith();
  const [alice, bob, eve] = [driver.login("alice"), driver.login("bob"), driver.login("eve")];
  publish(bob, packagesOf(bob.who, PACKAGES_ONE_TIME));
  const ask = (of: Uint8Array): string => {
    eve.send({ kind: "fetch-package", request: 1, of });
    const [frame] = eve.take();
    return frame?.kind === "result" ? frame.status : String(frame?.kind);
  };
  for (let i = 0; i < PACKAGE_FETCHES_PER_MINUTE - 2; i++)
    assert.equal(ask(new Uint8Array(32)), "unknown");
  assert.equal(ask(bob.fingerprint), "package");
  assert.equal(ask(bob.fingerprint), "package");
  for (let i = 0; i < 100; i++) assert.equal(ask(bob.fingerprint), "overloaded");
  assert.equal(publish(bob, []).length, PACKAGES_ONE_TIME - 2, "nothing more went");
  assert(fetch(alice, bob.fingerprint).length > 0, "others are not slowed");
  driver.now += MINUTE_MS;
  assert.equal(ask(bob.fingerprint), "package");
});

test("R-03 stepSwitchboard() bounds the publications of one link in a minute", () => {
  const driver = driverWith();
  const [bob, eve] = [driver.login("bob"), driver.login("eve")];
  for (let i = 0; i < PACKAGE_PUBLICATIONS_PER_MINUTE; i++) publish(eve, [], true);
  assert.equal(refusal(eve, packagesOf(eve.who, 1)), "overloaded");
  assert.equal(publish(bob, packagesOf(bob.who, 1)).length, 1);
  driver.now += MINUTE_MS;
  assert.equal(publish(eve, packagesOf(eve.who, 1)).length, 1);
});

test("stepSwitchboard() keeps no packages where its operator left the profile out", () => {
  const driver = new BoardDriver(memoryNames(), PROFILE_BITS.symmetric);
  const alice = driver.login("alice");
  assert.equal(alice.only("policy").profiles, PROFILE_BITS.symmetric);
  assert.equal(refusal(alice, packagesOf(alice.who, 1)), "refused");
  alice.send({ kind: "fetch-package", request: 3, of: alice.fingerprint });
  assert.equal(alice.only("result").status, "refused");
});

test("R-07 a package whose removal is not durable is not handed out", () => {
  const packages = memoryPackages();
  const driver = driverWith({
    ...packages,
    get count() {
      return packages.count;
    },
    change(owner, dropped, added) {
      if (dropped.length > 0) throw new Error("disk full");
      packages.change(owner, dropped, added);
    },
  });
  const [alice, bob] = [driver.login("alice"), driver.login("bob")];
  publish(bob, packagesOf(bob.who, 1));
  const input = { kind: "fetch-package", request: 1, of: bob.fingerprint } as const;
  assert.throws(() => alice.send(input), /disk full/);
  assert.deepEqual(alice.take(), []);
});

test("C-12 stepSwitchboard() keeps a package's bytes whatever becomes of the frame's", () => {
  const driver = driverWith();
  const bob = driver.login("bob");
  const [one = new Uint8Array()] = packagesOf(bob.who, 1);
  const frame = concat(one);
  publish(bob, [frame]);
  frame.fill(0);
  assert.deepEqual(Buffer.from(fetch(bob, bob.fingerprint)), Buffer.from(one));
});

function patched(who: Person, at: number, value: number): Uint8Array {
  const bytes = packageOf(who);
  bytes[at] = value;
  return bytes;
}
