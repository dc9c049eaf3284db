/**
 * The passphrase of a state: Argon2id (RFC 9106) makes of it the key that seals a random data key,
 * under which the rows are sealed (`row-seal.ts`).
 *
 * ```text
 *   key         Argon2id(passphrase, salt (16), memory, passes, lanes), 32 bytes
 *   sealed key  AES-256-GCM(key, 0^12, aad, data key (32))
 *   aad         label("state passphrase") | memory u32 | passes u32 | lanes u32 | salt
 * ```
 *
 * The nonce may be zero: the salt is fresh, so the key seals once. Parameters are read from the
 * file and bounded, for whoever wrote it could else ask for all of the machine's memory.
 *
 * @module
 */
import { argon2 } from "node:crypto";
import type { SQLInputValue } from "node:sqlite";
import { promisify } from "node:util";
import { ByteWriter, label, wipe } from "@postern/core/bytes";
import { AEAD_NONCE_BYTES, AEAD_TAG_BYTES } from "@postern/core/crypto";
import { PosternError } from "@postern/core/errors";
import {
  PASSPHRASE_BYTES_MAX,
  PASSPHRASE_LANES_MAX,
  PASSPHRASE_MEMORY_KIB_MAX,
  PASSPHRASE_PASSES_MAX,
} from "@postern/core/limits";
import { nativeSuite as suite } from "@postern/node";
import type { Row } from "./row-seal.ts";

/** What one guess costs. */
export interface PassphraseCost {
  readonly memoryKib: number;
  readonly passes: number;
  readonly lanes: number;
}

/** RFC 9106, 4, second choice but for its lanes: about 0.2 s on one core. */
const COST: PassphraseCost = { memoryKib: 65_536, passes: 3, lanes: 1 };

/** A data key as it lies in the file. */
export interface SealedKey extends PassphraseCost {
  readonly salt: Uint8Array;
  readonly sealedKey: Uint8Array;
}

const DATA_KEY_BYTES = 32;
const SALT_BYTES = 16;
/** Below this Argon2 has no block for each of its slices (RFC 9106, 3.1). */
const MEMORY_KIB_PER_LANE_MIN = 8;

/** @throws {@link PosternError} `usage/invalid-argument` for an empty or an endless one */
export function checkPassphrase(passphrase: Uint8Array): void {
  if (passphrase.length > 0 && passphrase.length <= PASSPHRASE_BYTES_MAX) return;
  throw new PosternError("usage/invalid-argument", "not a passphrase: its length", {
    argument: "passphrase",
    bytesMax: PASSPHRASE_BYTES_MAX,
  });
}

/** Both inputs stay the caller's. */
export async function sealDataKey(
  passphrase: Uint8Array,
  dataKey: Uint8Array,
  cost: PassphraseCost = COST,
): Promise<SealedKey> {
  const parameters = { ...cost, salt: suite.random(SALT_BYTES) };
  const key = await stretch(passphrase, parameters);
  const sealedKey = suite.seal(key, new Uint8Array(AEAD_NONCE_BYTES), context(parameters), dataKey);
  wipe(key);
  return { ...parameters, sealedKey };
}

/** @throws {@link PosternError} `store/wrong-passphrase` */
export async function openDataKey(passphrase: Uint8Array, sealed: SealedKey): Promise<Uint8Array> {
  const isPossible = passphrase.length > 0 && passphrase.length <= PASSPHRASE_BYTES_MAX;
  if (!isPossible) throw wrongPassphrase();
  const key = await stretch(passphrase, sealed);
  const nonce = new Uint8Array(AEAD_NONCE_BYTES);
  const dataKey = suite.open(key, nonce, context(sealed), sealed.sealedKey);
  wipe(key);
  if (dataKey === undefined) throw wrongPassphrase();
  return dataKey;
}

/** In the order of the table's columns. */
export function sealedKeyValues(sealed: SealedKey): readonly SQLInputValue[] {
  return [1, sealed.memoryKib, sealed.passes, sealed.lanes, sealed.salt, sealed.sealedKey];
}

/** `undefined` for a row that {@link sealedKeyValues} never made. */
export function sealedKeyOf(row: Row): SealedKey | undefined {
  const { memory_kib: memoryKib, passes, lanes, salt, sealed_key: sealedKey } = row;
  if (!isWithin(lanes, 1, PASSPHRASE_LANES_MAX)) return undefined;
  if (!isWithin(passes, 1, PASSPHRASE_PASSES_MAX)) return undefined;
  const memoryKibMin = MEMORY_KIB_PER_LANE_MIN * lanes;
  if (!isWithin(memoryKib, memoryKibMin, PASSPHRASE_MEMORY_KIB_MAX)) return undefined;
  if (!(salt instanceof Uint8Array) || salt.length !== SALT_BYTES) return undefined;
  if (!(sealedKey instanceof Uint8Array)) return undefined;
  if (sealedKey.length !== DATA_KEY_BYTES + AEAD_TAG_BYTES) return undefined;
  return { memoryKib, passes, lanes, salt, sealedKey };
}

const argon2id = promisify(argon2);

async function stretch(
  passphrase: Uint8Array,
  { memoryKib, passes, lanes, salt }: Omit<SealedKey, "sealedKey">,
): Promise<Uint8Array> {
  // A copy: the caller may wipe its own while the threads still read.
  const message = passphrase.slice();
  try {
    return await argon2id("argon2id", {
      message,
      nonce: salt,
      memory: memoryKib,
      passes,
      parallelism: lanes,
      tagLength: 32,
    });
  } finally {
    wipe(message);
  }
}

function context({ memoryKib, passes, lanes, salt }: Omit<SealedKey, "sealedKey">): Uint8Array {
  const writer = new ByteWriter().raw(label("state passphrase"));
  return writer.u32(memoryKib).u32(passes).u32(lanes).raw(salt).bytes();
}

function isWithin(value: unknown, min: number, max: number): value is number {
  return typeof value === "number" && value >= min && value <= max;
}

function wrongPassphrase(): PosternError {
  return new PosternError("store/wrong-passphrase", "the passphrase does not open the state");
}
