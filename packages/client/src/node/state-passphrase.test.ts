import assert from "node:assert/strict";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import type { SQLInputValue } from "node:sqlite";
import { test, type TestContext } from "node:test";
import { utf8 } from "@postern/core/bytes";
import {
  PASSPHRASE_BYTES_MAX,
  PASSPHRASE_LANES_MAX,
  PASSPHRASE_MEMORY_KIB_MAX,
  PASSPHRASE_PASSES_MAX,
} from "@postern/core/limits";
import { hasCode } from "../../test/has-code.ts";
import { scratch } from "../../test/scratch.ts";
import {
  CHEAP,
  contentsOf,
  copyOf,
  edit,
  expectFilled,
  expectNoSecret,
  expectReadable,
  fill,
  FIRST,
  leaveTrace,
  openIn,
  SECOND,
  withCrowd,
} from "../../test/state-lab.ts";
import { storeConformance } from "../../test/store-conformance.ts";
import { bytes, contactOf, packageOf } from "../../test/stored-samples.ts";
import { storedValues } from "./row-seal.ts";
import type { SealableStore } from "./sqlite-store.ts";

const wrong = hasCode("store/wrong-passphrase");
const damaged = hasCode("store/failed");

/** Of a store that is open by now. */
async function sealed(t: TestContext, directory: string): Promise<SealableStore> {
  const store = await openIn(directory);
  t.after(() => store.close());
  await store.setPassphrase(FIRST, CHEAP);
  return store;
}

storeConformance("sqliteStore() under a passphrase", {
  make: async (t) => sealed(t, await scratch(t)),
  makeWith: async (t, crowd) => sealed(t, await withCrowd(t, crowd)),
});

test("setPassphrase() leaves no secret readable in the files, and opens with it alone", async (t) => {
  const directory = await scratch(t);
  const before = await openIn(directory);
  await fill(before);
  await before.close();
  leaveTrace(directory);
  const store = await openIn(directory);
  expectReadable(directory);
  assert.equal(store.isProtected, false);
  await store.setPassphrase(FIRST, CHEAP);
  assert.equal(store.isProtected, true);
  expectNoSecret(directory);
  await expectFilled(store);
  await fill(store);
  expectNoSecret(directory);
  await store.close();
  expectNoSecret(directory);

  await assert.rejects(openIn(directory), hasCode("store/locked"));
  for (const guess of ["correct hors", "correct horse ", "", "x".repeat(PASSPHRASE_BYTES_MAX + 1)])
    await assert.rejects(openIn(directory, utf8(guess)), wrong);
  const again = await openIn(directory, FIRST);
  assert.equal(again.isProtected, true);
  await expectFilled(again);
  await again.close();
});

test("setPassphrase() changes it: the old one opens nothing, nor does its data key", async (t) => {
  const directory = await scratch(t);
  const store = await openIn(directory);
  await fill(store);
  await store.setPassphrase(FIRST, CHEAP);
  const sealedBefore = sealedKeyIn(copyOf(directory));
  await store.setPassphrase(SECOND, CHEAP);
  assert.ok(!contentsOf(directory).includes(sealedBefore));
  await expectFilled(store);
  await store.close();
  await assert.rejects(openIn(directory, FIRST), wrong);
  const again = await openIn(directory, SECOND);
  await expectFilled(again);
  await again.close();
});

test("setPassphrase() takes it away", async (t) => {
  const directory = await scratch(t);
  const store = await openIn(directory);
  await fill(store);
  await store.setPassphrase(FIRST, CHEAP);
  await store.setPassphrase(undefined);
  assert.equal(store.isProtected, false);
  await expectFilled(store);
  await store.close();
  const again = await openIn(directory, () => assert.fail("asked without need"));
  await expectFilled(again);
  await again.close();
});

test("setPassphrase() takes no empty and no endless one", async (t) => {
  const store = await openIn(await scratch(t));
  t.after(() => store.close());
  const refused = hasCode("usage/invalid-argument");
  await assert.rejects(store.setPassphrase(bytes(0, 0), CHEAP), refused);
  await assert.rejects(store.setPassphrase(bytes(PASSPHRASE_BYTES_MAX + 1, 0), CHEAP), refused);
  assert.equal(store.isProtected, false);
  await store.setPassphrase(bytes(PASSPHRASE_BYTES_MAX, 0), CHEAP);
});

test("setPassphrase() does nothing to a store that closes meanwhile", async (t) => {
  const directory = await scratch(t);
  const store = await openIn(directory);
  const setting = store.setPassphrase(FIRST, CHEAP);
  await store.close();
  await assert.rejects(setting, hasCode("usage/wrong-state"));
  await assert.rejects(store.setPassphrase(undefined), hasCode("usage/wrong-state"));
  await (await openIn(directory)).close();
});

test("sqliteStore() asks for the passphrase once, keeps others out, and wipes it", async (t) => {
  const directory = await scratch(t);
  const store = await openIn(directory);
  await store.setPassphrase(FIRST, CHEAP);
  await store.close();
  const typed = FIRST.slice();
  let asked = 0;
  const again = await openIn(directory, async () => {
    asked++;
    await assert.rejects(openIn(directory, FIRST), hasCode("store/in-use"));
    return typed;
  });
  assert.equal(asked, 1);
  assert.deepEqual(typed, new Uint8Array(typed.length));
  await again.close();
  const given = FIRST.slice();
  await (await openIn(directory, given)).close();
  assert.deepEqual(given, FIRST, "the caller's own");
  const nobody = new Error("nobody is there");
  await assert.rejects(
    openIn(directory, () => Promise.reject(nobody)),
    nobody,
  );
  await (await openIn(directory, FIRST)).close();
});

