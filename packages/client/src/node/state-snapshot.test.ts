import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFileSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test, type TestContext } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { UNFINISHED_MAX } from "@postern/core/limits";
import { hasCode } from "../../test/has-code.ts";
import { scratch } from "../../test/scratch.ts";
import {
  CHEAP,
  copyOf,
  expectFilled,
  fill,
  FIRST,
  openIn,
  SECOND,
  withCrowd,
} from "../../test/state-lab.ts";
import { bytes, contactOf } from "../../test/stored-samples.ts";
import { TurnedClock } from "../../test/turned-clock.ts";
import { openHome, readHome } from "./home.ts";
import { ERASED_AFTER_MS } from "./state-journal.ts";
import { type SealableStore, sqliteStoreCopy } from "./sqlite-store.ts";

function stateIn(directory: string): string {
  return join(directory, "state.db");
}

/** What any kind of read may change, of every file. */
function facts(directory: string): readonly unknown[] {
  return readdirSync(directory).map((name) => {
    const { size, mtimeMs, ctimeMs, mode } = statSync(join(directory, name));
    return [name, size, mtimeMs, ctimeMs, mode, readFileSync(join(directory, name))];
  });
}

async function pinsOf(store: SealableStore): Promise<readonly string[]> {
  try {
    return (await store.relayPins()).map(({ address }) => address);
  } finally {
    await store.close();
  }
}

/** As a running process has it, that rests: `fill` is in the state. */
async function resting(
  t: TestContext,
): Promise<{ store: SealableStore; directory: string; clock: TurnedClock }> {
  const directory = await scratch(t);
  const clock = new TurnedClock();
  const store = await openIn(directory, undefined, clock);
  t.after(async () => await store.close());
  await fill(store);
  await clock.advance(ERASED_AFTER_MS);
  return { store, directory, clock };
}

test("sqliteStoreCopy() has what is in the state, and changes nothing on the disk", async (t) => {
  const { directory } = await resting(t);
  const copy = copyOf(directory);
  const before = facts(copy);
  const read = await sqliteStoreCopy(stateIn(copy));
  await expectFilled(read);
  await assert.rejects(read.saveContact(contactOf(9)), hasCode("usage/wrong-state"));
  await assert.rejects(read.setPassphrase(FIRST, CHEAP), hasCode("usage/wrong-state"));
  await expectFilled(read);
  await read.close();
  assert.deepEqual(facts(copy), before);
});

test("sqliteStoreCopy() waits for changes that are in the log alone", async (t) => {
  const { store, directory, clock } = await resting(t);
  await store.pinRelay("late", bytes(32, 1));
  const copy = copyOf(directory);
  const path = stateIn(copy);
  const read = sqliteStoreCopy(path);
  const pins = read.then(pinsOf);
  assert.equal(await Promise.race([pins, pause(100, "waits")]), "waits");
  await clock.advance(ERASED_AFTER_MS);
  // As its process does it: all into the state, then the log is emptied.
  writeFileSync(path, readFileSync(stateIn(directory)));
  writeFileSync(`${path}-wal`, readFileSync(`${stateIn(directory)}-wal`));
  assert.ok((await pins).includes("late"));
});

test("sqliteStoreCopy() needs the passphrase, and takes no other", async (t) => {
  const { store, directory, clock } = await resting(t);
  await store.setPassphrase(FIRST, CHEAP);
  await clock.advance(ERASED_AFTER_MS);
  const path = stateIn(copyOf(directory));
  await assert.rejects(sqliteStoreCopy(path), hasCode("store/locked"));
  await assert.rejects(sqliteStoreCopy(path, SECOND), hasCode("store/wrong-passphrase"));
  const read = await sqliteStoreCopy(path, FIRST.slice());
  await expectFilled(read);
  assert.ok(read.isProtected);
  await read.close();
});

test("sqliteStoreCopy() refuses what is damaged, too full, none, or no file", async (t) => {
  const { store, directory } = await resting(t);
  await store.close();
  const path = stateIn(directory);
  const good = readFileSync(path);
  for (const at of [0, 19, 4_096 + 7]) {
    const bad = Buffer.from(good);
    bad[at]! ^= 1;
    writeFileSync(path, bad);
    await assert.rejects(sqliteStoreCopy(path), hasCode("store/failed"), `${at}`);
  }
  for (const bad of [good.subarray(0, good.length - 1), new Uint8Array(4_096), new Uint8Array(0)]) {
    writeFileSync(path, bad);
    await assert.rejects(sqliteStoreCopy(path), hasCode("store/failed"));
  }
  await assert.rejects(sqliteStoreCopy(`${path}.none`), hasCode("store/failed"));
  await assert.rejects(sqliteStoreCopy(directory), hasCode("store/failed"));
  const crowded = await withCrowd(t, { unfinished: 2 * UNFINISHED_MAX + 1 });
  await assert.rejects(sqliteStoreCopy(stateIn(crowded)), hasCode("store/failed"));
});

const SAMPLES = import.meta.resolve("../../test/stored-samples.ts");

/** Another process has alice's identity, and saves a pin and then a contact, again and again. */
async function taken(t: TestContext, home: string): Promise<ChildProcess> {
  const script = `
    import { openHome } from ${JSON.stringify(import.meta.resolve("./home.ts"))};
    import { contactOf } from ${JSON.stringify(SAMPLES)};
    const { store } = await openHome({ home: process.argv[1], name: "alice" });
    process.stdout.write("ready");
    for (let n = 0; ; n++) {
      await store.pinRelay("a" + (n % 50), new Uint8Array(32).fill(n % 256));
      await store.saveContact(contactOf(n % 50));
      await new Promise((resolve) => setTimeout(resolve, n % 7 === 0 ? 260 : 5));
    }
  `;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script, home], {
    cwd: import.meta.dirname,
    stdio: ["ignore", "pipe", "inherit"],
  });
  t.after(() => child.kill("SIGKILL"));
  await once(child.stdout, "data");
  return child;
}

test("readHome() reads beside a process that writes, which keeps the identity", async (t) => {
  const options = { home: await scratch(t), name: "alice" };
  const first = await openHome(options);
  const { fingerprint } = first;
  await first.close();
  const child = await taken(t, options.home);
  let contacts = 0;
  for (let n = 0; n < 12; n++) {
    const home = await readHome(options);
    assert.deepEqual([home.name, home.fingerprint], ["alice", fingerprint]);
    const pins = (await home.store.relayPins()).length;
    contacts = (await home.contacts.list()).length;
    // One of the two is saved before the other.
    assert.ok(pins - contacts === 0 || pins - contacts === 1, `${pins} and ${contacts}`);
    await assert.rejects(home.unfinished.drop(UNFINISHED), hasCode("usage/wrong-state"));
    await home.close();
    await assert.rejects(openHome(options), hasCode("store/in-use"));
  }
  assert.ok(contacts > 5, `${contacts}`);
  assert.equal(child.exitCode, null);
  const exited = once(child, "exit");
  child.kill("SIGKILL");
  await exited;
  const after = await readHome(options);
  await after.store.pinRelay("now", bytes(32, 1));
  await after.close();
});

const UNFINISHED = {
  id: "0".repeat(32),
  role: "sending",
  peer: { name: "bob", fingerprint: "a".repeat(52), trust: undefined },
} as const;

test("readHome() does not read what this process has: its lock would be gone", async (t) => {
  const options = { home: await scratch(t), name: "alice" };
  const own = await openHome(options);
  await assert.rejects(readHome(options), hasCode("store/in-use"));
  await own.close();
  await (await readHome(options)).close();
});
