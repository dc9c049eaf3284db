/** A folder arrives as it was, whatever happens on the way: asked about once, and nothing twice. */
import assert from "node:assert/strict";
import * as fs from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import type { DeliverOptions } from "@postern/client";
import { directorySink, directorySource } from "@postern/client/node";
import type { Manifest } from "@postern/core/transfer";
import { DeliveryLab, Watched, type Somebody } from "./delivery-lab.ts";
import { until } from "./lab.ts";
import { MIB, noise } from "./payloads.ts";
import { filesIn, type Owner } from "./scene.ts";

const LIMIT = 8 * MIB;
/** What is under way when a wire breaks may be lost. What was verified is more, and is not. */
const LOST_BYTES_MAX = 4 * MIB;
const LONG_AGO = new Date(1_600_000_000_000);

interface Pair {
  readonly lab: DeliveryLab;
  readonly ann: Somebody;
  readonly bob: Somebody;
  /** Of each question that bob was asked. */
  readonly asked: Manifest[];
  readonly folder: string;
}

/** Bob is asked about folders, and answers so. */
async function twoPeople(t: Owner, answer = async (): Promise<boolean> => true): Promise<Pair> {
  const lab = await DeliveryLab.open(t);
  const [ann, bob] = [await lab.person("ann"), await lab.person("bob")];
  const asked: Manifest[] = [];
  takeFolders(bob, asked, answer);
  await bob.listen();
  return { lab, ann, bob, asked, folder: await makeFolder(lab.scene.folder) };
}

function takeFolders(who: Somebody, asked: Manifest[], answer: () => Promise<boolean>): void {
  who.sinkOf = async ({ content, journal }) =>
    await directorySink(await who.inbox(), content, journal, async (manifest) => {
      asked.push(manifest);
      return await answer();
    });
}

/** Four thousand small files, two large ones, and what else a folder has. */
async function makeFolder(parent: string): Promise<string> {
  const folder = join(parent, "photos");
  await fs.mkdir(join(folder, "empty"), { recursive: true });
  const bytes = noise(4_000 * 1_024);
  for (let n = 0; n < 4_000; n++) {
    const below = join(folder, `d${Math.floor(n / 100)}`);
    if (n % 100 === 0) await fs.mkdir(below);
    await fs.writeFile(join(below, `${n}`), bytes.subarray(n * 1_024, (n + 1) * 1_024 - (n % 3)));
  }
  await fs.writeFile(join(folder, "large-1"), noise(5 * MIB));
  await fs.writeFile(join(folder, "large-2"), noise(3 * MIB));
  await fs.writeFile(join(folder, "nothing"), "");
  await fs.writeFile(join(folder, "run.sh"), "#!/bin/sh\n", { mode: 0o755 });
  await fs.symlink("d0/7", join(folder, "link"));
  await fs.symlink("/etc/passwd", join(folder, "out"));
  await fs.utimes(join(folder, "nothing"), LONG_AGO, LONG_AGO);
  await fs.utimes(folder, LONG_AGO, LONG_AGO);
  return folder;
}

async function deliver(
  { ann, folder }: Pair,
  more: Partial<DeliverOptions> = {},
): Promise<Watched> {
  const delivery = await ann.client.deliver({
    to: "bob",
    profile: "end-to-end",
    open: async () => await directorySource([folder], { links: "keep" }),
    paths: [folder],
    rateLimit: LIMIT,
    ...more,
  });
  return new Watched(delivery);
}

test("a folder arrives with its modes, times, links and empty folders", async (t) => {
  const pair = await twoPeople(t);
  const { bob, asked, folder } = pair;
  const sent = await deliver(pair);
  const last = await sent.end();
  assert.equal(last?.type, "done", JSON.stringify(last));
  await expectArrived(bob, folder);
  const arrived = join(await bob.inbox(), "photos");
  assert.equal((await fs.stat(join(arrived, "run.sh"))).mode & 0o111, 0o111);
  for (const path of ["", "nothing"])
    assert.equal((await fs.stat(join(arrived, path))).mtimeMs, LONG_AGO.getTime());
  assert.equal(asked.length, 1);
  assert.equal(asked[0]?.entries.length, 4_000 + 40 + 7);
  const { content } = sent.delivery;
  assert.deepEqual([content.kind, content.name], ["directory", "photos"]);
});

