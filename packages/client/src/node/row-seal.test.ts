import assert from "node:assert/strict";
import { test } from "node:test";
import { bytes } from "../../test/stored-samples.ts";
import { isSound, openedRow, rowKeysOf, type Row, storedValues } from "./row-seal.ts";
import { type TableName, tableOf } from "./state-schema.ts";

const keys = rowKeysOf(bytes(32, 1));
const PACKAGE = [bytes(16, 2), bytes(32, 3), bytes(90, 4), "reply", 7];
const IDENTITY = [1, bytes(32, 5), bytes(32, 6), "alice"];

function stored(
  table: TableName,
  values: Parameters<typeof storedValues>[1],
  under: typeof keys | undefined,
): Row {
  const columns = [...tableOf(table).columns, "digest"];
  const entries = storedValues(table, values, under).map((value, i) => [columns[i], value]);
  return Object.fromEntries(entries) as Row;
}

test("openedRow() gives the secrets of a row that storedValues() sealed", () => {
  const row = stored("key_package", PACKAGE, keys);
  assert.ok(isSound("key_package", row, keys));
  assert.notDeepEqual(row["seed"], bytes(32, 3));
  assert.deepEqual(row["encoded"], bytes(90, 4));
  assert.deepEqual(openedRow("key_package", row, keys)?.["seed"], bytes(32, 3));
  const again = stored("key_package", PACKAGE, keys);
  assert.notDeepEqual(again["seed"], row["seed"], "a nonce is never used again");
});

test("openedRow() opens no secret in another row, column or table", () => {
  const row = stored("key_package", PACKAGE, keys);
  const elsewhere: readonly (readonly [TableName, Row])[] = [
    ["key_package", { ...row, kid: bytes(16, 9) }],
    ["key_package", { ...row, encoded: bytes(90, 9) }],
    ["key_package", { ...row, type: "one-time" }],
    ["key_package", { ...row, keep_until: 8 }],
    ["key_package", { ...row, seed: bytes(11, 0) }],
    ["key_package", { ...row, seed: bytes(60, 0) }],
    ["rsa_key", { id: 1, not_after: 7, pkcs8: row["seed"] ?? null }],
  ];
  for (const [table, other] of elsewhere) assert.equal(openedRow(table, other, keys), undefined);
  const identity = stored("identity", IDENTITY, keys);
  const crossed: Row = {
    ...identity,
    signing_seed: identity["link_seed"] ?? null,
    link_seed: identity["signing_seed"] ?? null,
  };
  assert.ok(openedRow("identity", identity, keys));
  assert.equal(openedRow("identity", crossed, keys), undefined);
  assert.equal(openedRow("identity", identity, rowKeysOf(bytes(32, 2))), undefined);
});

test("isSound() sees every change of a row, and needs the key of a sealed one", () => {
  for (const under of [keys, undefined]) {
    const row = stored("key_package", PACKAGE, under);
    assert.ok(isSound("key_package", row, under));
    for (const [column, value] of Object.entries(row)) {
      const other = typeof value === "number" ? value + 1 : bytes(32, 99);
      for (const changed of [other, null])
        assert.ok(!isSound("key_package", { ...row, [column]: changed }, under), column);
    }
    assert.ok(!isSound("key_package", row, under === undefined ? keys : undefined));
  }
});
