/**
 * The manifest with which a directory's content begins, held to what the header said of it.
 *
 * @module
 */
import { PosternError } from "@postern/core/errors";
import { decodeManifest, type Manifest, type ManifestEntry } from "@postern/core/transfer";
import type { ManifestSize } from "../api.ts";

/** @throws {@link PosternError} `transfer/invalid` */
export function readList(bytes: Uint8Array, list: ManifestSize, size: number): Manifest {
  const manifest = decodeManifest(bytes);
  if (manifest.entries.length !== list.entries) throw invalid("another number of entries");
  let total = bytes.length;
  for (const entry of manifest.entries) if (entry.kind === "file") total += entry.size;
  if (total !== size) throw invalid("another size");
  if (total === bytes.length && manifest.entries.length === 0) throw invalid("nothing in it");
  return manifest;
}

function invalid(reason: string): PosternError {
  return new PosternError("transfer/invalid", `manifest: ${reason}`, { reason });
}

/** The entries that are in no directory. */
export function topsOf(manifest: Manifest): readonly ManifestEntry[] {
  return manifest.entries.filter(({ path }) => !path.includes("/"));
}
