import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import {
  chmod,
  copyFile,
  mkdir,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  truncate,
  writeFile,
} from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test, type TestContext } from "node:test";
import { PosternError } from "@postern/core/errors";
import { CHANNEL_RECORD_BYTES_MAX, CONTACTS_MAX, STATE_BYTES_MAX } from "@postern/core/limits";
import type { WallMs } from "@postern/core/time";
import { hasCode } from "../../test/has-code.ts";
import { scratch } from "../../test/scratch.ts";
import { atEachStep, contentsOf, copyOf, edit, openIn, withCrowd } from "../../test/state-lab.ts";
import { storeConformance } from "../../test/store-conformance.ts";
import { bytes, IDENTITY, packageOf, PAIR } from "../../test/stored-samples.ts";
import { TurnedClock } from "../../test/turned-clock.ts";
import type { Store } from "../store.ts";
import { storedValues } from "./row-seal.ts";
import { sqliteStore } from "./sqlite-store.ts";
import { ERASED_AFTER_IDLE_MS } from "./state-journal.ts";

storeConformance("sqliteStore()", {
  make: async (t) => openedFor(t, await scratch(t)),
  makeWith: async (t, crowd) => openedFor(t, await withCrowd(t, crowd)),
});

async function openedFor(t: TestContext, directory: string): Promise<Store> {
  const store = await openIn(directory);
  t.after(() => store.close());
  return store;
}

test("sqliteStore() keeps everything over a restart and makes one identity", async (t) => {
  const directory = await scratch(t);
  await filled(directory);
  const again = await sqliteStore(join(directory, "state.db"), () => assert.fail("made again"));
  await expectFilled(again);
  await again.close();
  assert.deepEqual(await readdir(directory), ["state.db"]);
});

test("sqliteStore() is readable by its owner alone", async (t) => {
  const directory = await scratch(t);
  const store = await openIn(directory);
  await store.pinRelay("a", bytes(32, 1));
  const names = await readdir(directory);
  assert.ok(names.includes("state.db-wal"));
  for (const name of names)
    assert.equal((await stat(join(directory, name))).mode & 0o777, 0o600, name);
  await store.close();
  await chmod(join(directory, "state.db"), 0o644);
  await (await openIn(directory)).close();
  assert.equal((await stat(join(directory, "state.db"))).mode & 0o777, 0o600);
});

test("sqliteStore() leaves no trace of many keys in pages that were split", async (t) => {
  const directory = await scratch(t);
  const clock = new TurnedClock();
  const store = await openIn(directory, undefined, clock);
  const key = (n: number) => createHash("sha256").update(`key ${n}`).digest();
  const peer = (n: number) => createHash("sha256").update(`peer ${n}`).digest();
  for (let n = 0; n < 120; n++)
    await store.keepPairKey({ ...PAIR, peer: peer(n) }, { counter: 1, key: key(n) });
  await store.saveRsaKey({ ...RSA_KEY, pkcs8: key(1_000) });
  await store.saveRsaKey(RSA_KEY);
  for (let n = 0; n < 120; n++) await store.takePairKey({ ...PAIR, peer: peer(n) });
  assert.ok(contentsOf(directory).includes(key(119)), "the search finds a key");
  await clock.advance(ERASED_AFTER_IDLE_MS);
  const contents = contentsOf(directory);
  for (let n = 0; n < 120; n++) assert.ok(!contents.includes(key(n)), `key ${n}`);
  assert.ok(!contents.includes(key(1_000)));
  await store.close();
});

test("sqliteStore() has a drop on disk when it resolves", async (t) => {
  const directory = await scratch(t);
  const store = await openIn(directory);
  t.after(() => store.close());
  await store.keepPairKey(PAIR, { counter: 1, key: bytes(32, 9) });
  await store.takePairKey(PAIR);
  // What a crash would leave: the files as they are, without a close.
  const copy = join(directory, "copy");
  await mkdir(copy);
  for (const name of ["state.db", "state.db-wal"])
    await copyFile(join(directory, name), join(copy, name));
  const after = await openIn(copy);
  assert.equal(await after.pairKey(PAIR), undefined);
  assert.equal(await after.pairCounter(PAIR), 1);
  await after.close();
});

