/**
 * Where the keys of end-to-end transfers are once they are used (C-20): nowhere in what this
 * process can reach, and not in the state file or its journal. The relay is a process of its own,
 * for it has the keys of its links. What is free again: `retired-memory.test.ts`.
 *
 * @module
 */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { messageSource, type ContentSource } from "@postern/client";
import { nativeSuite } from "@postern/node";
import { bytesSource } from "./attacks/cast.ts";
import { until } from "./lab.ts";
import { liveBytes } from "./live-bytes.ts";
import { MaskedSecrets, type MaskedSecret } from "./masked-secrets.ts";
import { filesIn, Scene } from "./scene.ts";
import { watchSecrets } from "./secret-log.ts";
import { endOf, pairUp, WatchedPerson } from "./watched-person.ts";

const MIB = 1_048_576;
/** Chapter of what a client makes when it connects: its seeds, and the keys of its link. */
const CONNECTED = 0;
/** Chapters until a receipt's key is used up and its successor too. */
const LAG = 3;

const scene = await Scene.open({ after });
const relay = await scene.relay();
const seen = new MaskedSecrets();
const files = (size: number): ContentSource => bytesSource(nativeSuite.random(size));

test("the searches find a key that is alive, and none that was wiped", async () => {
  const canaries = new MaskedSecrets();
  const holders: readonly [string, () => { readonly bytes: Uint8Array; readonly kept: unknown }][] =
    [
      ["a small array", () => alone(nativeSuite.random(32))],
      ["a large array", () => alone(nativeSuite.random(3_000))],
      ["a piece of a pool", () => alone(Buffer.from(nativeSuite.random(32)))],
      [
        "a buffer without a view",
        () => {
          const bytes = nativeSuite.random(64);
          return { bytes, kept: bytes.buffer };
        },
      ],
      [
        "a closure",
        () => {
          const bytes = nativeSuite.random(32);
          return { bytes, kept: () => bytes };
        },
      ],
    ];
  const kept = holders.map(([what, make]) => {
    const made = make();
    canaries.see(what, made.bytes);
    return made;
  });
  assert.deepEqual(await alive(canaries), holders.map(([what]) => `0 ${what}`).toSorted());
  for (const { bytes } of kept) bytes.fill(0);
  assert.deepEqual(await alive(canaries), []);
  assert.equal(kept.length, holders.length);
});

test("C-20 after each transfer only what its channel offers next is alive, and after close() nothing", async () => {
  const [ann, bob] = [await enter("ann"), await enter("bob")];
  const before = await alive(seen);
  assert.ok(
    before.some((what) => what.includes("seed")),
    "the identities are in use",
  );
  assert.ok(
    before.some((what) => what.includes("AEAD key")),
    "and so are the links",
  );
  /** Chapters of each direction, in which its receiver has offered keys. */
  const offered = { toBob: [] as number[], toAnn: [] as number[] };
  const chapters: readonly [string, () => Promise<string>][] = [
    ["a first message", async () => await told(ann, "bob")],
    ["a later one", async () => await told(ann, "bob")],
    ["a file", async () => endOf(await ann.send("bob", files(3 * MIB)))],
    ["the other direction", async () => await told(bob, "ann")],
    [
      "a message that is declined",
      async () => {
        bob.decide = () => "decline";
        return await told(ann, "bob");
      },
    ],
    [
      "a file that is given up",
      async () => {
        bob.decide = () => "accept";
        const content = files(8 * MIB);
        const options = { to: "bob", profile: "end-to-end", rateLimit: 200_000, content } as const;
        const transfer = await ann.client.send(options);
        for await (const event of transfer) if (event.type === "accepted") transfer.cancel();
        return await transfer.finished.then(
          () => "done",
          () => "cancelled",
        );
      },
    ],
    ["what closes it", async () => await told(ann, "bob")],
  ];
  for (const [what, transfer] of chapters) {
    const made = seen.count;
    seen.chapter++;
    (what === "the other direction" ? offered.toAnn : offered.toBob).push(seen.chapter);
    const inUse = [...offered.toAnn.slice(-LAG), ...offered.toBob.slice(-LAG)];
    const outcome = await transfer();
    assert.ok(seen.count - made >= 8, `${what}: ${seen.count - made} keys were seen`);
    assert.match(outcome, /^(?:done|peer\/declined|cancelled)$/, what);
    // The other end hears of it a moment later, and a busy machine takes longer.
    let left = ["not looked at yet"];
    for (let looks = 0; left.length > 0 && looks < 100; looks++) {
      await wait(50);
      left = (await alive(seen)).filter((each) => !isInUse(each, inUse));
    }
    assert.deepEqual(left, [], what);
  }
  await Promise.all([ann.client.close(), bob.client.close()]);
  assert.deepEqual(await alive(seen), [], "after close()");
});

