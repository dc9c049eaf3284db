/**
 * Where a client lives on its device: `HOME/NAME/state.db`, one identity for each name, one process
 * for each identity. Without a name it is `HOME/default/`, whose name is made up at the first run.
 *
 * @module
 */
import { chmod, stat } from "node:fs/promises";
import { homedir, userInfo } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { wipe } from "@postern/core/bytes";
import type { Suite } from "@postern/core/crypto";
import { PosternError } from "@postern/core/errors";
import {
  createIdentity,
  formatFingerprint,
  identityFromSeed,
  isName,
} from "@postern/core/identity";
import { NAME_BYTES_MAX } from "@postern/core/limits";
import { chooseSuite, makeDirectory } from "@postern/node";
import type { UnfinishedContents } from "../api.ts";
import { type ContactBook, contactBook } from "../contacts.ts";
import { safeFileName } from "../safe-name.ts";
import type { Store, StoredIdentity } from "../store.ts";
import { unfinishedContents } from "../unfinished.ts";
import { storeError } from "./fs-error.ts";
import { wallClock } from "./node-clock.ts";
import { type SealableStore, sqliteStore, sqliteStoreCopy } from "./sqlite-store.ts";
import type { Passphrase } from "./unlock-state.ts";

export interface Home {
  /** The identity's name at its relays. */
  readonly name: string;
  /** Base32, 52 characters. */
  readonly fingerprint: string;
  /** The identity's own directory. */
  readonly directory: string;
  readonly store: Store;
  /** The people this identity knows; needs no connection. */
  readonly contacts: ContactBook;
  /** What it has begun to send or to receive; needs no connection. */
  readonly unfinished: UnfinishedContents;
  /** A passphrase seals the secrets. */
  readonly isProtected: boolean;
  /**
   * Seals every secret anew under the passphrase, which stays the caller's; with `undefined` under
   * none. A crash leaves the state under the old or the new one, whole.
   *
   * @throws {@link PosternError} `usage/invalid-argument` for an empty one or one of more than
   * `PASSPHRASE_BYTES_MAX`; `store/failed`, `store/no-space`
   */
  setPassphrase(passphrase: Uint8Array | undefined): Promise<void>;
  /** Gives the identity free for other processes. */
  close(): Promise<void>;
}

export interface HomeOptions {
  /** See {@link defaultHome}. */
  readonly home: string;
  /** Absent: the default identity. */
  readonly name?: string | undefined;
  /** Makes the keys of a new identity; the native suite when absent. */
  readonly suite?: Suite;
  /** Start of a made-up name; the user's name on this system when absent. */
  readonly userName?: string;
  /**
   * For an identity that has one; else it is neither needed nor set. It stays the caller's, or is
   * asked for when there is need, while no other process can have the identity, and then wiped.
   */
  readonly passphrase?: Passphrase | undefined;
}

/**
 * Opens an identity, and makes it the first time.
 *
 * @throws {@link PosternError} `usage/invalid-argument` for a name that cannot be one;
 * `store/in-use` (`details.directory`) when another process has it; `store/failed`,
 * `store/no-space`; `store/locked` when it needs a passphrase and none is given,
 * `store/wrong-passphrase`; what `passphrase` throws.
 */
export async function openHome(options: HomeOptions): Promise<Home> {
  const { name, suite = chooseSuite() } = options;
  const directory = directoryOf(options);
  await makePrivate(directory);
  let made: StoredIdentity | undefined;
  const make = (): StoredIdentity => {
    made = newIdentity(suite, name, options.userName ?? systemUserName());
    return made;
  };
  const store = await sqliteStore(join(directory, STATE), make, options.passphrase).finally(() =>
    wipe(made?.signingSeed, made?.linkSeed),
  );
  return await homeOf(suite, store, directory, name);
}

/**
 * As {@link openHome}, for reading: of an identity that another process has it gives a copy of this
 * moment, in which nothing can be changed (`usage/wrong-state`).
 */
export async function readHome(options: HomeOptions): Promise<Home> {
  try {
    return await openHome(options);
  } catch (error) {
    if (!(error instanceof PosternError) || error.code !== "store/in-use") throw error;
  }
  const { name, suite = chooseSuite(), passphrase } = options;
  const directory = directoryOf(options);
  const store = await sqliteStoreCopy(join(directory, STATE), passphrase);
  return await homeOf(suite, store, directory, name);
}