test("sqliteStore() uses up a package and moves its channel in one write", async (t) => {
  const directory = await scratch(t);
  const clock = new TurnedClock();
  const store = await openIn(directory, undefined, clock);
  await store.saveKeyPackages([packageOf(1)]);
  await store.saveChannel(PAIR, bytes(90, 1));
  const left: string[] = [];
  const stop = atEachStep(t, () => void left.push(copyOf(directory)));
  await store.saveChannel(PAIR, bytes(90, 2), packageOf(1).kid);
  await clock.advance(ERASED_AFTER_IDLE_MS);
  stop();
  await store.close();
  const seen = new Set<string>();
  for (const copy of left) {
    const after = await openIn(copy);
    const isMoved = Buffer.from(bytes(90, 2)).equals((await after.channel(PAIR)) ?? bytes(0, 0));
    const isUsed = (await after.keyPackages()).length === 0;
    assert.equal(isUsed, isMoved);
    seen.add(String(isMoved));
    if (isUsed) assert.ok(!contentsOf(copy).includes(packageOf(1).seed));
    await after.close();
  }
  assert.equal(seen.size, 2, "before and after");
});

test("sqliteStore() refuses absurd counts and sizes before it reads them (P-08)", async (t) => {
  const many = await withCrowd(t, { contacts: CONTACTS_MAX + 1 });
  await assert.rejects(openIn(many), hasCode("store/failed"), "contacts");
  const directory = await scratch(t);
  await filled(directory);
  for (const [record, size] of [
    [new Uint8Array(CHANNEL_RECORD_BYTES_MAX + 100_000), "longer than any row"],
    [new Uint8Array(CHANNEL_RECORD_BYTES_MAX + 1), "longer than a record"],
    [new Uint8Array(0), "empty"],
  ] as const) {
    const copy = copyOf(directory);
    const stored = storedValues("channel", [PAIR.role, PAIR.peer, record], undefined);
    edit(copy, (database) =>
      database.prepare("INSERT INTO channel VALUES (?, ?, ?, ?)").run(...stored),
    );
    const read = async (): Promise<unknown> => {
      const store = await openIn(copy);
      try {
        assert.ok(record.length <= CHANNEL_RECORD_BYTES_MAX + 1, "opened with it");
        return await store.channel(PAIR);
      } finally {
        await store.close();
      }
    };
    await assert.rejects(read(), hasCode("store/failed"), size);
  }
});

test("sqliteStore() refuses tables, triggers and columns that are not its own (P-08)", async (t) => {
  const directory = await scratch(t);
  await filled(directory);
  for (const statement of [
    "CREATE TABLE more (a)",
    "CREATE TRIGGER t AFTER INSERT ON contact BEGIN DELETE FROM pair; END",
    "CREATE VIEW v AS SELECT * FROM pair",
    "CREATE INDEX i ON contact (trust)",
    "ALTER TABLE contact ADD COLUMN more TEXT",
    "DROP TABLE contact",
  ]) {
    const copy = copyOf(directory);
    edit(copy, (database) => database.exec(statement));
    await assert.rejects(openIn(copy), hasCode("store/failed"), statement);
  }
});

test("sqliteStore() refuses a second handle at once and leaves the first alone", async (t) => {
  const directory = await scratch(t);
  const store = await openIn(directory);
  for (let i = 0; i < 2; i++)
    await assert.rejects(openIn(directory), (error: unknown) => {
      assert.ok(error instanceof PosternError);
      assert.equal(error.code, "store/in-use");
      assert.equal(error.details["directory"], directory);
      return true;
    });
  await store.pinRelay("a", bytes(32, 1));
  await store.close();
  await (await openIn(directory)).close();
});

test("sqliteStore() opens for one when two come first together", async (t) => {
  const directory = await scratch(t);
  const both = await Promise.allSettled([openIn(directory), openIn(directory)]);
  const opened = both.filter((one) => one.status === "fulfilled");
  assert.equal(opened.length, 1);
  for (const one of both)
    if (one.status === "rejected") assert.ok(hasCode("store/in-use")(one.reason));
  await opened[0]?.value.close();
  assert.deepEqual(await readdir(directory), ["state.db"]);
});