test("C-20 a pairing leaves no key but its secret, and that until close() at the latest", async () => {
  const [carl, dora] = [await enter("carl"), await enter("dora")];
  const chapter = ++seen.chapter;
  await pairUp(carl, dora);
  const left = (await alive(seen)).filter((what) => what.startsWith(`${chapter} `));
  assert.deepEqual(
    left.filter((what) => what !== `${chapter} derived key`),
    [],
  );
  assert.equal(await told(carl, "dora"), "done");
  await Promise.all([carl.client.close(), dora.client.close()]);
  assert.deepEqual(await alive(seen), [], "after close()");
});

test("C-20 the state and its journal hold the keys of now, and no others", async () => {
  const [emil, fred] = [await enter("emil"), await enter("fred")];
  const first = ++seen.chapter;
  for (let chapter = first; chapter < first + 3 + LAG; chapter++) {
    seen.chapter = chapter;
    assert.equal(await told(emil, "fred"), "done");
    assert.equal(await told(fred, "emil"), "done");
  }
  for (const [name, { store }] of Object.entries({ emil, fred })) {
    const directory = join(scene.home(name), name);
    const current = await store.keyPackages();
    const seeds = new Set(seen.known(...current.map(({ seed }) => seed)));
    const retired = ({ chapter }: MaskedSecret): boolean =>
      chapter >= first && chapter < first + LAG;
    let stored: readonly MaskedSecret[] = [];
    // What a change replaced is erased soon after it.
    await until(async () => {
      stored = seen.findIn(await stateOf(directory));
      return !stored.some((secret) => retired(secret) && !seeds.has(secret));
    });
    // The search sees what is in use: the packages, and the keys of the last transfers.
    assert.ok(stored.filter((secret) => seeds.has(secret)).length >= 16, "packages");
    assert.ok(
      stored.some(({ chapter }) => chapter === seen.chapter),
      "the newest keys",
    );
  }
  await Promise.all([emil.client.close(), fred.client.close()]);
});

async function enter(name: string): Promise<WatchedPerson> {
  const chapter = seen.chapter;
  seen.chapter = CONNECTED;
  const person = await WatchedPerson.join({
    name,
    home: scene.home(name),
    relayPort: relay.port,
    owner: { after },
    watch: ({ suite }) => ({
      suite: watchSecrets(suite, (what, bytes) => seen.see(what, bytes)),
    }),
  });
  await person.listen();
  await until(async () => (await scene.receivers(relay)).includes(name));
  seen.chapter = chapter;
  return person;
}

async function told(from: WatchedPerson, to: string): Promise<string> {
  return endOf(await from.send(to, messageSource("a message")));
}

/** Which secrets are in memory that can be reached: their chapters and kinds. */
async function alive(secrets: MaskedSecrets): Promise<string[]> {
  const found = new Set<string>();
  for (const bytes of await liveBytes())
    for (const { what, chapter } of secrets.findIn(bytes)) found.add(`${chapter} ${what}`);
  return [...found].toSorted();
}

/** Everything in the directory of an identity. */
async function stateOf(directory: string): Promise<Buffer> {
  const names = await filesIn(directory);
  assert.ok(names.includes("state.db") && names.includes("state.db-wal"), names.join());
  return Buffer.concat(
    await Promise.all(names.map(async (name) => await readFile(join(directory, name)))),
  );
}

function alone(bytes: Uint8Array): { readonly bytes: Uint8Array; readonly kept: unknown } {
  return { bytes, kept: bytes };
}

/** The seeds of identities and links, and of the keys that a receiver has offered last. */
function isInUse(what: string, offeredIn: readonly number[]): boolean {
  const [chapter, ...kind] = what.split(" ");
  if (Number(chapter) === CONNECTED) return true;
  return kind.join(" ") === "seed" && offeredIn.includes(Number(chapter));
}
