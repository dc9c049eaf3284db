/** Why something cannot be sent or taken, and which of many files is in the way. @module */
import type { PosternError } from "@postern/core/errors";
import { MANIFEST_ENTRIES_MAX } from "@postern/core/limits";
import { systemReason } from "./network-reason.ts";
import { safeText } from "./safe-text.ts";

const REASONS: Readonly<Record<string, string>> = {
  FIFO: "it is a FIFO, and no file",
  device: "it is a device, and no file",
  directory: "it is a folder, and no file",
  name: 'others cannot store its name: it has a "\\", or begins like a drive (C:)',
  socket: "it is a socket, and no file",
  "too many": `one transfer holds up to ${MANIFEST_ENTRIES_MAX.toLocaleString("en")} files and folders`,
};

/** Safe for a terminal; `undefined` for what fails in another way. */
export function sourceReason(error: PosternError): string | undefined {
  const { code, details } = error;
  const { kind, path, reason } = details;
  const one = typeof path === "string" ? safeText(path) : undefined;
  if (code === "transfer/source-changed") return one && `another program wrote to ${one}`;
  // Of a folder's list alone, in our own words.
  if (code === "transfer/invalid" && typeof reason === "string")
    return `the list of what is in it is wrong: ${reason}`;
  if (code !== "transfer/source-unreadable") return undefined;
  const why = reason ?? kind;
  if (typeof why === "string" && Object.hasOwn(REASONS, why)) return REASONS[why];
  return one && `${one}: ${systemReason(error) ?? "it cannot be read"}`;
}
