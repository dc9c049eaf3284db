import assert from "node:assert/strict";
import { test } from "node:test";
import { PosternError } from "@postern/core/errors";
import type { ExchangeInput } from "@postern/core/exchange";
import { READY_CHANNELS_MAX } from "@postern/core/limits";
import { answer, ChannelPerson, contextOf } from "../test/channel-person.ts";
import { MetKeys } from "./met-keys.ts";
import type { Store } from "./store.ts";

const WORDS = { verdict: "accept", total: 256, digest: new Uint8Array(32).fill(3) } as const;

function people(change?: (store: Store) => Store): readonly [ChannelPerson, ChannelPerson] {
  const [ann, bob] = [new ChannelPerson(1, change), new ChannelPerson(2)];
  ann.fetch = async () => await bob.package();
  bob.fetch = async () => await ann.package();
  return [ann, bob];
}

/** One transfer from its offer to its receipt. Says how its master key came about. */
async function transfer(from: ChannelPerson, to: ChannelPerson, id: number): Promise<string> {
  const context = contextOf(from, to, id);
  const { ready } = answer("offer-sealed", await from.seal(context));
  const { outer, sealedHeader, inChannel, source, counter } = ready;
  const content = inChannel!.content;
  const opened = await to.run({ kind: "open-offer", outer, sealedHeader, content }, context);
  const { outcome } = answer("offer-opened", opened);
  assert.ok(outcome.kind === "opened", outcome.kind);
  const { n, epoch } = outcome.offer;
  const sealing = { kind: "seal-receipt", place: { n, epoch }, words: WORDS } as const;
  const { receipt } = answer("receipt-sealed", await to.run(sealing, context));
  const heard = await from.run({ kind: "open-receipt", receipt }, context);
  assert.equal(answer("receipt-opened", heard).receipt?.verdict, "accept");
  return `${source} ${counter}`;
}

