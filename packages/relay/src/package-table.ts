/**
 * Key packages in the relay's store (docs/protocol-end-to-end.md 7.3.2): they survive a restart,
 * and one that was handed out does not come back with it.
 *
 * @module
 */
import type { DatabaseSync, SQLOutputValue, StatementSync } from "node:sqlite";
import { PosternError } from "@postern/core/errors";
import type { HeldPackageType } from "@postern/core/link";
import type { WallMs } from "@postern/core/time";
import type { KeptPackage, KeyPackages, NewPackage } from "./key-packages.ts";

/** `number` orders those of one identity by their publication. */
export const PACKAGE_SCHEMA = `
  CREATE TABLE key_package (
    number INTEGER PRIMARY KEY, owner BLOB NOT NULL, kid BLOB NOT NULL, type INTEGER NOT NULL,
    not_after INTEGER NOT NULL, bytes BLOB NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX key_package_by_owner ON key_package (owner, kid);
  CREATE INDEX key_package_by_end ON key_package (not_after);
`;

const TYPES: readonly HeldPackageType[] = ["one-time", "last-resort"];

const LIST = `
  SELECT kid, type, not_after FROM key_package WHERE owner = ? ORDER BY number`;
const SWEEP = `
  DELETE FROM key_package WHERE number IN
    (SELECT number FROM key_package WHERE not_after < ? LIMIT ?)`;

export class PackageTable implements KeyPackages {
  readonly #database: DatabaseSync;
  readonly #list: StatementSync;
  readonly #read: StatementSync;
  readonly #drop: StatementSync;
  readonly #add: StatementSync;
  readonly #sweep: StatementSync;
  /** Runs a write and gives its failure one of the store's codes. */
  readonly #guard: (write: () => void) => void;
  #count: number;

  constructor(database: DatabaseSync, guard: (write: () => void) => void) {
    this.#database = database;
    this.#guard = guard;
    this.#list = database.prepare(LIST);
    this.#read = database.prepare("SELECT bytes FROM key_package WHERE owner = ? AND kid = ?");
    this.#drop = database.prepare("DELETE FROM key_package WHERE owner = ? AND kid = ?");
    this.#add = database.prepare("INSERT INTO key_package VALUES (NULL, ?, ?, ?, ?, ?)");
    this.#sweep = database.prepare(SWEEP);
    this.#count = Number(database.prepare("SELECT count(*) AS n FROM key_package").get()?.["n"]);
  }

  get count(): number {
    return this.#count;
  }

  list(owner: Uint8Array): readonly KeptPackage[] {
    return this.#list.all(owner).map((row) => {
      const type = TYPES[Number(row["type"])];
      if (type === undefined) throw damaged();
      const notAfter = Number(row["not_after"]) as WallMs;
      return { kid: bytesOf(row["kid"]), type, notAfter };
    });
  }

  read(owner: Uint8Array, kid: Uint8Array): Uint8Array | undefined {
    const row = this.#read.get(owner, kid);
    return row && bytesOf(row["bytes"]);
  }

  change(owner: Uint8Array, dropped: readonly Uint8Array[], added: readonly NewPackage[]): void {
    let grown = 0;
    this.#transaction(() => {
      for (const kid of dropped) grown -= Number(this.#drop.run(owner, kid).changes);
      for (const { kid, type, notAfter, bytes } of added) {
        this.#add.run(owner, kid, TYPES.indexOf(type), Math.floor(notAfter), bytes);
        grown++;
      }
    });
    this.#count += grown;
  }

  sweep(wall: WallMs, countMax: number): void {
    this.#guard(() => {
      this.#count -= Number(this.#sweep.run(Math.floor(wall), countMax).changes);
    });
  }

  #transaction(write: () => void): void {
    this.#guard(() => {
      this.#database.exec("BEGIN");
      try {
        write();
        this.#database.exec("COMMIT");
      } catch (error) {
        // SQLite may have rolled back by itself, when its disk was full.
        if (this.#database.isTransaction) this.#database.exec("ROLLBACK");
        throw error;
      }
    });
  }
}

function bytesOf(value: SQLOutputValue | undefined): Uint8Array {
  if (!(value instanceof Uint8Array)) throw damaged();
  return value;
}

function damaged(): PosternError {
  return new PosternError("store/failed", "the relay's key packages are damaged");
}
