import assert from "node:assert/strict";
import { test } from "node:test";
import { hex } from "@postern/core/bytes";
import { PosternError } from "@postern/core/errors";
import { identityFromSeed, keyPackageFacts } from "@postern/core/identity";
import {
  PACKAGES_ASKED_AFTER,
  PACKAGES_LOW,
  PACKAGES_LOOKED_AT_MS,
  PACKAGES_MADE_PER_HOUR,
  PACKAGES_ONE_TIME,
  PACKAGES_PER_IDENTITY_MAX,
  PACKAGES_RETRY_MS,
} from "@postern/core/limits";
import type { HeldPackage } from "@postern/core/link";
import type { InstantMs, WallMs } from "@postern/core/time";
import { nativeSuite as suite } from "@postern/node";
import { memoryStore } from "./memory-store.ts";
import { PackagePublisher } from "./package-publisher.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const SEED = new Uint8Array(32).fill(3);

/** A receiver and what its relay holds for it. */
class Receiver {
  readonly store = memoryStore({ name: "bob", signingSeed: SEED, linkSeed: SEED });
  held: HeldPackage[] = [];
  readonly calls: { readonly replace: boolean; readonly count: number }[] = [];
  now = 1_800_000_000_000;
  instant = 0;
  /** Before the relay answers. */
  before: (count: number) => Promise<void> = async () => undefined;
  expire: () => void = () => undefined;
  look: () => void = () => assert.fail("nothing was planned");
  isReceiving = true;
  hourEnds: () => void = () => assert.fail("nothing was planned");
  /** Tries that were planned. */
  retries = 0;
  readonly publisher = new PackagePublisher({
    ports: {
      store: this.store,
      suite,
      wall: () => this.now as WallMs,
      clock: {
        now: () => this.instant as InstantMs,
        after: (delayMs, run) => {
          if (delayMs === PACKAGES_RETRY_MS) this.retries++;
          if (delayMs === HOUR_MS) this.hourEnds = run;
          if (delayMs === PACKAGES_LOOKED_AT_MS) this.look = run;
          this.expire = run;
          return () => undefined;
        },
      },
    },
    identity: identityFromSeed(suite, SEED),
    isReceiving: () => this.isReceiving,
    directory: {
      publish: async (replace, packages) => {
        await this.before(packages.length);
        this.calls.push({ replace, count: packages.length });
        if (replace) this.held = [];
        const stored = new Set((await this.store.keyPackages()).map(({ kid }) => hex(kid)));
        for (const bytes of packages) {
          const { kid, type } = keyPackageFacts(bytes)!;
          assert.ok(stored.has(hex(kid)), "its secret is stored before it is published");
          this.held.push({ kid, type: type as HeldPackage["type"] });
        }
        return this.held;
      },
    },
  });

  get made(): number {
    return this.calls.reduce((sum, { count }) => sum + count, 0);
  }

  /** The relay says, for so many times, that it holds nothing. */
  async lose(times: number): Promise<void> {
    for (let i = 0; i < times; i++) {
      this.held = [];
      await this.publisher.publish();
    }
  }

  count(type: HeldPackage["type"]): number {
    return this.held.filter((each) => each.type === type).length;
  }
}

test("publish() fills an empty stock, and asks only while it is full enough", async () => {
  const bob = new Receiver();
  await bob.publisher.publish();
  const [oneTime, lastResort] = [bob.count("one-time"), bob.count("last-resort")];
  assert.deepEqual([oneTime, lastResort], [PACKAGES_ONE_TIME, 1]);
  bob.held = bob.held.slice(PACKAGES_ONE_TIME - PACKAGES_LOW);
  await bob.publisher.publish();
  assert.deepEqual(
    bob.calls.map(({ count }) => count),
    [0, PACKAGES_ONE_TIME + 1, 0],
  );
  bob.held = bob.held.slice(1);
  await bob.publisher.publish();
  assert.equal(bob.count("one-time"), PACKAGES_ONE_TIME);
  assert.ok(bob.calls.every(({ replace }) => !replace));
});

