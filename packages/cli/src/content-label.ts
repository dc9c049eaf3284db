/** How a content is called, safe for a terminal. @module */
import type { ContentInfo } from "@postern/client";
import { formatBytes, plural } from "./terminal/format.ts";
import { safeText } from "./terminal/safe-text.ts";

export function contentLabel(content: ContentInfo): string {
  if (content.kind === "message") return "message";
  return content.name === "" ? kindOf(content) : safeText(content.name);
}

/** `photo.raw (file, 3.1 GB)`, `photos (folder, 1203 entries, 3.1 GB)`. */
export function contentSentence(content: ContentInfo): string {
  // A message is padded: its size on the way says nothing about it.
  if (content.kind === "message") return "a message";
  const size = content.size === undefined ? "size unknown" : formatBytes(content.size);
  const { manifest } = content;
  const entries = manifest === undefined ? "" : `${plural(manifest.entries, "entry", "entries")}, `;
  return `${contentLabel(content)} (${kindOf(content)}, ${entries}${size})`;
}

function kindOf({ kind }: ContentInfo): string {
  return kind === "directory" ? "folder" : kind;
}