/** A store whose writes of channels wait, or fail. */
function slowStore(store: Store, saveChannel: Store["saveChannel"]): Store {
  return new Proxy(store, {
    get(target, key) {
      if (key === "saveChannel") return saveChannel;
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

test("run() begins a channel with one package of the relay, and the other way with none", async () => {
  const [ann, bob] = people();
  assert.equal(await transfer(ann, bob, 1), "key-package 0");
  assert.equal(await transfer(ann, bob, 2), "channel 1");
  assert.equal(await transfer(bob, ann, 3), "key-package 0");
  assert.equal(await transfer(bob, ann, 4), "channel 1");
  assert.deepEqual([ann.fetched, bob.fetched], [1, 0]);
  for (const person of [ann, bob]) {
    assert.deepEqual(await person.store.keyPackages(), [], "their secrets are erased");
    assert.equal(person.packagesUsed, 1);
  }
});

test("run() opens alike with the keys that are ready and, after wipe(), without", async () => {
  const [ann, bob] = people();
  for (let id = 1; id <= 6; id++) {
    if (id % 2 === 0) bob.desk.wipe();
    assert.equal(await transfer(ann, bob, id), id === 1 ? "key-package 0" : `channel ${id - 1}`);
  }
});

test("run() keeps the keys of the channels that received last, and goes on without", async () => {
  const [ann, bob] = people();
  await transfer(ann, bob, 1);
  await transfer(ann, bob, 2);
  for (let seed = 3; seed < 3 + READY_CHANNELS_MAX; seed++) {
    const other = new ChannelPerson(seed);
    other.fetch = async () => await bob.package();
    await transfer(other, bob, seed);
  }
  assert.equal(await transfer(ann, bob, 200), "channel 2", "from what is stored");
});

test("run() gives an answer only when every change is durable", async () => {
  const gate = Promise.withResolvers<void>();
  const [ann] = people((store) =>
    slowStore(store, async (...args) => {
      await gate.promise;
      await store.saveChannel(...args);
    }),
  );
  const context = contextOf(ann, new ChannelPerson(2), 1);
  const told: (ExchangeInput | undefined)[] = [];
  const sealing = ann.seal(context).then((input) => told.push(input));
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(told.length, 0);
  gate.resolve();
  await sealing;
  assert.equal(told[0]?.kind, "offer-sealed");
  const peer = context.receiver.fingerprint;
  assert.notEqual(await ann.store.channel({ peer, role: "sending" }), undefined);
});

test("run() may lose what a receipt changed, and a message until its receipt is made", async () => {
  const saved: string[] = [];
  const change = (store: Store): Store =>
    slowStore(store, async (at, record, used, options) => {
      saved.push(options?.mayBeLost ?? `${at.role}, durably`);
      await store.saveChannel(at, record, used, options);
    });
  const [ann, bob] = [new ChannelPerson(1, change), new ChannelPerson(2, change)];
  ann.fetch = async () => await bob.package();
  await transfer(ann, bob, 1);
  // The sender's offer; then its package for the other way, and the opening, of this first one.
  const opened = ["sending, durably", "by-power-loss", "by-power-loss"];
  const answered = ["receiving, durably", "by-crash"];
  assert.deepEqual(saved, [...opened, ...answered]);
  saved.length = 0;
  await transfer(ann, bob, 2);
  assert.deepEqual(saved, ["sending, durably", "by-power-loss", ...answered]);
});

test("run() makes an opening durable that is answered before its content comes", async () => {
  const saved: string[] = [];
  const change = (store: Store): Store =>
    slowStore(store, async (at, record, used, options) => {
      saved.push(options?.mayBeLost ?? `${at.role}, durably`);
      await store.saveChannel(at, record, used, options);
    });
  const [ann, bob] = [new ChannelPerson(1), new ChannelPerson(2, change)];
  ann.fetch = async () => await bob.package();
  const context = contextOf(ann, bob, 1);
  const { ready } = answer("offer-sealed", await ann.seal(context));
  const { outer, sealedHeader } = ready;
  const content = new Uint8Array(0);
  const opened = await bob.run({ kind: "open-offer", outer, sealedHeader, content }, context);
  assert.equal(answer("offer-opened", opened).outcome.kind, "opened");
  assert.deepEqual(saved, ["sending, durably", "receiving, durably"]);
});

test("run() says job-failed when a change cannot be stored, and the next job goes on", async () => {
  let isFull = true;
  const [ann, bob] = people((store) =>
    slowStore(store, async (...args) => {
      if (isFull) throw new PosternError("store/no-space", "full");
      await store.saveChannel(...args);
    }),
  );
  const failed = answer("job-failed", await ann.seal(contextOf(ann, bob, 1)));
  assert.equal(failed.error.code, "store/no-space");
  isFull = false;
  assert.equal(await transfer(ann, bob, 2), "key-package 0");
});

test("run() says peer/no-package when the relay has none, and link/timed-out when it is silent", async () => {
  const [ann, bob] = people();
  const context = contextOf(ann, bob, 1);
  ann.fetch = async () => undefined;
  assert.equal(answer("job-failed", await ann.seal(context)).error.code, "peer/no-package");
  ann.fetch = async () => new Uint8Array(1_352);
  assert.equal(answer("job-failed", await ann.seal(context)).error.code, "peer/no-package");
  ann.fetch = async () => await new Promise<never>(() => undefined);
  const sealing = ann.seal(context);
  await new Promise((resolve) => setImmediate(resolve));
  ann.expire();
  assert.equal(answer("job-failed", await sealing).error.code, "link/timed-out");
  ann.fetch = async () => await bob.package();
  assert.equal(await transfer(ann, bob, 2), "key-package 0");
});

test("run() does the jobs of one peer in their order, so that two offers never share a step", async () => {
  const [ann, bob] = people();
  const contexts = [1, 2, 3].map((id) => contextOf(ann, bob, id));
  const sealed = await Promise.all(contexts.map(async (context) => await ann.seal(context)));
  const counters = sealed.map((input) => answer("offer-sealed", input).ready.counter);
  assert.deepEqual(counters, [0, 1, 2]);
  assert.equal(ann.fetched, 1);
});

test("run() leaves out what nobody wants when its turn comes, and changes nothing", async () => {
  const [ann, bob] = people();
  const context = contextOf(ann, bob, 1);
  const job = { kind: "seal-offer", header: new Uint8Array(48), message: undefined } as const;
  assert.equal(await ann.run(job, context, () => false), undefined);
  assert.deepEqual(await ann.store.channels(), []);
});

test("run() gives a transfer no other one's receipt, and keeps that for whose it is", async () => {
  const [ann, bob] = people();
  const contexts = [contextOf(ann, bob, 1), contextOf(ann, bob, 2)] as const;
  const { ready } = answer("offer-sealed", await ann.seal(contexts[0]));
  await ann.seal(contexts[1]);
  const { outer, sealedHeader, inChannel } = ready;
  const { content, epoch } = inChannel!;
  await bob.run({ kind: "open-offer", outer, sealedHeader, content }, contexts[0]);
  const sealing = { kind: "seal-receipt", place: { n: 0, epoch }, words: WORDS } as const;
  const { receipt } = answer("receipt-sealed", await bob.run(sealing, contexts[0]));
  const opening = { kind: "open-receipt", receipt } as const;
  const heard = answer("receipt-opened", await ann.run(opening, contexts[1]));
  assert.equal(heard.receipt, undefined);
  const again = answer("receipt-opened", await ann.run(opening, contexts[0]));
  assert.equal(again.receipt?.verdict, "accept");
});

test("a code's secret goes into the first key of its transfers: nothing opens without it", async () => {
  const [ann, bob] = people();
  [ann.met, bob.met] = [keysOfCode(9), keysOfCode(9)];
  assert.equal(await transfer(ann, bob, 1), "key-package 0");
  assert.equal(await transfer(ann, bob, 2), "channel 1");
  for (const met of [keysOfCode(8), undefined]) {
    const [carl, dora] = [new ChannelPerson(3), new ChannelPerson(4)];
    carl.fetch = async () => await dora.package();
    [carl.met, dora.met] = [keysOfCode(9), met];
    const context = contextOf(carl, dora, 1);
    const { ready } = answer("offer-sealed", await carl.seal(context));
    const { outer, sealedHeader, inChannel } = ready;
    const job = { kind: "open-offer", outer, sealedHeader, content: inChannel!.content } as const;
    const { outcome } = answer("offer-opened", await dora.run(job, context));
    assert.equal(outcome.kind, "key-unknown");
  }
});

test("a transfer by code stores nothing and leaves the stored channels as they are", async () => {
  const [ann, bob] = people();
  assert.equal(await transfer(ann, bob, 1), "key-package 0");
  const stored = async () => [await ann.store.channels(), await bob.store.channels()];
  const before = await stored();
  [ann.met, bob.met] = [keysOfCode(9), keysOfCode(9)];
  assert.equal(await transfer(ann, bob, 2), "key-package 0");
  assert.deepEqual(await stored(), before);
  for (const person of [ann, bob]) {
    const kinds = (await person.store.keyPackages()).map(({ type }) => type);
    assert.deepEqual(kinds, person === ann ? ["reply"] : [], "the package of the code is erased");
    person.met?.wipe();
    person.met = undefined;
  }
  assert.equal(await transfer(ann, bob, 3), "channel 1");
});

test("run() seals nothing for a code that has served, not even as for a stranger", async () => {
  const [ann, bob] = people();
  const met = keysOfCode(9);
  ann.met = met;
  ann.fetch = async () => {
    met.wipe();
    return await bob.package();
  };
  for (const id of [1, 2]) {
    const { error } = answer("job-failed", await ann.seal(contextOf(ann, bob, id)));
    assert.equal(error.code, "usage/wrong-state");
  }
  assert.deepEqual(await ann.store.channels(), []);
});

function keysOfCode(value: number): MetKeys {
  return new MetKeys(new Uint8Array(32).fill(value));
}
