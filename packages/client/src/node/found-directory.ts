/**
 * What an earlier transfer left of a directory, looked for by its note. Anything may have happened
 * to it since: only what this program can have left is taken.
 *
 * A whole one is noted with the digest of its content: before its entries at the top get their
 * names, and when they have them. From then on its folder is nobody's.
 *
 * ```text
 *   all flushed | note {names, part} | the names appear | note {names, no part} | the part goes
 * ```
 *
 * @module
 */
import { join } from "node:path";
import type { Sha256Stream } from "@postern/core/crypto";
import { PosternError } from "@postern/core/errors";
import type { Manifest } from "@postern/core/transfer";
import { nativeSuite } from "@postern/node";
import type { HeldContent, ManifestSize, PartNote } from "../api.ts";
import { heldFiles, removeBehind } from "./held-files.ts";
import { exists } from "./part-file.ts";
import { readList } from "./received-list.ts";
import type { StagedPosition } from "./staged-files.ts";
import { findStaging, removeStaging, type Staging, storedList, treeOf } from "./staging.ts";
import { StoredTree } from "./stored-tree.ts";
import { areNames, foundEntries, type TopEntry, topEntries } from "./top-entries.ts";

export type FoundDirectory = FoundPart | FoundWhole;

export interface FoundPart {
  readonly kind: "part";
  readonly staging: Staging;
  readonly manifest: Manifest;
  readonly from: StagedPosition;
  readonly held: HeldContent;
  /** Of it, on the disk for sure. */
  readonly durable: number;
}

/** It got its names, or some of them, before its sender knew that it was whole. */
export interface FoundWhole {
  readonly kind: "whole";
  readonly note: PartNote;
  readonly held: HeldContent;
  /** Entries of it that have no name yet, or nothing but the rest of the folder. */
  readonly left: { readonly staging: Staging; readonly entries: readonly TopEntry[] } | undefined;
}

export async function findDirectory(
  note: PartNote,
  list: ManifestSize,
  size: number,
  boot: string,
): Promise<FoundDirectory | undefined> {
  const staging = await findStaging(note);
  const isWhole = note.digest !== undefined && note.bytes === size;
  const whole = isWhole ? await findWhole(note, staging, list, size) : undefined;
  if (whole !== undefined || staging === undefined) return whole;
  const found = await findPart(staging, note, list, size, boot);
  // The folder of a whole one may have gone, and another content's be there.
  if (found === undefined && !isWhole) await removeStaging(staging);
  return found;
}

async function findWhole(
  note: PartNote,
  staging: Staging | undefined,
  list: ManifestSize,
  size: number,
): Promise<FoundWhole | undefined> {
  const { digest, names = [], directory } = note;
  if (digest === undefined || !areNames(names)) return undefined;
  const held = { offset: size, hashed: knownDigest(digest) };
  const manifest = staging && keptManifest(staging, list, size)?.manifest;
  if (staging === undefined || manifest === undefined) {
    const found = await Promise.all(names.map(async (name) => exists(join(directory, name))));
    const isThere = found.length > 0 && found.every(Boolean);
    return isThere ? { kind: "whole", note, held, left: undefined } : undefined;
  }
  const entries = await foundEntries(staging, topEntries(staging, manifest), names);
  // Without a name yet it is a part like any other, and hashed as such.
  if (entries?.some(({ isOut }) => isOut) !== true) return undefined;
  return { kind: "whole", note, held, left: { staging, entries } };
}

/** Nothing comes behind it. */
function knownDigest(digest: Uint8Array): Sha256Stream {
  const stream: Sha256Stream = {
    update() {
      throw new PosternError("usage/wrong-state", "the content is whole");
    },
    copy: () => stream,
    digest: () => new Uint8Array(digest),
  };
  return stream;
}

async function findPart(
  staging: Staging,
  note: PartNote,
  list: ManifestSize,
  size: number,
  boot: string,
): Promise<FoundPart | undefined> {
  const kept = keptManifest(staging, list, size);
  if (kept === undefined) return undefined;
  const { bytes, manifest } = kept;
  const isSure = note.boot === boot;
  const bytesMax = isSure ? size : Math.max(0, note.bytes - bytes.length);
  const hashed = nativeSuite.sha256Stream();
  hashed.update(bytes);
  const tree = new StoredTree(treeOf(staging));
  const from = await heldFiles({ manifest, tree, bytesMax, hashed, now: Date.now() });
  if (!isSure) await removeBehind(manifest, new StoredTree(treeOf(staging)), from);
  const offset = bytes.length + from.bytes;
  const durable = Math.min(note.bytes, offset);
  return { kind: "part", staging, manifest, from, held: { offset, hashed }, durable };
}

/** `undefined`: it is another content's, or was changed. */
function keptManifest(
  staging: Staging,
  list: ManifestSize,
  size: number,
): { readonly bytes: Uint8Array; readonly manifest: Manifest } | undefined {
  const bytes = storedList(staging, list.bytes);
  try {
    return bytes && { bytes, manifest: readList(bytes, list, size) };
  } catch {
    return undefined;
  }
}
