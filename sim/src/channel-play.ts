/**
 * One run of the end-to-end profile: two or three clients and a relay that may be hostile, on a bad
 * day. When it is over a fresh message passes between all of them in both directions, each pair
 * agrees where its channels are, and no disk has what opens earlier transfers.
 *
 * @module
 */
import { describeChannel } from "@postern/core/exchange";
import type { ChannelEntry, ChannelLedger } from "./channel-ledger.ts";
import { planChannels, sendMessage } from "./channel-script.ts";
import { clientOf, CLOCK_JUMP_MS_MAX } from "./script.ts";
import type { ChannelWatch } from "./channel-watch.ts";
import type { ClientDriver } from "./client-driver.ts";
import type { Stage } from "./stage.ts";

export async function playChannels(
  stage: Stage,
  ledger: ChannelLedger,
  watch: ChannelWatch,
): Promise<void> {
  const { clients, relay } = stage.cast;
  await stage.badDay(planChannels);
  // Nobody takes packages that a wrong clock has dated ahead.
  if (stage.cast.weather.climate.clockJumps > 0) await stage.pass(CLOCK_JUMP_MS_MAX);
  await goodMessages(stage, ledger);
  const before = keysOf(clients, watch);
  await goodMessages(stage, ledger);
  for (const [pair, key] of keysOf(clients, watch))
    if (before.get(pair) === key) stage.fail(`channels: ${pair} takes the same key again`);
  ledger.check();
  stage.checkLists();
  for (const from of clients)
    for (const to of clients) if (from !== to) checkAgreement(stage, from, to);
  for (const { name, channels } of clients) watch.inspect(name, channels.disk.secrets());
  relay.inspect();
}

/** Under which key of the receiver everybody has sent last: a good message brings the next one. */
function keysOf(
  clients: readonly ClientDriver[],
  watch: ChannelWatch,
): ReadonlyMap<string, string> {
  const keys = new Map<string, string>();
  for (const from of clients)
    for (const to of clients) {
      const key = from === to ? undefined : watch.lastKey(from.name, to.party.fingerprint);
      if (key !== undefined) keys.set(`${from.name} to ${to.name}`, key);
    }
  return keys;
}

/** Everybody sends everybody a message; each one is sent one at a time. */
async function goodMessages(stage: Stage, ledger: ChannelLedger): Promise<void> {
  const { clients } = stage.cast;
  for (let step = 1; step < clients.length; step++) {
    const count = ledger.entries.length;
    for (const [at, from] of clients.entries()) {
      const to = clients[(at + step) % clients.length];
      if (to !== undefined) sendMessage(stage.cast, from, to);
    }
    await stage.quiet();
    const sent = ledger.entries.slice(count);
    if (sent.length !== clients.length) stage.fail("liveness: not all could send");
    for (const entry of sent) {
      if (entry.ends.sender !== "peer/busy") checkDelivered(stage, entry);
      // Its outbox was full: that it tried has made room.
      else await goodMessage(stage, ledger, entry);
    }
  }
}

async function goodMessage(
  stage: Stage,
  ledger: ChannelLedger,
  { from, to }: Pick<ChannelEntry, "from" | "to">,
): Promise<void> {
  const count = ledger.entries.length;
  sendMessage(stage.cast, clientOf(stage.cast, from), clientOf(stage.cast, to));
  await stage.quiet();
  const entry = ledger.entries[count];
  if (entry !== undefined) checkDelivered(stage, entry);
}

function checkDelivered(stage: Stage, entry: ChannelEntry): void {
  const { from, to, ends, isAcknowledged, isThere } = entry;
  if (!isAcknowledged || !isThere)
    stage.fail(
      `liveness: ${from} to ${to} is not re-established (${ends.sender}, ${ends.receiver})`,
    );
}

function checkAgreement(stage: Stage, from: ClientDriver, to: ClientDriver): void {
  const sent = from.channels.disk.channel(to.party.fingerprint, "sending");
  const received = to.channels.disk.channel(from.party.fingerprint, "receiving");
  const sender = sent && describeChannel(sent);
  const receiver = received && describeChannel(received);
  const pair = `${from.name} to ${to.name}`;
  if (sender === undefined || receiver === undefined)
    return stage.fail(`channels: ${pair} has none after a good message`);
  if (sender.epoch !== receiver.epoch || sender.transfers !== receiver.transfers)
    stage.fail(`channels: ${pair} disagrees after a good message`);
  // A restored receiver does not know that the sender has heard of a transfer already.
  const unheard = to.channels.disk.isCopy ? 0 : receiver.unacknowledged;
  if (sender.unacknowledged > 0 || unheard > 0)
    stage.fail(`channels: ${pair} leaves ${sender.unacknowledged} and ${unheard} open`);
}
