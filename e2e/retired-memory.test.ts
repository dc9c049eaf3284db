/**
 * The whole memory of a process after its clients are closed, free or not (C-20): as far as one
 * platform lets us look, no key of theirs is left in it. What SQLite reads is out of reach: the
 * stores are in memory here. The relay is a process of its own.
 *
 * @module
 */
import assert from "node:assert/strict";
import process from "node:process";
import { after, test } from "node:test";
import { messageSource } from "@postern/client";
import { nativeSuite } from "@postern/node";
import { bytesSource } from "./attacks/cast.ts";
import { until } from "./lab.ts";
import { MaskedSecrets } from "./masked-secrets.ts";
import { collectGarbage, writableMemory } from "./process-memory.ts";
import { Scene } from "./scene.ts";
import { watchSecrets } from "./secret-log.ts";
import { endOf, pairUp, WatchedPerson } from "./watched-person.ts";

const LINUX_ONLY = process.platform !== "linux" && "only Linux shows a process its memory";
const PLANTED = ["alive", "dropped"] as const;

/** Until V8 has used again whatever it had moved keys from. */
const ROUNDS_MAX = 8;

const scene = await Scene.open({ after });
const seen = new MaskedSecrets();

test(
  "the search finds a key that is alive, or was dropped and not wiped",
  { skip: LINUX_ONLY },
  () => {
    const canaries = new MaskedSecrets();
    const alive = nativeSuite.random(32);
    canaries.see("alive", alive);
    // Beyond the heap: what lies there is not moved, and not overwritten so soon.
    for (let i = 0; i < 20; i++) canaries.see("dropped", nativeSuite.random(3_000));
    for (let i = 0; i < 20; i++) {
      const bytes = nativeSuite.random(3_000);
      canaries.see("wiped", bytes);
      bytes.fill(0);
    }
    assert.deepEqual(search(canaries), [...PLANTED]);
    alive.fill(0);
  },
);

test("C-20 after close() no key is left anywhere in memory", { skip: LINUX_ONLY }, async () => {
  await play();
  assert.ok(seen.count > 100, `${seen.count} keys were seen`);
  let left = search(seen);
  for (let round = 0; left.length > 0 && round < ROUNDS_MAX; round++) {
    await collectGarbage();
    left = search(seen);
  }
  assert.deepEqual(left, []);
});

/** Two meet, write to each other and go. Nobody has them any more when this has ended. */
async function play(): Promise<void> {
  const relay = await scene.relay();
  const join = async (name: string): Promise<WatchedPerson> => {
    const watch = ({ suite }: { readonly suite: typeof nativeSuite }) => ({
      suite: watchSecrets(suite, (what, bytes) => seen.see(what, bytes)),
    });
    const person = await WatchedPerson.join({
      name,
      relayPort: relay.port,
      owner: { after },
      watch,
    });
    await person.listen();
    await until(async () => (await scene.receivers(relay)).includes(name));
    return person;
  };
  const [ann, bob] = [await join("ann"), await join("bob")];
  await pairUp(ann, bob);
  for (let round = 0; round < 3; round++) {
    assert.equal(endOf(await ann.send("bob", messageSource("there"))), "done");
    assert.equal(endOf(await bob.send("ann", messageSource("and back"))), "done");
  }
  assert.equal(endOf(await ann.send("bob", bytesSource(nativeSuite.random(300_000)))), "done");
  await Promise.all([ann.client.close(), bob.client.close()]);
}

function search(secrets: MaskedSecrets): string[] {
  const found = new Set<string>();
  for (const piece of writableMemory())
    for (const { what } of secrets.findIn(piece)) found.add(what);
  return [...found].toSorted();
}
