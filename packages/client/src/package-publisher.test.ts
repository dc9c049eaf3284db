import assert from "node:assert/strict";
import { test } from "node:test";
import { hex } from "@postern/core/bytes";
import { PosternError } from "@postern/core/errors";
import { identityFromSeed, keyPackageFacts } from "@postern/core/identity";
import {
  PACKAGES_ASKED_AFTER,
  PACKAGES_LOW,
  PACKAGES_ONE_TIME,
  PACKAGES_RETRY_MS,
} from "@postern/core/limits";
import type { HeldPackage } from "@postern/core/link";
import type { InstantMs, WallMs } from "@postern/core/time";
import { nativeSuite as suite } from "@postern/node";
import { memoryStore } from "./memory-store.ts";
import { PackagePublisher } from "./package-publisher.ts";

const DAY_MS = 86_400_000;
const SEED = new Uint8Array(32).fill(3);

/** A receiver and what its relay holds for it. */
class Receiver {
  readonly store = memoryStore({ name: "bob", signingSeed: SEED, linkSeed: SEED });
  held: HeldPackage[] = [];
  readonly calls: { readonly replace: boolean; readonly count: number }[] = [];
  now = 1_800_000_000_000;
  /** Before the relay answers. */
  before: (count: number) => Promise<void> = async () => undefined;
  expire: () => void = () => undefined;
  /** Tries that were planned. */
  retries = 0;
  readonly publisher = new PackagePublisher({
    ports: {
      store: this.store,
      suite,
      wall: () => this.now as WallMs,
      clock: {
        now: () => 0 as InstantMs,
        after: (delayMs, run) => {
          if (delayMs === PACKAGES_RETRY_MS) this.retries++;
          this.expire = run;
          return () => undefined;
        },
      },
    },
    identity: identityFromSeed(suite, SEED),
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
