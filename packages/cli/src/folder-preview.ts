/**
 * What a folder holds, shown before a person agrees to it: how much, the first names, and every
 * name to look at twice. All names are the sender's, and shown escaped.
 *
 * @module
 */
import type { Manifest, ManifestSummary } from "@postern/client";
import type { Output } from "./terminal/output.ts";
import { formatBytes, plural } from "./terminal/format.ts";
import { safeText } from "./terminal/safe-text.ts";

/** So many names tell what it is about. */
const NAMES_SHOWN = 8;
/** More would scroll away what is above; all of them are shown on demand. */
const DANGEROUS_SHOWN = 40;

/** @param where it goes; safe for a terminal */
export function tellPreview(
  output: Output,
  { manifest, summary, where }: { manifest: Manifest; summary: ManifestSummary; where: string },
): void {
  const { entries } = manifest;
  const { files, folders, links, bytes, dangerous } = summary;
  const counts = [
    plural(files, "file"),
    ...(folders > 0 ? [plural(folders, "folder")] : []),
    ...(links > 0 ? [plural(links, "link")] : []),
    formatBytes(bytes),
  ];
  output.say(`it holds ${counts.join(", ")}; it goes into ${where}:`);
  for (const entry of entries.slice(0, NAMES_SHOWN)) output.say(`  ${entryLine(entry)}`);
  if (entries.length > NAMES_SHOWN) output.say(`  and ${entries.length - NAMES_SHOWN} more`);
  if (dangerous.length === 0) return;
  output.warn(output.paint("yellow", `look twice at ${plural(dangerous.length, "name")}:`));
  for (const { path, why } of dangerous.slice(0, DANGEROUS_SHOWN))
    output.warn(`  ${why.padEnd(14)}  ${safeText(path)}`);
  if (dangerous.length > DANGEROUS_SHOWN)
    output.warn(`  and ${dangerous.length - DANGEROUS_SHOWN} more`);
}

/** Every name, with what is to be said of it. */
export function tellAllNames(output: Output, manifest: Manifest, summary: ManifestSummary): void {
  const why = new Map(summary.dangerous.map((each) => [each.path, each.why]));
  for (const entry of manifest.entries) {
    const mark = why.get(entry.path);
    output.say(`  ${entryLine(entry)}${mark === undefined ? "" : `  [${mark}]`}`);
  }
}

function entryLine(entry: Manifest["entries"][number]): string {
  const path = safeText(entry.path);
  switch (entry.kind) {
    case "file":
      return `${path}  ${formatBytes(entry.size)}`;
    case "directory":
      return `${path}/`;
    case "link":
      return `${path} -> ${safeText(entry.target)}`;
  }
}