test("sqliteStore() refuses rows that were swapped, changed or made without the passphrase", async (t) => {
  const directory = await scratch(t);
  const store = await openIn(directory);
  await fill(store);
  await store.saveContact({ ...contactOf(2), pairingSecret: bytes(32, 66) });
  await store.saveKeyPackages([packageOf(67)]);
  await store.setPassphrase(FIRST, CHEAP);
  await store.close();
  const swap = (table: string, column: string, key: string): string => `
    CREATE TEMP TABLE kept AS SELECT ${key} AS k, ${column} AS c FROM ${table};
    UPDATE ${table} SET ${column} = (SELECT c FROM kept WHERE k <> ${key} LIMIT 1)`;
  for (const statement of [
    swap("key_package", "seed", "kid"),
    swap("contact", "pairing_secret", "fingerprint"),
    "UPDATE identity SET signing_seed = link_seed, link_seed = signing_seed",
    "UPDATE contact SET trust = 'verified'",
    "UPDATE contact SET name = 'b2' WHERE name = 'bob'",
    "UPDATE pair SET counter = counter + 1",
    "UPDATE pair SET key = NULL",
    "UPDATE relay_pin SET fingerprint = zeroblob(32)",
  ]) {
    const copy = copyOf(directory);
    edit(copy, (database) => database.exec(statement));
    await assert.rejects(openIn(copy, FIRST), damaged, statement);
  }
  const forged = copyOf(directory);
  edit(forged, (database) => {
    const values = ["elsewhere:7000", bytes(32, 1)];
    database
      .prepare("INSERT INTO relay_pin VALUES (?, ?, ?)")
      .run(...storedValues("relay_pin", values, undefined));
  });
  await assert.rejects(openIn(forged, FIRST), damaged, "a row with a digest of no key");
  const stripped = copyOf(directory);
  edit(stripped, (database) => database.exec("DELETE FROM passphrase"));
  await assert.rejects(openIn(stripped), damaged, "the passphrase's row is gone");
});

test("sqliteStore() asks no memory for what a file demands of Argon2 (P-08)", async (t) => {
  const directory = await scratch(t);
  const store = await openIn(directory);
  await store.setPassphrase(FIRST, CHEAP);
  await store.close();
  for (const [memory, passes, lanes] of [
    [PASSPHRASE_MEMORY_KIB_MAX + 1, 1, 1],
    [2 ** 32, 1, 1],
    [64, PASSPHRASE_PASSES_MAX + 1, 1],
    [1_024, 1, PASSPHRASE_LANES_MAX + 1],
    [15, 1, 2],
    [0, 1, 1],
    [64, 0, 1],
    [64, 1, 0],
  ] as const) {
    const copy = copyOf(directory);
    rewritePassphrase(copy, { memory_kib: memory, passes, lanes });
    const asked = () => assert.fail("asked for a passphrase");
    await assert.rejects(openIn(copy, asked), damaged, `${memory} ${passes} ${lanes}`);
  }
  for (const changed of [{ salt: bytes(15, 0) }, { sealed_key: bytes(47, 0) }]) {
    const copy = copyOf(directory);
    rewritePassphrase(copy, changed);
    await assert.rejects(openIn(copy, FIRST), damaged);
  }
  // Other parameters than it was made with, in bounds: as wrong as a wrong passphrase.
  const cheaper = copyOf(directory);
  rewritePassphrase(cheaper, { memory_kib: 32 });
  await assert.rejects(openIn(cheaper, FIRST), wrong);
});

test("sqliteStore() keeps its files to their owner under a passphrase, too", async (t) => {
  const directory = await scratch(t);
  const store = await openIn(directory);
  await store.setPassphrase(FIRST, CHEAP);
  for (const name of await readdir(directory))
    assert.equal((await stat(join(directory, name))).mode & 0o777, 0o600, name);
  await store.close();
  assert.deepEqual(await readdir(directory), ["state.db"]);
});

function sealedKeyIn(directory: string): Uint8Array {
  const row = edit(directory, (database) => database.prepare("SELECT * FROM passphrase").get());
  const found = row?.["sealed_key"];
  assert.ok(found instanceof Uint8Array);
  return found;
}

/** With a digest that holds, as somebody would who knows how. */
function rewritePassphrase(directory: string, changed: Record<string, SQLInputValue>): void {
  edit(directory, (database) => {
    const row = { ...database.prepare("SELECT * FROM passphrase").get(), ...changed };
    const { id, memory_kib, passes, lanes, salt, sealed_key } = row as typeof changed;
    const values = [id, memory_kib, passes, lanes, salt, sealed_key].map((one) => one ?? null);
    database.exec("DELETE FROM passphrase");
    database
      .prepare("INSERT INTO passphrase VALUES (?, ?, ?, ?, ?, ?, ?)")
      .run(...storedValues("passphrase", values, undefined));
  });
}
