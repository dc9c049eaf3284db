/** Directories as contents: made from lists, poured into sinks, looked at on the disk. @module */
import assert from "node:assert/strict";
import * as fs from "node:fs/promises";
import { join } from "node:path";
import { concat, utf8 } from "@postern/core/bytes";
import { encodeManifest, type ManifestEntry } from "@postern/core/transfer";
import { nativeSuite as suite } from "@postern/node";
import type { ContentInfo, PartJournal } from "../src/api.ts";
import {
  directorySink,
  type DirectorySink,
  type DirectorySinkOptions,
} from "../src/node/directory-sink.ts";

export const MODIFIED_MS = 1_600_000_000_000;

export interface DirectoryContent {
  readonly info: ContentInfo;
  readonly bytes: Uint8Array;
  readonly listBytes: number;
}

/** Files with their text, directories (ending in `/`), and links (`-> target`). */
export function contentOf(tree: Readonly<Record<string, string>>, name = "top"): DirectoryContent {
  const entries: ManifestEntry[] = [];
  const texts: string[] = [];
  for (const [path, text] of Object.entries(tree)) {
    const attributes = { mode: path.endsWith("/") ? 0o755 : 0o644, modifiedMs: MODIFIED_MS };
    if (path.endsWith("/"))
      entries.push({ kind: "directory", path: path.slice(0, -1), ...attributes });
    else if (text.startsWith("-> ")) entries.push({ kind: "link", path, target: text.slice(3) });
    else {
      entries.push({ kind: "file", path, size: utf8(text).length, ...attributes });
      texts.push(text);
    }
  }
  return contentFrom(entries, texts.join(""), name);
}

export function contentFrom(
  entries: readonly ManifestEntry[],
  text: string,
  name = "top",
): DirectoryContent {
  const list = encodeManifest({ entries });
  const bytes = concat(list, utf8(text));
  const manifest = { entries: entries.length, bytes: list.length };
  return {
    bytes,
    listBytes: list.length,
    info: { kind: "directory", name, size: bytes.length, manifest },
  };
}

const BOOT: DirectorySinkOptions = { boot: "this one" };

/** Everybody agrees, and the disk is only told to flush in tests about that. */
export async function sinkFor(
  directory: string,
  { info }: DirectoryContent,
  journal: PartJournal,
  options: DirectorySinkOptions = {},
): Promise<DirectorySink> {
  const sync = async (): Promise<void> => {};
  return await directorySink(directory, info, journal, async () => true, {
    ...BOOT,
    sync,
    ...options,
  });
}

/** Writes from where the sink is up to `end`, in pieces, asking for consent where it is due. */
export async function pour(
  sink: DirectorySink,
  { bytes, listBytes }: DirectoryContent,
  end = bytes.length,
  pieces = 1_048_576,
): Promise<void> {
  for (let at = sink.held?.offset ?? 0; at < end;) {
    const border = at < listBytes ? Math.min(listBytes, end) : end;
    const next = Math.min(at + pieces, border);
    await sink.write(bytes.subarray(at, next), at);
    at = next;
    if (at === listBytes) await sink.consent?.();
  }
}

export async function receive(sink: DirectorySink, content: DirectoryContent): Promise<void> {
  await pour(sink, content);
  await sink.commit(content.bytes.length);
}

/** What is below a directory, as {@link contentOf} takes it; links not followed. */
export async function treeAt(directory: string, prefix = ""): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  const entries = await fs.readdir(join(directory, prefix), { withFileTypes: true });
  for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = prefix + entry.name;
    if (entry.isDirectory()) {
      found[`${path}/`] = "";
      Object.assign(found, await treeAt(directory, `${path}/`));
    } else if (entry.isSymbolicLink())
      found[path] = `-> ${await fs.readlink(join(directory, path))}`;
    else found[path] = await fs.readFile(join(directory, path), "utf8");
  }
  return found;
}

export function expectHeld(sink: DirectorySink, { bytes }: DirectoryContent, offset: number): void {
  assert.equal(sink.held?.offset, offset);
  const expected = suite.sha256(bytes.subarray(0, offset));
  assert.deepEqual(sink.held?.hashed.copy().digest(), expected);
}
