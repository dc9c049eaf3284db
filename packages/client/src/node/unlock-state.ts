/**
 * The moment a state's passphrase is needed: at its opening, under its lock.
 *
 * @module
 */
import type { DatabaseSync } from "node:sqlite";
import { wipe } from "@postern/core/bytes";
import { PosternError } from "@postern/core/errors";
import { isSound, rowKeysOf, type Row, type RowKeys } from "./row-seal.ts";
import { damaged, stateError } from "./state-file.ts";
import { openDataKey, sealedKeyOf } from "./state-passphrase.ts";

/** Stays the caller's; or is asked for when there is need, once, and then wiped here. */
export type Passphrase = Uint8Array | (() => Promise<Uint8Array>);

/**
 * The keys of the rows, or `undefined` for a state without a passphrase.
 *
 * @throws {@link PosternError} `store/locked`, `store/wrong-passphrase`, `store/failed`; what
 * `passphrase` throws.
 */
export async function unlockState(
  database: DatabaseSync,
  path: string,
  passphrase: Passphrase | undefined,
): Promise<RowKeys | undefined> {
  const row = passphraseRow(database, path);
  if (row === undefined) return undefined;
  const sealed = isSound("passphrase", row, undefined) ? sealedKeyOf(row) : undefined;
  if (sealed === undefined) throw damaged(path);
  if (passphrase === undefined)
    throw new PosternError("store/locked", "the state needs its passphrase", { path });
  const isAsked = typeof passphrase === "function";
  const given = isAsked ? await passphrase() : passphrase;
  try {
    const dataKey = await openDataKey(given, sealed);
    const keys = rowKeysOf(dataKey);
    wipe(dataKey);
    return keys;
  } finally {
    if (isAsked) wipe(given);
  }
}

function passphraseRow(database: DatabaseSync, path: string): Row | undefined {
  try {
    return database.prepare("SELECT * FROM passphrase").get();
  } catch (error) {
    throw stateError(error, path);
  }
}
