/**
 * Devices whose directory is set back to an older copy (C-04): whichever side it is and however old
 * the copy, the next transfer finds out, keys are made anew, the person is told, and no key and
 * nonce seal two things. docs/protocol-end-to-end.md 7.3.5.
 *
 * @module
 */
import assert from "node:assert/strict";
import { cp, rm } from "node:fs/promises";
import { join } from "node:path";
import { after, test } from "node:test";
import { messageSource, type TransferEvent } from "@postern/client";
import { hex } from "@postern/core/bytes";
import { nativeSuite } from "@postern/node";
import { bytesSource } from "./attacks/cast.ts";
import { SealLog } from "./attacks/seal-log.ts";
import { until } from "./lab.ts";
import { Scene } from "./scene.ts";
import { endOf, pairUp, WatchedPerson } from "./watched-person.ts";

type Who = "sender" | "receiver";

const scene = await Scene.open({ after });
const relay = await scene.relay();
let pairs = 0;

test("the watch sees a key and nonce that are used twice for different things", () => {
  const log = new SealLog();
  const { suite } = log.watch({ suite: nativeSuite, cipher: NO_CIPHER });
  const [key, nonce, aad] = [nativeSuite.random(32), new Uint8Array(12), new Uint8Array(3)];
  suite.seal(key, nonce, aad, new Uint8Array(5));
  suite.seal(key, nonce, aad, new Uint8Array(5));
  assert.equal(log.repeated, 0, "the same thing again gives nothing away");
  suite.seal(key, nonce, aad, new Uint8Array(6));
  assert.equal(log.repeated, 1);
});

for (const who of ["sender", "receiver"] as const)
  for (const [count, isPaired] of [
    [1, false],
    [3, false],
    [3, true],
  ] as const)
    test(`C-04 a ${who} that is set back by ${count} transfers${isPaired ? ", after a pairing" : ""}`, async () => {
      const two = await Two.meet({ isPaired });
      await two.tell(2);
      await two.save(who);
      await two.tell(count);
      await two.restore(who);
      await two.goesOnWithNewKeys();
      await two.end();
    });

test("C-04 both are set back, by different transfers", async () => {
  const two = await Two.meet();
  await two.tell(1);
  await two.save("receiver");
  await two.tell(2);
  await two.save("sender");
  await two.tell(1);
  await two.restore("sender");
  await two.restore("receiver");
  await two.goesOnWithNewKeys();
  await two.end();
});

test("C-04 both are set back to the same moment: the channel is the same, the keys are not", async () => {
  const two = await Two.meet();
  await two.tell(2);
  await two.save("sender");
  await two.save("receiver");
  await two.tell(2);
  await two.restore("sender");
  await two.restore("receiver");
  const events = await two.tellOne();
  assert.equal(endOf(events), "done");
  assert.equal(sourceOf(events), "channel 2", "nobody can know better, and nothing repeats");
  await two.end();
});

for (const who of ["sender", "receiver"] as const)
  test(`C-04 a ${who} that is set back into a transfer without a receipt`, async () => {
    const two = await Two.meet();
    await two.tell(1);
    two.receiver.decide = () => "wait";
    const content = bytesSource(nativeSuite.random(100_000));
    const options = { to: two.receiver.client.name, profile: "end-to-end", content } as const;
    const transfer = await two.sender.client.send(options);
    transfer.finished.catch(() => {});
    await until(() => two.receiver.offers.length === 2);
    await two.save(who);
    two.receiver.decide = () => "accept";
    await two.tell(2);
    await two.restore(who);
    // Its first word may close what is open in the copy; at the latest the next one is anew.
    const events = [...(await two.tellOne()), ...(await two.tellOne())];
    assert.equal(endOf(events), "done");
    assert.ok(
      events.some(({ type }) => type === "key-renewed"),
      "the person is told",
    );
    await two.tell(2);
    await two.end();
  });

test("C-04 a receiver that is set back before its packages were used opens no old offer", async () => {
  const two = await Two.meet();
  // Neither has a channel; the relay holds packages of which the copy has all the secrets.
  await two.save("receiver");
  await two.tell(2);
  await two.restore("receiver");
  await two.goesOnWithNewKeys();
  const stranger = await two.another("stranger");
  assert.equal(endOf(await stranger.send(two.receiver.client.name, messageSource("hi"))), "done");
  await two.end();
});

test("C-04 a receiver whose copy is older than its packages at the relay publishes others", async () => {
  const two = await Two.meet({ isReceiverFresh: true });
  const lost = await kidsOf(two.receiver);
  assert.ok(lost.length > 16);
  await two.restore("receiver");
  const now = new Set(await kidsOf(two.receiver));
  assert.ok(lost.every((kid) => !now.has(kid)) && now.size >= lost.length);
  // The relay has dropped those that nobody can open: the first offer arrives.
  const events = await two.tellOne();
  assert.deepEqual([sourceOf(events), endOf(events)], ["key-package 0", "done"]);
  assert.ok(!events.some(({ type }) => type === "key-renewed"));
  await two.end();
});

