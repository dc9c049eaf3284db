/**
 * The profile end-to-end over a real relay: messages, files, both directions, many at once.
 * docs/protocol-end-to-end.md 7.3.
 *
 * @module
 */
import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { after, test } from "node:test";
import type { ChannelInfo } from "@postern/client";
import { fileSource } from "@postern/client/node";
import { keySource, kinds, Lab } from "./end-to-end-lab.ts";
import { until } from "./lab.ts";
import { MIB, noise, sha256, sha256File, writeContent } from "./payloads.ts";

const lab = await Lab.open({ after });
const ann = await lab.receiver("ann");
const bob = await lab.receiver("bob");
await mkdir(bob.inbox);
await mkdir(ann.inbox);

test("a message rides in its offer: one envelope each way, and no pipe", async () => {
  const events = await ann.tell("bob", "first");
  assert.deepEqual(kinds(events), ["master-key", "offered", "accepted", "session-key", "done"]);
  const last = events.at(-1);
  assert.ok(last?.type === "done");
  assert.deepEqual([last.receipt.pipes, last.receipt.nextMasterKey], [0, true]);
  assert.equal(keySource(events), "key-package 0");
  await bob.hasArrived(1);
  assert.deepEqual(bob.texts(), ["first"]);
  const [arrival] = bob.arrived;
  assert.equal(keySource(arrival!.events), "key-package 0");
  assert.deepEqual(kinds(arrival!.events), ["master-key", "accepted", "session-key", "done"]);
});

test("every transfer takes the channel's next step; a text of several parts comes whole", async () => {
  const text = "ä".repeat(20_000);
  assert.equal(keySource(await ann.tell("bob", text)), "channel 1");
  assert.equal(keySource(await ann.tell("bob", "third")), "channel 2");
  await bob.hasArrived(3);
  assert.deepEqual(bob.texts().slice(1), [text, "third"]);
  const [channel] = (await ann.client.contacts.find("bob"))!.channels;
  assert.deepEqual([channel?.role, channel?.transfers, channel?.unacknowledged], ["sending", 3, 0]);
});

test("a long message and a file go through a pipe, under session keys of a chain", async () => {
  const before = bob.arrived.length;
  const text = "x".repeat(200_000);
  const message = await ann.tell("bob", text);
  const content = noise(3 * MIB + 11, 9);
  const path = await writeContent(lab.scene.folder, "photo.raw", content);
  const file = await ann.sendFile("bob", path);
  for (const events of [message, file]) {
    const last = events.at(-1);
    assert.ok(last?.type === "done");
    assert.equal(last.receipt.pipes, 1);
    assert.equal(last.receipt.nextMasterKey, true);
  }
  assert.match(keySource(file), /^channel \d+$/);
  await bob.hasArrived(before + 2);
  assert.equal(bob.texts()[before], text);
  assert.equal(await sha256File(join(bob.inbox, "photo.raw")), sha256(content));
});

test("a reply needs no package from the relay, and both directions go on at once", async () => {
  assert.equal(keySource(await bob.tell("ann", "back")), "key-package 0");
  const texts = Array.from({ length: 6 }, (_, n) => `both ${n}`);
  const before = [ann.texts().length, bob.texts().length] as const;
  const all = texts.flatMap((text) => [ann.outcome("bob", text), bob.outcome("ann", text)]);
  assert.deepEqual(new Set(await Promise.all(all)), new Set(["done"]));
  const arrived = (): boolean =>
    ann.texts().length === before[0] + 6 && bob.texts().length === before[1] + 6;
  await until(arrived);
  assert.deepEqual(ann.texts().slice(before[0]).toSorted(), texts);
  assert.deepEqual(bob.texts().slice(before[1]).toSorted(), texts);
});

test("several at once to somebody new: the first opens the channel, the others step on", async () => {
  const carl = await lab.receiver("carl");
  const started = await Promise.all(["1", "2", "3", "4"].map((text) => ann.tell("carl", text)));
  const sources = started.map(keySource).toSorted();
  assert.deepEqual(sources, ["channel 1", "channel 2", "channel 3", "key-package 0"]);
  await carl.hasArrived(4);
  assert.deepEqual(carl.texts().toSorted(), ["1", "2", "3", "4"]);
});

test("two who write to each other for the first time at the same moment both arrive", async () => {
  const [dora, emil] = await Promise.all([lab.receiver("dora"), lab.receiver("emil")]);
  const outcomes = await Promise.all([dora.outcome("emil", "hi"), emil.outcome("dora", "ho")]);
  assert.deepEqual(outcomes, ["done", "done"]);
  await Promise.all([dora.hasArrived(1), emil.hasArrived(1)]);
  assert.deepEqual([dora.texts(), emil.texts()], [["ho"], ["hi"]]);
});

test("a no is the transfer's receipt: the channel goes on behind it", async () => {
  bob.decide = () => "decline";
  assert.equal(await ann.outcome("bob", "unwanted"), "peer/declined");
  bob.decide = () => "accept";
  assert.equal(await ann.outcome("bob", "wanted"), "done");
  const { channels } = (await ann.client.contacts.find("bob"))!;
  assert.equal(channels.find(({ role }) => role === "sending")?.unacknowledged, 0);
});

test("a cancelled file leaves a place in the channel that the next offer closes", async () => {
  const content = noise(4 * MIB, 4);
  const path = await writeContent(lab.scene.folder, "slow.raw", content);
  const options = { to: "bob", profile: "end-to-end", rateLimit: 200_000 } as const;
  const transfer = await ann.client.send({ ...options, content: await fileSource(path) });
  for await (const event of transfer) if (event.type === "progress") transfer.cancel();
  await assert.rejects(transfer.finished, { code: "transfer/cancelled" });
  const sending = async (): Promise<ChannelInfo | undefined> =>
    (await ann.client.contacts.find("bob"))?.channels.find(({ role }) => role === "sending");
  assert.equal((await sending())?.unacknowledged, 1);
  assert.equal(await ann.outcome("bob", "after it"), "done");
  await until(async () => (await sending())?.unacknowledged === 0);
});