test("onUsed() looks at the stock after some uses, not after each", async () => {
  const { publisher, calls } = new Receiver();
  const use = async (): Promise<number> => {
    publisher.onUsed();
    await publisher.idle();
    return calls.length;
  };
  for (let used = 1; used < PACKAGES_ASKED_AFTER; used++) assert.equal(await use(), 0);
  assert.ok((await use()) > 0);
  const looked = calls.length;
  for (let used = 1; used < PACKAGES_ASKED_AFTER; used++) assert.equal(await use(), looked);
  assert.equal(await use(), looked + 1);
});

test("publish() replaces everything when the relay holds a package of another life", async () => {
  const bob = new Receiver();
  await bob.publisher.publish();
  const unknown = { kid: new Uint8Array(16).fill(9), type: "one-time" } as const;
  bob.held.push(unknown);
  await bob.publisher.publish();
  assert.deepEqual(bob.calls.at(-1), { replace: true, count: PACKAGES_ONE_TIME + 1 });
  assert.ok(!bob.held.includes(unknown));
});

test("publish() renews the last resort after a week and erases secrets past their time", async () => {
  const bob = new Receiver();
  await bob.publisher.publish();
  const [first] = bob.held.filter(({ type }) => type === "last-resort");
  bob.now += 8 * DAY_MS;
  await bob.publisher.publish();
  assert.deepEqual(bob.calls.at(-1), { replace: false, count: 1 });
  assert.notEqual(await bob.store.keyPackage(first!.kid), undefined, "for what is under way");
  bob.now += 8 * DAY_MS;
  bob.held = bob.held.filter((each) => each !== first);
  await bob.publisher.publish();
  assert.equal(await bob.store.keyPackage(first!.kid), undefined);
});

test("publish() drops the secrets of what a relay refused, and keeps those of a lost link", async () => {
  const bob = new Receiver();
  for (const [code, kept] of [
    ["relay/overloaded", 0],
    ["link/closed", PACKAGES_ONE_TIME + 1],
  ] as const) {
    bob.before = async (count) => {
      if (count > 0) throw new PosternError(code, "no");
    };
    await bob.publisher.publish();
    await bob.publisher.idle();
    assert.equal((await bob.store.keyPackages()).length, kept, code);
  }
});

test("publish() waits no longer than a receiver should, and goes on behind its back", async () => {
  const bob = new Receiver();
  const gate = Promise.withResolvers<void>();
  bob.before = async () => await gate.promise;
  const publishing = bob.publisher.publish();
  bob.expire();
  await publishing;
  assert.equal(bob.held.length, 0);
  gate.resolve();
  await bob.publisher.idle();
  assert.equal(bob.held.length, PACKAGES_ONE_TIME + 1);
});

test("publish() asked again while it runs looks again afterwards, never beside itself", async () => {
  const bob = new Receiver();
  await Promise.all([bob.publisher.publish(), bob.publisher.publish(), bob.publisher.publish()]);
  assert.deepEqual(
    bob.calls.map(({ count }) => count),
    [0, PACKAGES_ONE_TIME + 1, 0],
  );
});

test("publish() looks at the stock again while its client receives, however long the link lasts", async () => {
  const bob = new Receiver();
  await bob.publisher.publish();
  const looked = async (aheadMs: number): Promise<(typeof bob.calls)[number] | undefined> => {
    bob.now += aheadMs;
    bob.look();
    await bob.publisher.idle();
    return bob.calls.at(-1);
  };
  assert.equal((await looked(PACKAGES_LOOKED_AT_MS))?.count, 0);
  assert.deepEqual(await looked(8 * DAY_MS), { replace: false, count: 1 });
  // A clock that is set right: nobody would take packages of before, and nobody could say so.
  const all = { replace: true, count: PACKAGES_ONE_TIME + 1 };
  assert.deepEqual(await looked(-365 * DAY_MS), all);
  assert.deepEqual(await looked(365 * DAY_MS), all);
  bob.isReceiving = false;
  const { length } = bob.calls;
  await looked(365 * DAY_MS);
  assert.equal(bob.calls.length, length);
});