test("C-04 set back again and again to the same copy: each time new keys", async () => {
  const two = await Two.meet();
  await two.tell(1);
  await two.save("sender");
  for (let round = 0; round < 3; round++) {
    await two.tell(2);
    await two.restore("sender");
    await two.goesOnWithNewKeys();
  }
  await two.end();
});

/** A sender and a receiver with homes of their own, and what must hold of them. */
class Two {
  sender!: WatchedPerson;
  receiver!: WatchedPerson;
  readonly #seals = new SealLog();
  readonly #names: Readonly<Record<Who, string>>;
  readonly #others: WatchedPerson[] = [];
  #told = 0;
  #shown: string[] = [];

  static async meet({ isPaired = false, isReceiverFresh = false } = {}): Promise<Two> {
    const two = new Two(++pairs);
    two.sender = await two.#join("sender");
    two.receiver = await two.#join("receiver", !isReceiverFresh);
    // It publishes its packages only when it receives.
    if (isReceiverFresh) await two.save("receiver");
    if (isPaired) await pairUp(two.sender, two.receiver);
    return two;
  }

  private constructor(number: number) {
    this.#names = { sender: `sender-${number}`, receiver: `receiver-${number}` };
  }

  async tell(count: number): Promise<void> {
    for (let i = 0; i < count; i++) assert.equal(endOf(await this.tellOne()), "done");
  }

  async tellOne(): Promise<readonly TransferEvent[]> {
    const text = messageSource(`text ${++this.#told}`);
    const events = await this.sender.send(this.#names.receiver, text);
    // The receiver's end comes with its receipt, which its sender may have sooner.
    if (endOf(events) === "done") await until(() => this.#texts().length >= this.#told);
    return events;
  }

  /** Detected at the next transfer, told, and put right: in both directions. */
  async goesOnWithNewKeys(): Promise<void> {
    const events = await this.tellOne();
    const kinds = events.map(({ type }) => type);
    assert.ok(kinds.includes("key-renewed"), "the person is told");
    assert.deepEqual([sourceOf(events), endOf(events)], ["key-package 0", "done"]);
    const next = await this.tellOne();
    assert.deepEqual([sourceOf(next), endOf(next)], ["channel 1", "done"]);
    const back = await this.receiver.send(this.#names.sender, messageSource("back"));
    assert.equal(endOf(back), "done");
  }

  /** Copies a directory while nobody has it. */
  async save(who: Who): Promise<void> {
    await this.#away(who, async (home, copy) => {
      await rm(copy, { recursive: true, force: true });
      await cp(home, copy, { recursive: true });
    });
  }

  async restore(who: Who): Promise<void> {
    await this.#away(who, async (home, copy) => {
      await rm(home, { recursive: true });
      await cp(copy, home, { recursive: true });
    });
  }

  async another(name: string): Promise<WatchedPerson> {
    const person = await this.#enter(`${name}-${pairs}`);
    this.#others.push(person);
    return person;
  }

  async end(): Promise<void> {
    const people = [this.sender, this.receiver, ...this.#others];
    await Promise.all(people.map(async ({ client }) => await client.close()));
    const shown = this.#texts();
    assert.equal(new Set(shown).size, shown.length, "nothing is shown twice");
    assert.equal(shown.length, this.#told, "and nothing is lost");
    assert.ok(this.#seals.count > 10);
    assert.equal(this.#seals.repeated, 0, "a key and nonce were used twice");
  }

  /** What the receiver was shown of the sender's, before and after it was set back. */
  #texts(): readonly string[] {
    return [...this.#shown, ...this.receiver.texts].filter((text) => text !== "hi");
  }

  async #away(who: Who, work: (home: string, copy: string) => Promise<void>): Promise<void> {
    await this[who].client.close();
    if (who === "receiver") this.#shown.push(...this.receiver.texts);
    const home = scene.home(this.#names[who]);
    await work(home, join(scene.folder, `copy-${this.#names[who]}`));
    this[who] = await this.#join(who);
  }

  async #join(who: Who, isListening = true): Promise<WatchedPerson> {
    return await this.#enter(this.#names[who], isListening);
  }

  async #enter(name: string, isListening = true): Promise<WatchedPerson> {
    const person = await WatchedPerson.join({
      name,
      home: scene.home(name),
      relayPort: relay.port,
      owner: { after },
      watch: (ports) => this.#seals.watch(ports),
    });
    if (!isListening) return person;
    await person.listen();
    await until(async () => (await scene.receivers(relay)).includes(name));
    return person;
  }
}

async function kidsOf({ store }: WatchedPerson): Promise<string[]> {
  return (await store.keyPackages()).map(({ kid }) => hex(kid));
}

/** How the last master key came about. */
function sourceOf(events: readonly TransferEvent[]): string {
  const found = events.findLast(({ type }) => type === "master-key");
  return found?.type === "master-key" ? `${found.source} ${found.counter}` : "none";
}

const NO_CIPHER = {
  seal: () => ({ frame: new Uint8Array(0), tag: new Uint8Array(16) }),
  open: () => undefined,
  release: () => {},
};
