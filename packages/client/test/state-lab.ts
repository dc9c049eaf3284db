/** A store with one of every secret, its files, and what a crash would leave of them. @module */
import assert from "node:assert/strict";
import fs, { copyFileSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { join } from "node:path";
import { DatabaseSync, type SQLInputValue, StatementSync } from "node:sqlite";
import type { TestContext } from "node:test";
import { utf8 } from "@postern/core/bytes";
import { storedValues } from "../src/node/row-seal.ts";
import { type SealableStore, sqliteStore } from "../src/node/sqlite-store.ts";
import type { TableName } from "../src/node/state-schema.ts";
import type { Passphrase } from "../src/node/unlock-state.ts";
import type { Clock } from "../src/records/clock.ts";
import type { Store } from "../src/store.ts";
import { scratch } from "./scratch.ts";
import type { Crowd } from "./store-makers.ts";
import {
  bytes,
  CONTACT,
  contactOf,
  fingerprint,
  IDENTITY,
  LATER,
  packageOf,
  PAIR,
  strangerOf,
  unfinishedOf,
} from "./stored-samples.ts";
import { TurnedClock } from "./turned-clock.ts";

/** One guess in a moment, for tests. */
export const CHEAP = { memoryKib: 64, passes: 1, lanes: 1 };
export const FIRST = utf8("correct horse");
export const SECOND = utf8("battery staple");

const SECRETS = {
  signingSeed: IDENTITY.signingSeed,
  linkSeed: IDENTITY.linkSeed,
  pairKey: bytes(32, 61),
  rsaKey: bytes(1_794, 62),
  record: bytes(3_000, 63),
  receipt: bytes(1_442, 67),
  packageSeed: packageOf(64).seed,
  pairingSecret: bytes(32, 65),
  unfinished: bytes(900, 67),
  trace: bytes(1_000, 66),
};

export function openIn(
  directory: string,
  passphrase?: Passphrase,
  clock?: Clock,
): Promise<SealableStore> {
  return sqliteStore(join(directory, "state.db"), () => IDENTITY, passphrase, clock);
}

/** A store on the disk, whose time the test turns; it is closed when the test ends. */
export interface StateLab {
  readonly directory: string;
  readonly clock: TurnedClock;
  readonly store: Store;
}

export async function openStateLab(t: TestContext): Promise<StateLab> {
  const [directory, clock] = [await scratch(t), new TurnedClock()];
  const store = await openIn(directory, undefined, clock);
  t.after(() => store.close());
  return { directory, clock, store };
}

export async function fill(store: SealableStore): Promise<void> {
  await store.keepPairKey(PAIR, { counter: 3, key: SECRETS.pairKey });
  await store.keepPairKey({ ...PAIR, peer: fingerprint(1) }, { counter: 4, key: bytes(32, 1) });
  await store.takePairKey({ ...PAIR, peer: fingerprint(1) });
  await store.saveRsaKey({ pkcs8: SECRETS.rsaKey, notAfter: LATER });
  await store.pinRelay("relay.example:7000", bytes(32, 8));
  await store.saveChannel(PAIR, SECRETS.record);
  const receipt = { slot: 0, receipt: SECRETS.receipt };
  await store.saveChannel({ ...PAIR, role: "receiving" }, bytes(90, 5), undefined, { receipt });
  await store.saveKeyPackages([packageOf(64)]);
  await store.saveContact({ ...CONTACT, pairingSecret: SECRETS.pairingSecret });
  await store.saveContact(contactOf(2));
  await store.saveUnfinished({ ...unfinishedOf(1), record: SECRETS.unfinished });
}

export async function expectFilled(store: SealableStore): Promise<void> {
  assert.deepEqual(await store.identity(), IDENTITY);
  assert.deepEqual(await store.pairKey(PAIR), { counter: 3, key: SECRETS.pairKey });
  assert.equal(await store.pairCounter({ ...PAIR, peer: fingerprint(1) }), 4);
  assert.deepEqual(await store.rsaKey(), { pkcs8: SECRETS.rsaKey, notAfter: LATER });
  assert.deepEqual(await store.relayPin("relay.example:7000"), bytes(32, 8));
  assert.deepEqual(await store.channel(PAIR), SECRETS.record);
  assert.deepEqual(await store.receipt(PAIR.peer, 0), SECRETS.receipt);
  assert.deepEqual(await store.keyPackages(), [packageOf(64)]);
  assert.deepEqual((await store.unfinished())[0]?.record, SECRETS.unfinished);
  const pinned = { ...CONTACT, pairingSecret: SECRETS.pairingSecret };
  assert.deepEqual(await store.contact(CONTACT.fingerprint), pinned);
}

export function expectReadable(directory: string): void {
  const contents = contentsOf(directory);
  for (const [name, secret] of Object.entries(SECRETS))
    assert.ok(contents.includes(secret), `the search finds the ${name}`);
}

export function expectNoSecret(directory: string): void {
  const contents = contentsOf(directory);
  for (const [name, secret] of Object.entries(SECRETS)) {
    assert.ok(!contents.includes(secret), name);
    // A part of it is as bad.
    assert.ok(!contents.includes(secret.subarray(-16)), `end of ${name}`);
  }
}

export function contentsOf(directory: string): Buffer {
  return Buffer.concat(stateFiles(directory).map((name) => readFileSync(join(directory, name))));
}

let copies = 0;

/** The files as they are at this moment. */
export function copyOf(directory: string): string {
  const copy = join(directory, `copy-${++copies}`);
  mkdirSync(copy);
  for (const name of stateFiles(directory)) copyFileSync(join(directory, name), join(copy, name));
  return copy;
}

/** What a program leaves in free pages that does not erase. */
export function leaveTrace(directory: string): void {
  edit(directory, (database) => {
    database.exec("PRAGMA secure_delete=OFF; CREATE TABLE passing (a BLOB)");
    const insert = database.prepare("INSERT INTO passing VALUES (?)");
    for (let n = 0; n < 40; n++) insert.run(SECRETS.trace);
    database.exec("DROP TABLE passing");
  });
}

/** Behind the store's back. */
export function edit<T>(directory: string, action: (database: DatabaseSync) => T): T {
  const database = new DatabaseSync(join(directory, "state.db"));
  try {
    return action(database);
  } finally {
    database.close();
  }
}

const DATABASE = ["exec", "prepare"] as const;
const STATEMENT = ["all", "get", "run"] as const;
const FILE = ["fdatasyncSync", "ftruncateSync", "writeSync"] as const;

/**
 * Calls `act` before each step that a crash or a failure may hit, until what this returns is
 * called: each statement of SQLite, when it is prepared and when it runs, and each write to the
 * journal beside it.
 */
export function atEachStep(t: TestContext, act: () => void): () => void {
  const before = <F extends (...values: never[]) => unknown>(original: F) =>
    function (this: ThisParameterType<F>, ...values: Parameters<F>): unknown {
      act();
      return original.apply(this, values);
    };
  const database = DatabaseSync.prototype;
  const statement = StatementSync.prototype;
  const mocks = [
    ...DATABASE.map((name) => t.mock.method(database, name, before(database[name]))),
    ...STATEMENT.map((name) => t.mock.method(statement, name, before(statement[name]))),
    ...FILE.map((name) => t.mock.method(fs, name, before(fs[name]))),
  ];
  // Of the file's functions: who has imported them by name.
  syncBuiltinESMExports();
  return () => {
    for (const { mock } of mocks) mock.restore();
    syncBuiltinESMExports();
  };
}

/** A directory with a store of that crowd, in one write. */
export async function withCrowd(t: TestContext, crowd: Crowd): Promise<string> {
  const { contacts = 0, strangers = 0, relays = 0, unfinished = 0 } = crowd;
  const directory = await scratch(t);
  await (await openIn(directory)).close();
  edit(directory, (database) => {
    const insert = (table: TableName, ...values: readonly SQLInputValue[]): void => {
      const stored = storedValues(table, values, undefined);
      const marks = stored.map(() => "?").join(", ");
      database.prepare(`INSERT INTO ${table} VALUES (${marks})`).run(...stored);
    };
    database.exec("BEGIN");
    for (let n = 0; n < contacts; n++) {
      const { fingerprint: key, id, name, relayName, trust, addedAt } = contactOf(n);
      insert("contact", key, id, name, relayName, trust, 0, null, addedAt);
    }
    for (let n = 0; n < strangers; n++) {
      const { role, peer } = strangerOf(n);
      insert("channel", role, peer, bytes(9, n));
      insert("channel_receipt", peer, 0, bytes(8, n));
    }
    for (let n = 0; n < relays; n++) insert("relay_pin", `a${n}`, bytes(32, n));
    for (let n = 0; n < unfinished; n++) {
      const { role, content, record, changedAt } = unfinishedOf(n);
      insert("unfinished", role, fingerprint(n), content, record, changedAt);
    }
    database.exec("COMMIT");
  });
  return directory;
}

function stateFiles(directory: string): readonly string[] {
  return readdirSync(directory).filter((name) => name.startsWith("state.db"));
}
