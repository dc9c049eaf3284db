import assert from "node:assert/strict";
import { copyFile, mkdir, readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { hasCode } from "../../test/has-code.ts";
import { scratch } from "../../test/scratch.ts";
import { atEachStep } from "../../test/state-lab.ts";
import { writeVersion1, writeVersion2 } from "../../test/old-states.ts";
import {
  bytes,
  CONTACT,
  IDENTITY,
  LATER,
  packageOf,
  PAIR,
  unfinishedOf,
} from "../../test/stored-samples.ts";
import { type SealableStore, sqliteStore } from "./sqlite-store.ts";
import { STATE_VERSION } from "./state-schema.ts";

const TAKEN = { ...PAIR, role: "receiving" } as const;
const { signingSeed, linkSeed, name } = IDENTITY;
const ROWS: Parameters<typeof writeVersion1>[1] = [
  ["identity", 1, signingSeed, linkSeed, name],
  ["pair", PAIR.role, PAIR.relay, PAIR.peer, 3, bytes(32, 9)],
  ["pair", TAKEN.role, TAKEN.relay, TAKEN.peer, Number.MAX_SAFE_INTEGER, null],
  ["rsa_key", 1, bytes(1_794, 1), LATER],
  ["relay_pin", "relay.example:7000", bytes(32, 8)],
];

function open(path: string): Promise<SealableStore> {
  return sqliteStore(path, () => assert.fail("made a new identity"));
}

async function expectOldRows(store: SealableStore): Promise<void> {
  assert.deepEqual(await store.identity(), IDENTITY);
  assert.deepEqual(await store.pairKey(PAIR), { counter: 3, key: bytes(32, 9) });
  assert.equal(await store.pairKey(TAKEN), undefined);
  assert.equal(await store.pairCounter(TAKEN), Number.MAX_SAFE_INTEGER);
  assert.deepEqual(await store.rsaKey(), { pkcs8: bytes(1_794, 1), notAfter: LATER });
  assert.deepEqual(await store.relayPin("relay.example:7000"), bytes(32, 8));
}

function versionOf(path: string): unknown {
  const database = new DatabaseSync(path, { readOnly: true });
  const version = database.prepare("PRAGMA user_version").get()?.["user_version"];
  database.close();
  return version;
}

test("sqliteStore() takes over the state of version 1 with all that it keeps", async (t) => {
  const path = join(await scratch(t), "state.db");
  writeVersion1(path, ROWS);
  const store = await open(path);
  await expectOldRows(store);
  assert.deepEqual([await store.channels(), await store.contacts()], [[], []]);
  await store.saveKeyPackages([packageOf(1)]);
  await store.saveContact(CONTACT);
  await store.saveChannel(PAIR, bytes(90, 1));
  await store.close();
  assert.equal(versionOf(path), STATE_VERSION);
  const again = await open(path);
  await expectOldRows(again);
  assert.deepEqual(await again.keyPackages(), [packageOf(1)]);
  assert.deepEqual(await again.contacts(), [CONTACT]);
  assert.deepEqual(await again.channel(PAIR), bytes(90, 1));
  await again.close();
  assert.equal((await stat(path)).mode & 0o777, 0o600);
});

test("sqliteStore() takes over the state of version 2, for what is new as well", async (t) => {
  const path = join(await scratch(t), "state.db");
  const { fingerprint, id, relayName, trust, addedAt } = CONTACT;
  writeVersion2(path, [
    ...ROWS,
    ["channel", PAIR.role, PAIR.peer, bytes(90, 1)],
    ["contact", fingerprint, id, CONTACT.name, relayName, trust, 0, null, addedAt],
  ]);
  const store = await open(path);
  await expectOldRows(store);
  assert.deepEqual(await store.channel(PAIR), bytes(90, 1));
  assert.deepEqual(await store.contacts(), [CONTACT]);
  assert.deepEqual(await store.unfinished(), []);
  await store.saveUnfinished(unfinishedOf(1));
  const kept = { slot: 3, receipt: bytes(1_442, 2) };
  await store.saveChannel(TAKEN, bytes(90, 3), undefined, { receipt: kept });
  await store.close();
  assert.equal(versionOf(path), STATE_VERSION);
  const again = await open(path);
  assert.deepEqual(await again.receipt(TAKEN.peer, 3), kept.receipt);
  assert.deepEqual(await again.unfinished(), [unfinishedOf(1)]);
  await again.close();
});

test("sqliteStore() takes over version 1 wholly or not at all when it is interrupted", async (t) => {
  const directory = await scratch(t);
  const path = join(directory, "state.db");
  writeVersion1(path, ROWS);
  const before = await readFile(path);
  let [calls, failing] = [0, 0];
  const stop = atEachStep(t, () => {
    if (++calls === failing) throw new Error("out of order");
  });
  let untouched = 0;
  for (failing = 1; ; failing++) {
    calls = 0;
    const opened = await open(path).catch((error: unknown) => {
      assert.ok(hasCode("store/failed")(error), String(error));
    });
    await opened?.close();
    if (calls < failing) break;
    if (before.equals(await readFile(path))) untouched++;
  }
  assert.ok(untouched > 10 && failing > untouched + 5, `${untouched} of ${failing} steps`);
  stop();
  assert.equal(versionOf(path), STATE_VERSION);
  const store = await open(path);
  await expectOldRows(store);
  await store.close();
});

test("sqliteStore() refuses a damaged state of version 1, too (P-08)", async (t) => {
  const directory = await scratch(t);
  const path = join(directory, "state.db");
  writeVersion1(path, ROWS);
  const database = new DatabaseSync(path);
  database.prepare("UPDATE pair SET counter = 4 WHERE counter = 3").run();
  database.close();
  await assert.rejects(open(path), hasCode("store/failed"));
});

test("sqliteStore() takes over version 1 from the journal of a crash", async (t) => {
  const directory = await scratch(t);
  const path = join(directory, "state.db");
  writeVersion1(path, ROWS.slice(0, 1));
  const database = new DatabaseSync(path);
  database.exec("PRAGMA wal_autocheckpoint=0; CREATE TABLE passing (a); DROP TABLE passing");
  const left = join(directory, "left");
  await mkdir(left);
  for (const file of await readdir(directory))
    if (file.startsWith("state.db") && !file.endsWith("-shm"))
      await copyFile(join(directory, file), join(left, file));
  database.close();
  assert.ok((await stat(join(left, "state.db-wal"))).size > 0);
  const store = await open(join(left, "state.db"));
  assert.deepEqual(await store.identity(), IDENTITY);
  await store.close();
});
