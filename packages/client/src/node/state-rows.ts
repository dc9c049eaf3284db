/**
 * The rows of an open state file: read, written, sealed, and brought under another passphrase.
 *
 * Invariants: what a change has replaced or removed is in neither the file nor its journal when it
 * returns. A change is whole or did not happen, a change of passphrase too.
 *
 * @module
 */
import type { DatabaseSync, SQLInputValue, SQLOutputValue } from "node:sqlite";
import { wipe } from "@postern/core/bytes";
import { PosternError } from "@postern/core/errors";
import {
  isSound,
  openedRow,
  storedValues,
  wipeRowKeys,
  type Row,
  type RowKeys,
} from "./row-seal.ts";
import { damaged, emptyJournal, stateError } from "./state-file.ts";
import { type SealedKey, sealedKeyValues } from "./state-passphrase.ts";
import { GUARDED_TABLES, type TableName, tableOf } from "./state-schema.ts";

export class StateRows {
  readonly #database: DatabaseSync;
  readonly #path: string;
  #keys: RowKeys | undefined;
  #closed = false;

  /**
   * Owns `keys` from here on: those of the state's passphrase, if it has one.
   *
   * @throws {@link PosternError} `store/failed` when a row is damaged
   */
  constructor(database: DatabaseSync, path: string, keys: RowKeys | undefined) {
    this.#database = database;
    this.#path = path;
    this.#keys = keys;
    try {
      this.#checkAll();
      // A change of passphrase that was cut short after it had happened.
      if (this.count("SELECT count(*) FROM unswept") > 0) this.run(() => this.#sweep());
    } catch (error) {
      wipeRowKeys(keys);
      throw error;
    }
  }

  get isGuarded(): boolean {
    return this.#keys !== undefined;
  }

  /** The row of this key, its secrets in the clear: they are the caller's copies. */
  get(table: TableName, ...key: readonly SQLInputValue[]): Row | undefined {
    const row = this.run(() =>
      this.#database.prepare(`SELECT * FROM ${table} WHERE ${whereKey(table)}`).get(...key),
    );
    return row && this.#opened(table, row);
  }

  all(table: TableName, order: string): readonly Row[] {
    const rows = this.run(() =>
      this.#database.prepare(`SELECT * FROM ${table} ORDER BY ${order}`).all(),
    );
    return rows.map((row) => this.#opened(table, row));
  }

  /** One number that a statement gives. */
  count(select: string, ...values: readonly SQLInputValue[]): number {
    const row = this.run(() => this.#database.prepare(select).get(...values));
    return Number(Object.values(row ?? {})[0] ?? 0);
  }

  /** Adds the row or replaces the one of its key, in the order of the table's columns. */
  put(table: TableName, ...values: readonly SQLInputValue[]): void {
    this.#put(table, values, this.#keys);
  }

  remove(table: TableName, ...key: readonly SQLInputValue[]): void {
    this.execute(`DELETE FROM ${table} WHERE ${whereKey(table)}`, ...key);
  }

  execute(statement: string, ...values: readonly SQLInputValue[]): void {
    this.#database.prepare(statement).run(...values);
  }

  /** All that `action` does, in one durable write. */
  change(action: () => void): void {
    this.run(() => this.#transact(action));
  }

  /** As {@link change}; and what was there before is gone for good. */
  changeSecrets(action: () => void): void {
    this.run(() => {
      this.#transact(action);
      emptyJournal(this.#database);
    });
  }

  /**
   * Seals everything under other keys, or with `undefined` not at all. Owns `keys` from here on.
   * Throws before the change has happened, or with `store/no-space` or `store/failed` after it when
   * the old pages could not be erased; the next opening tries that again.
   */
  guard(keys: RowKeys | undefined, sealed: SealedKey | undefined): void {
    try {
      this.change(() => {
        for (const table of GUARDED_TABLES) this.#rewrite(table, keys);
        this.execute("DELETE FROM passphrase");
        if (sealed !== undefined) this.#put("passphrase", sealedKeyValues(sealed), undefined);
        this.execute("INSERT OR IGNORE INTO unswept VALUES (1)");
      });
    } catch (error) {
      wipeRowKeys(keys);
      throw error;
    }
    wipeRowKeys(this.#keys);
    this.#keys = keys;
    this.run(() => this.#sweep());
  }

  close(): void {
    if (this.#closed) return;
    this.run(() => this.#database.close());
    this.#closed = true;
    wipeRowKeys(this.#keys);
  }

  /** @throws {@link PosternError} `usage/wrong-state` when closed; SQLite's errors as ours */
  run<T>(action: () => T): T {
    if (this.#closed) throw new PosternError("usage/wrong-state", "the store is closed");
    try {
      return action();
    } catch (error) {
      throw stateError(error, this.#path);
    }
  }

  damaged(cause?: unknown): PosternError {
    return damaged(this.#path, cause);
  }

  #opened(table: TableName, row: Row): Row {
    const opened = openedRow(table, row, this.#keys);
    if (opened === undefined) throw this.damaged();
    return opened;
  }

  #put(table: TableName, values: readonly SQLInputValue[], keys: RowKeys | undefined): void {
    const columns = [...tableOf(table).columns, "digest"];
    const marks = columns.map(() => "?").join(", ");
    const changed = columns.map((column) => `${column} = excluded.${column}`).join(", ");
    this.execute(
      `INSERT INTO ${table} (${columns.join(", ")}) VALUES (${marks})
        ON CONFLICT (${tableOf(table).key.join(", ")}) DO UPDATE SET ${changed}`,
      ...storedValues(table, values, keys),
    );
  }

  #rewrite(table: TableName, keys: RowKeys | undefined): void {
    const { columns, key, secrets } = tableOf(table);
    const places = this.#database.prepare(`SELECT ${key.join(", ")} FROM ${table}`).all();
    for (const place of places) {
      const row = this.get(table, ...valuesOf(place, key));
      if (row === undefined) throw this.damaged();
      this.#put(table, valuesOf(row, columns), keys);
      for (const secret of valuesOf(row, secrets)) if (secret instanceof Uint8Array) wipe(secret);
    }
  }

  /** Copies of old rows may linger between the cells of a page: every page is written anew. */
  #sweep(): void {
    emptyJournal(this.#database);
    this.#database.exec("VACUUM");
    emptyJournal(this.#database);
    this.#database.exec("DELETE FROM unswept");
  }

  #transact(action: () => void): void {
    this.#database.exec("BEGIN IMMEDIATE");
    try {
      action();
      this.#database.exec("COMMIT");
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec("ROLLBACK");
      throw error;
    }
  }

  /**
   * All rows, once at open, under the lock: a bit that flipped in a row's key would later only look
   * like a row that is not there.
   */
  #checkAll(): void {
    this.run(() => {
      for (const table of GUARDED_TABLES)
        for (const row of this.#database.prepare(`SELECT * FROM ${table}`).iterate())
          if (!isSound(table, row, this.#keys)) throw this.damaged();
    });
  }
}

function whereKey(table: TableName): string {
  return tableOf(table)
    .key.map((column) => `${column} = ?`)
    .join(" AND ");
}

function valuesOf(row: Row, columns: readonly string[]): readonly SQLOutputValue[] {
  return columns.map((column) => row[column] ?? null);
}