/** Owns `store`. */
async function homeOf(
  suite: Suite,
  store: SealableStore,
  directory: string,
  wanted: string | undefined,
): Promise<Home> {
  const { name, id, fingerprint } = await publicPart(suite, store, directory, wanted).catch(
    async (error: unknown) => {
      await store.close();
      throw error;
    },
  );
  return {
    name,
    fingerprint: formatFingerprint(fingerprint),
    directory,
    store,
    contacts: contactBook({ store, suite, wall: wallClock }, { id, fingerprint }),
    unfinished: unfinishedContents({ store, wall: wallClock }),
    get isProtected() {
      return store.isProtected;
    },
    setPassphrase: (passphrase) => store.setPassphrase(passphrase),
    close: () => store.close(),
  };
}

/** The directory of all identities, by the custom of the platform. `POSTERN_HOME` overrides it. */
export function defaultHome(
  env: Readonly<Record<string, string | undefined>> = process.env,
  platform: NodeJS.Platform = process.platform,
): string {
  if (env["POSTERN_HOME"]) return env["POSTERN_HOME"];
  const user = (platform === "win32" ? env["USERPROFILE"] : env["HOME"]) || homedir();
  if (platform === "win32")
    return join(env["LOCALAPPDATA"] || join(user, "AppData", "Local"), "Postern");
  if (platform === "darwin") return join(user, "Library", "Application Support", "Postern");
  const data = env["XDG_DATA_HOME"];
  // The XDG specification: a relative path is invalid and must be ignored.
  return join(data?.startsWith("/") ? data : join(user, ".local", "share"), "postern");
}

const DEFAULT = "default";
const STATE = "state.db";

function directoryOf({ home, name }: HomeOptions): string {
  if (name !== undefined) expectName(name);
  return join(home, name === undefined ? DEFAULT : safeFileName(name));
}

function expectName(name: string): void {
  // `.` and `..` are names at a relay, but no directories to keep keys in.
  if (isName(name) && name !== "." && name !== ".." && name !== DEFAULT) return;
  throw new PosternError("usage/invalid-argument", "not a name for an identity", {
    argument: "name",
  });
}

async function makePrivate(directory: string): Promise<void> {
  try {
    makeDirectory(directory, 0o700);
    if (((await stat(directory)).mode & 0o077) !== 0) await chmod(directory, 0o700);
  } catch (error) {
    throw storeError("cannot make the directory of the identity", error, {
      directory,
      path: directory,
    });
  }
}

function newIdentity(suite: Suite, name: string | undefined, userName: string): StoredIdentity {
  const { signing, fingerprint } = createIdentity(suite);
  return {
    signingSeed: signing.seed,
    linkSeed: suite.generateKem().seed,
    name: name ?? madeUpName(userName, formatFingerprint(fingerprint)),
  };
}

const NAME_END_CHARACTERS = 4;

/** `USERNAME-xxxx`: two devices of a person, or two namesakes, get along at one relay. */
function madeUpName(userName: string, fingerprint: string): string {
  const start = userName
    .normalize("NFKD")
    .toLowerCase()
    .replaceAll(/\p{M}/gu, "")
    .replaceAll(/[^a-z0-9._-]+/gu, "-")
    .slice(0, NAME_BYTES_MAX - 1 - NAME_END_CHARACTERS)
    .replaceAll(/^[._-]+|[._-]+$/gu, "");
  return `${start || "user"}-${fingerprint.slice(0, NAME_END_CHARACTERS)}`;
}

function systemUserName(): string {
  try {
    return userInfo().username;
  } catch {
    // A user id without an entry, as in some containers.
    return "";
  }
}

async function publicPart(
  suite: Suite,
  store: Store,
  directory: string,
  wanted: string | undefined,
): Promise<{ readonly name: string; readonly id: Uint8Array; readonly fingerprint: Uint8Array }> {
  const { name, signingSeed, linkSeed } = await store.identity();
  const { signing, id, fingerprint } = identityFromSeed(suite, signingSeed);
  wipe(signingSeed, linkSeed, signing.seed);
  if (wanted !== undefined && name !== wanted)
    throw new PosternError("store/failed", "the directory holds an identity of another name", {
      directory,
      name,
    });
  return { name, id, fingerprint };
}
