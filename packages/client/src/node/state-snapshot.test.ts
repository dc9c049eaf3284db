import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFileSync, readdirSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test, type TestContext } from "node:test";
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

/** As a running process has it: changes are in its log and not in the state. */
async function running(t: TestContext): Promise<{ store: SealableStore; directory: string }> {
  const directory = await scratch(t);
  const store = await openIn(directory, undefined, new TurnedClock());
  t.after(async () => await store.close());
  return { store, directory };
}

test("sqliteStoreCopy() has what is in the log alone, and changes nothing on the disk", async (t) => {
  const { store, directory } = await running(t);
  await fill(store);
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

test("sqliteStoreCopy() counts the changes of a log that is cut or damaged as SQLite does", async (t) => {
  const { store, directory } = await running(t);
  for (let n = 0; n < 5; n++) await store.pinRelay(`a${n}`, bytes(32, n));
  const whole = statSync(`${stateIn(directory)}-wal`).size;
  const seen = new Set<number>();
  for (let size = whole; size >= 0; size -= Math.ceil(whole / 23)) {
    for (const isCut of [true, false]) {
      const copy = copyOf(directory);
      const log = `${stateIn(copy)}-wal`;
      const damagedBytes = readFileSync(log);
      damagedBytes[Math.min(size, whole - 1)]! ^= 1;
      if (isCut) truncateSync(log, size);
      else writeFileSync(log, damagedBytes);
      const read = await pinsOf(await sqliteStoreCopy(stateIn(copy)));
      assert.deepEqual(read, await pinsOf(await openIn(copy)), `${size} of ${whole}`);
      seen.add(read.length);
    }
  }
  assert.ok(seen.size > 3, "all ends were not the same");
});

test("sqliteStoreCopy() needs the passphrase, and takes no other", async (t) => {
  const { store, directory } = await running(t);
  await fill(store);
  await store.setPassphrase(FIRST, CHEAP);
  const path = stateIn(copyOf(directory));
  await assert.rejects(sqliteStoreCopy(path), hasCode("store/locked"));
  await assert.rejects(sqliteStoreCopy(path, SECOND), hasCode("store/wrong-passphrase"));
  const read = await sqliteStoreCopy(path, FIRST.slice());
  await expectFilled(read);
  assert.ok(read.isProtected);
  await read.close();
});

test("sqliteStoreCopy() refuses what is damaged, too full, none, or no file", async (t) => {
  const { store, directory } = await running(t);
  await fill(store);
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
  for (let n = 0; n < 40; n++) {
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
  assert.ok(contacts > 10, `${contacts}`);
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