for (const [what, breakIt] of [
  ["the sender's wire is cut", async ({ ann }: Pair) => ann.wire.cut()],
  ["the receiver's wire is cut", async ({ bob }: Pair) => bob.wire.cut()],
  ["the relay is gone for a second", async ({ lab }: Pair) => lab.restartRelay(1_000)],
] as const)
  test(`T-01 ${what}: a folder goes on, asked about once`, async (t) => {
    const pair = await twoPeople(t);
    const { ann, bob, asked, folder } = pair;
    const sent = await deliver(pair);
    await until(() => sent.bytes > 4 * MIB);
    await breakIt(pair);
    const last = await sent.end();
    assert.equal(last?.type, "done", JSON.stringify(last));
    await expectArrived(bob, folder);
    assert.equal(asked.length, 1);
    const offsets = sent.of("accepted").map(({ offset }) => offset);
    assert.ok((offsets.at(-1) ?? 0) >= 4 * MIB, offsets.join(" "));
    const size = sent.delivery.content.size ?? 0;
    assert.ok(ann.wire.pipeBytes < size + LOST_BYTES_MAX, `${ann.wire.pipeBytes} of ${size}`);
  });

test("T-02 a receiver that has gone finds its folder when it is back", async (t) => {
  const pair = await twoPeople(t);
  const { lab, ann, bob, asked, folder } = pair;
  const sent = await deliver(pair);
  await until(() => sent.bytes > 6 * MIB);
  await bob.leave();
  const again = await lab.person("bob");
  takeFolders(again, asked, async () => true);
  await again.listen();
  const last = await sent.end();
  assert.equal(last?.type, "done", JSON.stringify(last));
  await expectArrived(again, folder);
  assert.equal(asked.length, 1);
  assert.ok((sent.of("accepted").at(-1)?.offset ?? 0) >= 6 * MIB);
  assert.ok(ann.wire.pipeBytes < (sent.delivery.content.size ?? 0) + LOST_BYTES_MAX);
  assert.deepEqual(await again.client.unfinished.list(), []);
});

test("a folder that the receiver declines leaves nothing, and its sender is told", async (t) => {
  const pair = await twoPeople(t, async () => false);
  const sent = await deliver(pair);
  const last = await sent.end();
  assert.ok(last?.type === "failed");
  assert.equal(last.error.code, "peer/declined");
  await until(() => pair.bob.taken.at(-1)?.events.at(-1)?.type === "failed");
  assert.deepEqual(await fs.readdir(await pair.bob.inbox()), []);
  assert.deepEqual(await pair.bob.client.unfinished.list(), []);
  const { size = 0 } = sent.delivery.content;
  assert.ok(pair.ann.wire.pipeBytes < size / 4, "nothing behind the list was sent");
});

test("F-13 a folder that changes while it is sent is not sent as if it had not", async (t) => {
  const pair = await twoPeople(t, async () => {
    await fs.appendFile(join(pair.folder, "d39", "3999"), "x");
    return true;
  });
  const sent = await deliver(pair);
  const last = await sent.end();
  assert.ok(last?.type === "failed");
  assert.equal(last.error.code, "transfer/source-changed");
  assert.deepEqual(await filesIn(await pair.bob.inbox()), [".photos.part"]);
});

/** The folder is in the inbox, alone, as it was sent. */
async function expectArrived(who: Somebody, folder: string): Promise<void> {
  const inbox = await who.inbox();
  await until(() => who.taken.at(-1)?.events.at(-1)?.type === "done");
  assert.deepEqual(await fs.readdir(inbox), ["photos"]);
  const [sent, arrived] = [await listOf(folder), await listOf(join(inbox, "photos"))];
  sent.delete("out");
  assert.deepEqual([...arrived.keys()], [...sent.keys()]);
  for (const [path, content] of sent) assert.ok(arrived.get(path)?.equals(content), path);
}

async function listOf(folder: string): Promise<Map<string, Buffer>> {
  const found = new Map<string, Buffer>();
  const entries = await fs.readdir(folder, { recursive: true, withFileTypes: true });
  for (const entry of entries) {
    const path = join(entry.parentPath, entry.name);
    const shown = path.slice(folder.length + 1);
    if (entry.isFile()) found.set(shown, await fs.readFile(path));
    else if (entry.isSymbolicLink()) found.set(shown, Buffer.from(await fs.readlink(path)));
    else found.set(shown, Buffer.alloc(0));
  }
  return new Map([...found].toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