test("sqliteStore() refuses a truncated state and makes no new identity (P-08)", async (t) => {
  const directory = await scratch(t);
  await filled(directory);
  const path = join(directory, "state.db");
  const { size } = await stat(path);
  for (const length of [size - 1, size / 2, 4_096, 100, 15, 0]) {
    await truncate(path, length);
    await assert.rejects(openIn(directory), hasCode("store/failed"), `${length} bytes`);
    assert.equal((await stat(path)).size, length);
  }
  await rm(path);
  await writeFile(`${path}-wal`, "left");
  await assert.rejects(openIn(directory), hasCode("store/failed"), "its journal alone");
});

test("sqliteStore() refuses what is no state of this version (P-08)", async (t) => {
  const directory = await scratch(t);
  const path = join(directory, "state.db");
  await writeFile(path, "not a database, but long enough to be looked at".repeat(100));
  await assert.rejects(openIn(directory), hasCode("store/failed"), "text");
  await rm(path);
  await filled(directory);
  const database = new DatabaseSync(path);
  database.exec("PRAGMA user_version=4");
  database.close();
  await assert.rejects(openIn(directory), (error: unknown) => {
    assert.ok(error instanceof PosternError);
    assert.equal(error.code, "store/failed");
    assert.deepEqual(error.details, { path, version: 4, supported: 3 });
    return true;
  });
});

test("sqliteStore() refuses a state that is a link, a directory or huge (P-08)", async (t) => {
  const directory = await scratch(t);
  const path = join(directory, "state.db");
  await symlink("elsewhere.db", path);
  await assert.rejects(openIn(directory), hasCode("store/failed"));
  await rm(path);
  await mkdir(path);
  await assert.rejects(openIn(directory), hasCode("store/failed"));
  await rm(path, { recursive: true });
  await filled(directory);
  // Sparse: takes no space.
  await truncate(path, STATE_BYTES_MAX + 1);
  await assert.rejects(openIn(directory), hasCode("store/failed"));
});

test("sqliteStore() shows a flipped bit or is not touched by it (P-08)", async (t) => {
  const directory = await scratch(t);
  await filled(directory);
  const path = join(directory, "state.db");
  const sound = await readFile(path);
  let refused = 0;
  for (let i = 0; i < 400; i++) {
    const flipped = Buffer.from(sound);
    // Spread over the file, and all of the first header.
    const at = i < 100 ? i : (i * 7_919) % sound.length;
    flipped[at] = (flipped[at] ?? 0) ^ (1 << (i % 8));
    await writeFile(path, flipped, { mode: 0o600 });
    try {
      const store = await sqliteStore(path, () => assert.fail("a new identity"));
      await expectFilled(store);
      await store.close();
    } catch (error) {
      assert.ok(hasCode("store/failed")(error), `byte ${at}: ${String(error)}`);
      refused++;
    }
    await rm(`${path}-wal`, { force: true });
  }
  assert.ok(refused > 20, `${refused} refused`);
});

test("sqliteStore() shows every flipped bit of a key", async (t) => {
  const directory = await scratch(t);
  await filled(directory);
  const path = join(directory, "state.db");
  const sound = await readFile(path);
  for (const secret of [bytes(32, 9), IDENTITY.signingSeed, IDENTITY.linkSeed, PAIR.peer]) {
    const at = sound.indexOf(secret);
    assert.ok(at > 0);
    const flipped = Buffer.from(sound);
    flipped[at + 5] = (flipped[at + 5] ?? 0) ^ 4;
    await writeFile(path, flipped);
    await assert.rejects(openIn(directory), hasCode("store/failed"));
  }
});

const RSA_KEY = { pkcs8: bytes(1_794, 1), notAfter: 1_800_000_000_000 as WallMs };

async function filled(directory: string): Promise<void> {
  const store = await openIn(directory);
  await store.keepPairKey(PAIR, { counter: 3, key: bytes(32, 9) });
  await store.saveRsaKey(RSA_KEY);
  await store.pinRelay("relay.example:7000", bytes(32, 8));
  await store.close();
}

async function expectFilled(store: Store): Promise<void> {
  assert.deepEqual(await store.identity(), IDENTITY);
  assert.deepEqual(await store.pairKey(PAIR), { counter: 3, key: bytes(32, 9) });
  assert.deepEqual(await store.rsaKey(), RSA_KEY);
  assert.deepEqual(await store.relayPin("relay.example:7000"), bytes(32, 8));
}
