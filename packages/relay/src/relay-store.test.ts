import assert from "node:assert/strict";
import { chmodSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test, type TestContext } from "node:test";
import { NAMES_PER_IDENTITY_MAX } from "@postern/core/limits";
import { PosternError, type ErrorCode } from "@postern/core/errors";
import type { WallMs } from "@postern/core/time";
import { person, suite } from "../test/test-client.ts";
import { dataDirectory } from "../test/test-relay.ts";
import { openRelayStore } from "./relay-store.ts";

const failsWith = (code: ErrorCode) => (error: unknown) =>
  error instanceof PosternError && error.code === code;

async function directoryOf(t: TestContext): Promise<string> {
  const directory = await dataDirectory(t);
  openRelayStore(directory, suite).close();
  return directory;
}

function edit(directory: string, sql: string): void {
  const database = new DatabaseSync(join(directory, "relay.db"));
  database.exec(sql);
  database.close();
}

test("openRelayStore() keeps the static key, names and the RSA key", async (t) => {
  const directory = await dataDirectory(t);
  const { identity } = person("alice");
  const first = openRelayStore(directory, suite);
  const publicKey = first.staticKey.publicKey.slice();
  assert.equal(first.knows(identity.fingerprint), false);
  assert.equal(first.claim("alice", identity), true);
  const pkcs8 = new Uint8Array(100).fill(4);
  first.saveRsaKey({ pkcs8, notAfter: 1_800_000_000_000.5 as WallMs });
  first.close();
  const again = openRelayStore(directory, suite);
  t.after(() => again.close());
  assert.deepEqual(Buffer.from(again.staticKey.publicKey), Buffer.from(publicKey));
  assert.deepEqual(again.rsaKey(), { pkcs8, notAfter: 1_800_000_000_000 });
  assert.deepEqual(again.owner("alice"), { id: identity.id, fingerprint: identity.fingerprint });
  assert.equal(again.owner("bob"), undefined);
  assert.equal(again.knows(identity.fingerprint), true);
});

test("openRelayStore() bounds the names of one identity (R-03)", async (t) => {
  const store = openRelayStore(await dataDirectory(t), suite);
  t.after(() => store.close());
  const { identity } = person("alice");
  for (let i = 0; i < NAMES_PER_IDENTITY_MAX; i++) assert(store.claim(`name-${i}`, identity));
  assert.equal(store.claim("one-more", identity), false);
  assert.equal(store.owner("one-more"), undefined);
});

test("openRelayStore() lets nobody else read its files (C-20)", async (t) => {
  const directory = await dataDirectory(t);
  const store = openRelayStore(directory, suite);
  t.after(() => store.close());
  assert.equal(statSync(directory).mode & 0o777, 0o700);
  const files = readdirSync(directory);
  assert(files.includes("relay.db"));
  for (const file of files) assert.equal(statSync(join(directory, file)).mode & 0o777, 0o600);
});

test("openRelayStore() refuses a second relay on one directory", async (t) => {
  const directory = await dataDirectory(t);
  const store = openRelayStore(directory, suite);
  assert.throws(() => openRelayStore(directory, suite), failsWith("store/in-use"));
  store.close();
  openRelayStore(directory, suite).close();
});

test("openRelayStore() refuses a store of a newer version and leaves it as it is (P-08)", async (t) => {
  const directory = await directoryOf(t);
  edit(directory, "PRAGMA user_version=3");
  const before = readFileSync(join(directory, "relay.db"));
  assert.throws(() => openRelayStore(directory, suite), failsWith("store/failed"));
  assert.ok(before.equals(readFileSync(join(directory, "relay.db"))));
});

test("openRelayStore() takes over a store that knew no key packages", async (t) => {
  const directory = await dataDirectory(t);
  const { identity } = person("alice");
  const first = openRelayStore(directory, suite);
  const publicKey = first.staticKey.publicKey.slice();
  first.claim("alice", identity);
  first.close();
  edit(directory, "DROP TABLE key_package; PRAGMA user_version=1");
  for (let opened = 0; opened < 2; opened++) {
    const store = openRelayStore(directory, suite);
    assert.deepEqual(Buffer.from(store.staticKey.publicKey), Buffer.from(publicKey));
    assert.equal(store.knows(identity.fingerprint), true);
    assert.deepEqual(store.packages.list(identity.fingerprint), []);
    store.close();
  }
});

test("openRelayStore() refuses another program's database", async (t) => {
  const directory = await directoryOf(t);
  edit(directory, "PRAGMA application_id=7");
  assert.throws(() => openRelayStore(directory, suite), failsWith("store/failed"));
});

test("openRelayStore() refuses truncated and random files (P-08)", async (t) => {
  const directory = await directoryOf(t);
  const path = join(directory, "relay.db");
  const whole = readFileSync(path);
  for (const bad of [whole.subarray(0, 5_000), Buffer.alloc(8_192, 7), Buffer.from("SQLite")]) {
    writeFileSync(path, bad);
    assert.throws(() => openRelayStore(directory, suite), failsWith("store/failed"));
  }
});

test("openRelayStore() never takes a damaged seed for another relay's (P-08)", async (t) => {
  const directory = await directoryOf(t);
  edit(directory, "UPDATE relay SET static_seed = zeroblob(32)");
  assert.throws(() => openRelayStore(directory, suite), failsWith("store/failed"));
});

test("openRelayStore() reports a directory that it cannot use", async (t) => {
  const directory = await dataDirectory(t);
  const file = join(directory, "..", "file");
  writeFileSync(file, "");
  chmodSync(file, 0o600);
  assert.throws(() => openRelayStore(join(file, "data"), suite), failsWith("store/failed"));
});