test("publish() tries again by itself when the relay had no room", async () => {
  const bob = new Receiver();
  bob.before = async (count) => {
    if (count > 0) throw new PosternError("relay/overloaded", "x");
  };
  await bob.publisher.publish();
  assert.equal(bob.retries, 1);
  bob.before = async () => undefined;
  bob.expire();
  await bob.publisher.idle();
  assert.equal(bob.held.length, PACKAGES_ONE_TIME + 1);
});

test("F-11 publish() tries again by itself when the store failed, and not for the relay", async () => {
  const bob = new Receiver();
  let fails: PosternError | undefined = new PosternError("store/failed", "x");
  const save = bob.store.saveKeyPackages.bind(bob.store);
  bob.store.saveKeyPackages = async (made) => {
    if (fails !== undefined) throw fails;
    await save(made);
  };
  await bob.publisher.publish();
  assert.deepEqual([bob.held.length, bob.retries], [0, 1]);
  bob.expire();
  await bob.publisher.idle();
  assert.deepEqual([bob.held.length, bob.retries], [0, 2]);
  fails = undefined;
  bob.expire();
  await bob.publisher.idle();
  assert.deepEqual([bob.held.length, bob.retries], [PACKAGES_ONE_TIME + 1, 2]);
  fails = new PosternError("link/closed", "x");
  bob.held = [];
  await bob.publisher.publish();
  assert.equal(bob.retries, 2);
  fails = new PosternError("store/no-space", "x");
  const publishing = bob.publisher.publish();
  await bob.publisher.stop();
  await publishing;
  assert.equal(bob.retries, 2, "not after the end");
});

test("R-06 a relay that always says that it holds nothing gets so many packages an hour", async () => {
  const bob = new Receiver();
  const FULL = PACKAGES_PER_IDENTITY_MAX;
  const losses = Math.floor(PACKAGES_MADE_PER_HOUR / FULL);
  await bob.lose(losses);
  assert.equal(bob.made, losses * FULL, "one that lost its table is served in full");
  await bob.lose(100);
  assert.equal(bob.made, PACKAGES_MADE_PER_HOUR);
  bob.instant += HOUR_MS - 1;
  await bob.lose(1);
  assert.equal(bob.made, PACKAGES_MADE_PER_HOUR);
  bob.instant++;
  bob.hourEnds();
  await bob.publisher.idle();
  assert.equal(bob.made, PACKAGES_MADE_PER_HOUR + FULL, "by itself");
  await bob.lose(100);
  assert.equal(bob.made, 2 * PACKAGES_MADE_PER_HOUR);
});

test("a relay that refuses what it is sent gets no more of it than one that takes it", async () => {
  const bob = new Receiver();
  let sent = 0;
  bob.before = async (count) => {
    sent += count;
    if (count > 0) throw new PosternError("relay/overloaded", "no");
  };
  await bob.lose(100);
  assert.equal(sent, PACKAGES_MADE_PER_HOUR);
});

test("packages that somebody used are replaced, however many they are", async () => {
  const bob = new Receiver();
  await bob.publisher.publish();
  for (let used = 0; used < 2 * PACKAGES_MADE_PER_HOUR; used++) {
    bob.held.shift();
    bob.publisher.onUsed();
    await bob.publisher.idle();
    assert.ok(bob.count("one-time") >= PACKAGES_LOW - PACKAGES_ASKED_AFTER);
  }
  assert.ok(bob.made > 2 * PACKAGES_MADE_PER_HOUR);
});

test("the last package that may be made is one of last resort", async () => {
  const bob = new Receiver();
  await bob.lose(1);
  bob.held = [];
  bob.publisher.onUsed();
  await bob.lose(Math.floor(PACKAGES_MADE_PER_HOUR / PACKAGES_PER_IDENTITY_MAX));
  assert.deepEqual(
    bob.held.map(({ type }) => type),
    ["last-resort"],
  );
});
