/**
 * What an earlier transfer left of a directory, looked for by its note. Anything may have happened
 * to it since: only what this program can have left is taken.
 *
 * A whole one is noted twice, each time with the digest of its content: before it gets its name,
 * and when it has it. From then on its folder is nobody's.
 *
 * ```text
 *   all flushed | note {name, part} | the name appears | note {name, no part} | the part goes
 * ```
 *
 * @module
 */
import { basename, join } from "node:path";
import type { Sha256Stream } from "@postern/core/crypto";
import { PosternError } from "@postern/core/errors";
import type { Manifest } from "@postern/core/transfer";
import { nativeSuite } from "@postern/node";
import type { HeldContent, ManifestSize, PartNote } from "../api.ts";
import { heldFiles, removeBehind } from "./held-files.ts";
import { exists } from "./part-file.ts";
import { readList } from "./received-list.ts";
import type { StagedPosition } from "./staged-files.ts";
import {
  findStaging,
  isTreeEmpty,
  removeStaging,
  type Staging,
  storedList,
  treeOf,
} from "./staging.ts";
import { StoredTree } from "./stored-tree.ts";

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

/** It got its name before its sender knew that it was whole. */
export interface FoundWhole {
  readonly kind: "whole";
  readonly path: string;
  readonly held: HeldContent;
}

export async function findDirectory(
  note: PartNote,
  list: ManifestSize,
  size: number,
  boot: string,
): Promise<FoundDirectory | undefined> {
  const staging = await findStaging(note);
  const digest = note.bytes === size ? note.digest : undefined;
  if (digest !== undefined && (staging === undefined || isTreeEmpty(staging)))
    return await findWhole(note, size, digest);
  if (staging === undefined) return undefined;
  const found = await findPart(staging, note, list, size, boot);
  // The folder of a whole one may have gone, and another content's be there.
  if (found === undefined && digest === undefined) await removeStaging(staging);
  return found;
}

async function findWhole(
  { directory, name }: PartNote,
  size: number,
  digest: Uint8Array,
): Promise<FoundWhole | undefined> {
  const path = join(directory, name);
  if (basename(name) !== name || !(await exists(path))) return undefined;
  return { kind: "whole", path, held: { offset: size, hashed: knownDigest(digest) } };
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
  const bytes = storedList(staging, list.bytes);
  const manifest = bytes === undefined ? undefined : readKept(bytes, list, size);
  if (bytes === undefined || manifest === undefined) return undefined;
  const isSure = note.boot === boot;
  const bytesMax = isSure ? size : Math.max(0, note.bytes - bytes.length);
  const hashed = nativeSuite.sha256Stream();
  hashed.update(bytes);
  const tree = new StoredTree(treeOf(staging));
  const from = await heldFiles({ manifest, tree, bytesMax, hashed, now: Date.now() });
  if (!isSure) removeBehind(manifest, new StoredTree(treeOf(staging)), from);
  const offset = bytes.length + from.bytes;
  const durable = Math.min(note.bytes, offset);
  return { kind: "part", staging, manifest, from, held: { offset, hashed }, durable };
}

/** `undefined`: it is another content's, or was changed. */
function readKept(bytes: Uint8Array, list: ManifestSize, size: number): Manifest | undefined {
  try {
    return readList(bytes, list, size);
  } catch {
    return undefined;
  }
}
