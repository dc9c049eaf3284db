/**
 * The rows of an open state file: read, written, sealed, and brought under another passphrase.
 *
 * Invariants: a change is durable when it returns; what it has replaced or removed is erased soon
 * after (state-journal.ts). A change is whole or did not happen, a change of passphrase too, after
 * which nothing is left under the old one.
 *
 * @module
 */
import type { DatabaseSync, SQLInputValue, SQLOutputValue, StatementSync } from "node:sqlite";
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
import { damaged, type StateFile, stateError } from "./state-file.ts";
import type { WaitingChanges } from "./state-journal.ts";
import { type SealedKey, sealedKeyValues } from "./state-passphrase.ts";
import { GUARDED_TABLES, TABLE_NAMES, type TableName, tableOf } from "./state-schema.ts";

export class StateRows {
  readonly #database: DatabaseSync;
  readonly #journal: StateFile["journal"];
  readonly #path: string;
  readonly #statements = new Map<string, StatementSync>();
  #keys: RowKeys | undefined;
  #closed = false;

  /**
   * Owns the file and `keys` from here on: those of the state's passphrase, if it has one.
   *
   * @throws {@link PosternError} `store/failed` when a row is damaged
   */
  constructor({ database, journal, path, isCopy }: StateFile, keys: RowKeys | undefined) {
    this.#database = database;
    this.#journal = journal;
    this.#path = path;
    this.#keys = keys;
    try {
      this.#checkAll();
      // A change of passphrase that was cut short after it had happened.
      if (!isCopy && this.count("SELECT count(*) FROM unswept") > 0) this.run(() => this.#sweep());
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
      this.#statement(`SELECT * FROM ${table} WHERE ${whereKey(table)}`).get(...key),
    );
    return row && this.#opened(table, row);
  }

  /** All rows, or those that `where` selects. */
  all(
    table: TableName,
    order: string,
    where = "true",
    ...values: readonly SQLInputValue[]
  ): readonly Row[] {
    const select = `SELECT * FROM ${table} WHERE ${where} ORDER BY ${order}`;
    const rows = this.run(() => this.#statement(select).all(...values));
    return rows.map((row) => this.#opened(table, row));
  }

  /** One number that a statement gives. */
  count(select: string, ...values: readonly SQLInputValue[]): number {
    const row = this.run(() => this.#statement(select).get(...values));
    return Number(Object.values(row ?? {})[0] ?? 0);
  }

  /** Adds the row or replaces the one of its key, in the order of the table's columns. */
  put(table: TableName, ...values: readonly SQLInputValue[]): void {
    this.#put(table, values, this.#keys);
  }

  remove(table: TableName, ...key: readonly SQLInputValue[]): number {
    return this.execute(`DELETE FROM ${table} WHERE ${whereKey(table)}`, ...key);
  }

  /** Of the rows that `which` selects the latest `max` are kept. Returns how many went. */
  dropOldest(
    table: TableName,
    which: string,
    max: number,
    ...values: readonly (string | Uint8Array)[]
  ): number {
    const excess = this.count(`SELECT count(*) ${which}`, ...values) - max;
    if (excess <= 0) return 0;
    const oldest = `SELECT rowid ${which} ORDER BY rowid LIMIT ?`;
    return this.execute(`DELETE FROM ${table} WHERE rowid IN (${oldest})`, ...values, excess);
  }

  /** How many rows it has changed. */
  execute(statement: string, ...values: readonly SQLInputValue[]): number {
    return Number(this.#statement(statement).run(...values).changes);
  }

  /** All that `action` does, in one durable write; a lazy one is durable with the next. */
  change(action: () => void, isLazy = false): void {
    this.run(() => this.#journal.change(action, isLazy));
  }

  /** `changes` are made with the next change, and soon without one. */
  later(changes: WaitingChanges): void {
    this.run(() => this.#journal.later(changes));
  }

  /** Makes the changes that wait. */
  settle(): void {
    this.run(() => this.#journal.settle());
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
    try {
      this.run(() => this.#journal.close());
    } finally {
      this.#closed = true;
      wipeRowKeys(this.#keys);
    }
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

  /** A row whose digest holds and whose values make no sense was not written by this program. */
  read<T>(decode: () => T): T {
    try {
      return decode();
    } catch (error) {
      throw this.damaged(error);
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
    this.execute(PUT[table], ...storedValues(table, values, keys));
  }

  #rewrite(table: TableName, keys: RowKeys | undefined): void {
    const { columns, key, secrets } = tableOf(table);
    const places = this.#statement(`SELECT ${key.join(", ")} FROM ${table}`).all();
    for (const place of places) {
      const row = this.get(table, ...valuesOf(place, key));
      if (row === undefined) throw this.damaged();
      this.#put(table, valuesOf(row, columns), keys);
      for (const secret of valuesOf(row, secrets)) if (secret instanceof Uint8Array) wipe(secret);
    }
  }

  /** Copies of old rows may linger between the cells of a page: every page is written anew. */
  #sweep(): void {
    this.#journal.erase();
    this.#database.exec("VACUUM");
    this.#journal.erase();
    this.#journal.change(() => this.execute("DELETE FROM unswept"));
  }

  /** Compiled once. */
  #statement(sql: string): StatementSync {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const made = this.#database.prepare(sql);
    this.#statements.set(sql, made);
    return made;
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

/** A key that stays is not written: its index then has no page to change. */
const PUT = Object.fromEntries(
  TABLE_NAMES.map((table) => {
    const { columns, key } = tableOf(table);
    const all = [...columns, "digest"];
    const changed = all.filter((column) => !key.includes(column));
    const sets = changed.map((column) => `${column} = excluded.${column}`);
    return [
      table,
      `INSERT INTO ${table} (${all.join(", ")}) VALUES (${all.map(() => "?").join(", ")})
        ON CONFLICT (${key.join(", ")}) DO UPDATE SET ${sets.join(", ")}`,
    ];
  }),
) as Record<TableName, string>;

function whereKey(table: TableName): string {
  return tableOf(table)
    .key.map((column) => `${column} = ?`)
    .join(" AND ");
}

function valuesOf(row: Row, columns: readonly string[]): readonly SQLOutputValue[] {
  return columns.map((column) => row[column] ?? null);
}
