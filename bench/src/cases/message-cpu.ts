/** CPU time of one message, at sender, receiver and relay: many of them in one process. @module */
import { join } from "node:path";

import { startActor, type Actor } from "../actors/actor.ts";
import type { PartySetting } from "../actors/message-party.ts";
import type { BenchCase, Contender, Figures, Setting } from "../bench-case.ts";
import { newPair } from "../peers/postern.ts";
import { openRelay } from "../peers/postern-relay.ts";

const BYTES = 256;
const MESSAGES = { quick: 500, full: 2_000 };
const FIRST_MESSAGES = { quick: 30, full: 200 };
/**
 * An open channel, and programs that have run for a while: V8 goes on compiling and measuring a
 * relay's code for thousands of messages.
 */
const WARM_UP = { quick: 300, full: 3_000 };
const FIRST_WARM_UP = 150;
const PROFILE_DEFAULT = "end-to-end";

export const messageCpu: BenchCase = {
  name: "message-cpu",
  title: "CPU time of a message",
  columns: [
    { key: "senderMs", heading: "sender, ms", digits: 2, hasSpread: true },
    { key: "receiverMs", heading: "receiver, ms", digits: 2, hasSpread: true },
    { key: "relayMs", heading: "relay, ms", digits: 2, hasSpread: true },
  ],
  chart: "senderMs",
  isHigherBetter: false,
  runs: { quick: 1, full: 3 },
  async open(setting) {
    const contenders: Contender[] = [];
    for (const profile of setting.profiles ?? [PROFILE_DEFAULT])
      contenders.push(...kindsOf(setting, profile));
    return {
      contenders,
      notes: [
        `${BYTES} bytes; user and system time of the whole process, divided by the messages`,
        "the sender's state is in memory for first messages, else durable; the receiver's is durable",
      ],
    };
  },
};

function kindsOf(setting: Setting, profile: string): Contender[] {
  const common = { prepare: async () => {} };
  const count = MESSAGES[setting.scale];
  const warmUp = WARM_UP[setting.scale];
  const firsts = FIRST_MESSAGES[setting.scale];
  const open = (way: "send" | "stream", name: string, what: string): Contender => ({
    ...common,
    name: `postern ${profile}, ${name}`,
    what: `each of ${count} messages of a pair after ${warmUp} that do not count, ${what}`,
    run: async () =>
      await withCast(setting, profile, async ({ relayMs, sender, receiver }) => {
        await sender.ask("listen");
        await sender.ask(way, warmUp);
        const [before, stop] = [await receiver.ask("spent"), relayMs()];
        const { cpuMs: senderMs = 0 } = await sender.ask(way, count);
        return { senderMs, ...(await costs(receiver, before, count)), ...stop(count) };
      }),
  });
  return [
    open("send", "open", "one after the other: all three sleep and wake for each"),
    open("stream", "open, 16 at once", "16 of them under way"),
    {
      ...common,
      name: `postern ${profile}, first`,
      what: `the first message of each of ${firsts} senders, who know the receiver`,
      run: async () =>
        await withCast(setting, profile, async ({ sender, receiver }) => {
          await sender.ask("first", FIRST_WARM_UP);
          const before = await receiver.ask("spent");
          const { cpuMs: senderMs = 0 } = await sender.ask("first", firsts);
          // One more of them told the sender who the receiver is.
          return { senderMs, ...(await costs(receiver, before, firsts + 1)) };
        }),
    },
  ];
}

interface Cast {
  readonly sender: Actor;
  readonly receiver: Actor;
  /** Starts the relay's count; what comes back ends it. */
  readonly relayMs: () => (messages: number) => Figures;
}

async function withCast(
  { disk, relay: given }: Setting,
  profile: string,
  play: (cast: Cast) => Promise<Figures>,
): Promise<Figures> {
  const pair = newPair(join(disk, profile));
  const relay = await openRelay(given, { dataDir: join(disk, "relay") });
  const party = (name: string, peer: string): Actor => {
    const setting = { relay: relay.address, profile, home: pair.home, name, peer, bytes: BYTES };
    return startActor("message-party", setting satisfies PartySetting);
  };
  const receiver = party(pair.receiver, pair.sender);
  const sender = party(pair.sender, pair.receiver);
  const relayMs = (): ((messages: number) => Figures) => {
    const usage = relay.watch();
    return (messages) => {
      const cost = usage();
      return cost === undefined ? {} : { relayMs: (cost.cpuSeconds * 1_000) / messages };
    };
  };
  try {
    await receiver.ask("listen");
    return await play({ sender, receiver, relayMs });
  } finally {
    await sender.stop();
    await receiver.stop();
    await relay.stop();
  }
}

async function costs(receiver: Actor, before: Figures, messages: number): Promise<Figures> {
  const now = await receiver.ask("spent");
  return { receiverMs: ((now["cpuMs"] ?? 0) - (before["cpuMs"] ?? 0)) / messages };
}
