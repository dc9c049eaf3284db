/**
 * Part: a client that sends messages, or takes them and answers. Its own CPU time is in its
 * answers; waiting costs none. Questions: `listen`, `answer` (from now on each message with one of
 * its own), `receipts` of messages, `rounds` of message and answer, `send` messages one after
 * the other, `stream` messages of which several are under way, `first` messages of new identities,
 * `spent`.
 *
 * @module
 */
import process from "node:process";

import {
  connect,
  memoryStore,
  messageSink,
  messageSource,
  type Client,
  type ProfileName,
  type Store,
} from "@postern/client";
import { connectNode, nodePorts } from "@postern/client/node";
import { createIdentity, parseRelayAddress } from "@postern/core/identity";
import { chooseSuite } from "@postern/node";

import type { Figures } from "../bench-case.ts";
import { quantile } from "../measure/statistics.ts";
import { actorSetting, answerQuestions } from "./actor.ts";

export interface PartySetting {
  readonly relay: string;
  readonly profile: string;
  /** Where the state is kept, durably; in memory when absent. */
  readonly home?: string | undefined;
  readonly name: string;
  readonly peer: string;
  /** Of one message. */
  readonly bytes: number;
}

/** Transfers at once: one that is ending must not make the next one wait. */
const CAPACITY = 32;
/** Of those who do not wait for each receipt. */
const AT_ONCE = 16;

const setting = actorSetting() as PartySetting;
const profile = setting.profile as ProfileName;
const suite = chooseSuite();
const text = "x".repeat(setting.bytes);
let client: Client | undefined;
let isAnswering = false;
/** Identities made for first messages. */
let identities = 0;
/** Told of the next message that arrives. */
let onText: (() => void) | undefined;

answerQuestions({
  async listen() {
    client = await open();
    await take(client);
    return {};
  },
  async answer() {
    isAnswering = true;
    return {};
  },
  async receipts(count) {
    const times = await timesOf(count, untilReceipt);
    return { receiptP50Ms: quantile(times, 0.5), receiptP99Ms: quantile(times, 0.99) };
  },
  async rounds(count) {
    const times = await timesOf(count, untilAnswer);
    return { p50Ms: quantile(times, 0.5), p99Ms: quantile(times, 0.99) };
  },
  send: async (count) => await sendAll(count, 1),
  stream: async (count) => await sendAll(count, AT_ONCE),
  async first(count) {
    const contact = await anyContact();
    let cpuMs = 0;
    for (let sent = 0; sent < count; sent++) cpuMs += await sendFirst(contact);
    return { cpuMs: cpuMs / count };
  },
  spent: async () => ({ cpuMs: spent() }),
});

/** User and system milliseconds of this process so far. */
function spent(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

async function open(): Promise<Client> {
  const { relay, home, name } = setting;
  return home === undefined
    ? await openInMemory(newStore(name))
    : await connectNode({ relay, home, name });
}

async function openInMemory(store: Store): Promise<Client> {
  return await connect(nodePorts(suite, store), { address: parseRelayAddress(setting.relay) });
}

function newStore(name: string): Store {
  const signingSeed = createIdentity(suite).signing.seed;
  return memoryStore({ name, signingSeed, linkSeed: suite.generateKem().seed });
}

/** Accepts everything; resolves when the relay knows of it. */
async function take(own: Client): Promise<void> {
  const listening = Promise.withResolvers<void>();
  const run = async (): Promise<void> => {
    for await (const event of own.receive({ profiles: [profile], capacity: CAPACITY })) {
      if (event.type === "listening") listening.resolve();
      if (event.type !== "offer") continue;
      const sink = messageSink();
      event.offer.accept(sink);
      void sink.text.then(async () => {
        onText?.();
        if (isAnswering) await send(own);
      });
    }
  };
  run().catch((error: unknown) => listening.reject(error));
  await listening.promise;
}

/** One after the other; `turn` gives its milliseconds. */
async function timesOf(
  count: number,
  turn: (own: Client) => Promise<number>,
): Promise<readonly number[]> {
  const times: number[] = [];
  for (let done = 0; done < count; done++) times.push(await turn(expectClient()));
  return times;
}

async function untilReceipt(own: Client): Promise<number> {
  const started = performance.now();
  await send(own);
  return performance.now() - started;
}

async function untilAnswer(own: Client): Promise<number> {
  const answered = Promise.withResolvers<void>();
  onText = answered.resolve;
  const started = performance.now();
  const sending = send(own);
  await answered.promise;
  const ms = performance.now() - started;
  await sending;
  return ms;
}

async function send(own: Client): Promise<void> {
  const transfer = await own.send({ to: setting.peer, content: messageSource(text), profile });
  await transfer.finished;
}

async function sendAll(count: number, atOnce: number): Promise<Figures> {
  const before = spent();
  let begun = 0;
  const lane = async (): Promise<void> => {
    while (begun++ < count) await send(expectClient());
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
  return { cpuMs: (spent() - before) / count };
}

/** Connecting is not counted, and the receiver is a contact already. */
async function sendFirst(contact: StoredContact | undefined): Promise<number> {
  const store = newStore(newName());
  if (contact !== undefined) await store.saveContact(contact);
  const own = await openInMemory(store);
  // A client may have to get ready, such as with an RSA key: that is none of the message's cost.
  for await (const { name } of own.receivers()) if (name === setting.peer) break;
  const before = spent();
  await send(own);
  const cpuMs = spent() - before;
  await own.close();
  return cpuMs;
}

type StoredContact = Parameters<Store["saveContact"]>[0];

/** What an identity that has sent before knows of the receiver; nothing in the RSA profiles. */
async function anyContact(): Promise<StoredContact | undefined> {
  const store = newStore(newName());
  const own = await openInMemory(store);
  await send(own);
  const [contact] = await store.contacts();
  await own.close();
  return contact;
}

function newName(): string {
  return `${setting.name}-${++identities}`;
}

function expectClient(): Client {
  if (client === undefined) throw new Error("not connected yet");
  return client;
}
