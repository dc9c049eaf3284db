/**
 * The switchboard's answers to `publish-packages` and `fetch-package`
 * (docs/protocol-end-to-end.md 7.3.7). Only `switchboard.ts` calls them.
 *
 * Invariants: a one-time package is gone, durably, before it is handed out; a client changes
 * nobody's packages but its own; a publication is taken whole or not at all.
 *
 * @module
 */
import { equalBytes } from "@postern/core/bytes";
import { keyPackageFacts } from "@postern/core/identity";
import {
  PROFILE_BITS,
  type FetchPackageFrame,
  type PublishPackagesFrame,
} from "@postern/core/link";
import {
  ONE_TIME_PACKAGE_VALID_MS,
  PACKAGES_MAX,
  PACKAGES_PER_IDENTITY_MAX,
} from "@postern/core/limits";
import type { WallMs } from "@postern/core/time";
import { result } from "./answers.ts";
import { allowedProfiles, type Connected, type Switchboard } from "./board.ts";
import type { KeptPackage, NewPackage } from "./key-packages.ts";
import { keyOf } from "./keys.ts";
import type { Moment, SwitchboardEffect as Effect } from "./switchboard-io.ts";

/** Packages past their time that one publication clears away: more than it can add. */
const SWEPT_AT_ONCE = 2 * PACKAGES_PER_IDENTITY_MAX;
const NONE = new Uint8Array(0);

export function answerPublish(
  board: Switchboard,
  from: Connected,
  { request, replace, packages }: PublishPackagesFrame,
  { now, wall }: Moment,
): Effect[] {
  if (!isAllowed(board)) return [result(from, request, "refused")];
  if (!from.quota.publications.take(now)) return [result(from, request, "overloaded")];
  const published = packages.map((bytes) => ownPackage(from, bytes, wall));
  if (!areSound(published)) return [result(from, request, "refused")];
  if (published.length > 0) board.packages.sweep(wall, SWEPT_AT_ONCE);
  const plan = planPublication(board, from, published, replace, wall);
  if (typeof plan === "string") return [result(from, request, plan)];
  const { dropped, added, held } = plan;
  if (dropped.length > 0 || added.length > 0)
    board.packages.change(from.fingerprint, dropped, added);
  return [{ kind: "send", link: from.link, frame: { kind: "packages-held", request, held } }];
}

export function answerFetchPackage(
  board: Switchboard,
  from: Connected,
  { request, of }: FetchPackageFrame,
  { now, wall }: Moment,
): Effect[] {
  if (!isAllowed(board)) return [result(from, request, "refused")];
  if (!from.quota.fetches.take(now)) return [result(from, request, "overloaded")];
  if (!board.names.knows(of)) return [result(from, request, "unknown")];
  const keyPackage = takePackage(board, of, wall) ?? NONE;
  return [{ kind: "send", link: from.link, frame: { kind: "package", request, keyPackage } }];
}

/** The oldest one-time package, which is then gone, or the one of last resort, which stays. */
function takePackage(board: Switchboard, of: Uint8Array, wall: WallMs): Uint8Array | undefined {
  const kept = board.packages.list(of).filter((each) => isCurrent(each, wall));
  const taken = kept.find(({ type }) => type === "one-time") ?? kept[0];
  if (taken === undefined) return undefined;
  const bytes = board.packages.read(of, taken.kid);
  if (taken.type === "one-time") board.packages.change(of, [taken.kid], []);
  return bytes;
}

interface Plan {
  readonly dropped: readonly Uint8Array[];
  readonly added: readonly NewPackage[];
  /** What there is afterwards. */
  readonly held: readonly KeptPackage[];
}

function planPublication(
  board: Switchboard,
  { fingerprint }: Connected,
  published: readonly NewPackage[],
  replace: boolean,
  wall: WallMs,
): Plan | "refused" | "overloaded" {
  const before = board.packages.list(fingerprint);
  const kept = new Map<string, KeptPackage>();
  if (!replace)
    for (const each of before) if (isCurrent(each, wall)) kept.set(keyOf(each.kid), each);
  const added = new Map<string, NewPackage>();
  for (const each of published) {
    const key = keyOf(each.kid);
    if (kept.has(key)) {
      // The same once more, because an answer got lost: it is there.
      const bytes = board.packages.read(fingerprint, each.kid);
      if (bytes === undefined || !equalBytes(bytes, each.bytes)) return "refused";
    } else if (isCurrent(each, wall)) {
      if (each.type === "last-resort") dropLastResort(kept, added);
      added.set(key, each);
    }
  }
  const held = [...kept.values(), ...added.values()];
  const dropped = before.filter(({ kid }) => !kept.has(keyOf(kid))).map(({ kid }) => kid);
  if (held.length > PACKAGES_PER_IDENTITY_MAX) return "overloaded";
  const total = board.packages.count - dropped.length + added.size;
  if (added.size > 0 && total > PACKAGES_MAX) return "overloaded";
  return { dropped, added: [...added.values()], held };
}

/** There is one at most: the latest. */
function dropLastResort(...maps: readonly Map<string, KeptPackage>[]): void {
  for (const map of maps)
    for (const [key, { type }] of map) if (type === "last-resort") map.delete(key);
}

/** `undefined` for what the relay does not take from this client. */
function ownPackage({ id }: Connected, bytes: Uint8Array, wall: WallMs): NewPackage | undefined {
  const facts = keyPackageFacts(bytes);
  if (facts === undefined || facts.type === "reply" || !equalBytes(facts.id, id)) return undefined;
  const { kid, type } = facts;
  // Whatever it says of itself: else packages of nobody could fill the relay for ever.
  const notAfter = Math.min(facts.notAfter, wall + ONE_TIME_PACKAGE_VALID_MS) as WallMs;
  return { kid, type, notAfter, bytes };
}

function areSound(published: readonly (NewPackage | undefined)[]): published is NewPackage[] {
  const kids = new Set(published.map((each) => each && keyOf(each.kid)));
  return kids.size === published.length && !kids.has(undefined);
}

function isCurrent({ notAfter }: KeptPackage, wall: WallMs): boolean {
  return wall <= notAfter;
}

function isAllowed(board: Switchboard): boolean {
  return (allowedProfiles(board) & PROFILE_BITS["end-to-end"]) !== 0;
}
