/** Why something cannot be sent, where the system has no word for it. @module */
import type { PosternError } from "@postern/core/errors";
import { MANIFEST_ENTRIES_MAX } from "@postern/core/limits";

const REASONS: Readonly<Record<string, string>> = {
  FIFO: "it is a FIFO, and no file",
  device: "it is a device, and no file",
  directory: "it is a folder, and no file",
  name: 'others cannot store its name: it has a "\\", or begins like a drive (C:)',
  socket: "it is a socket, and no file",
  "too many": `one transfer holds up to ${MANIFEST_ENTRIES_MAX.toLocaleString("en")} files and folders`,
};

/** `undefined` for what fails in another way. */
export function sourceReason({ code, details }: PosternError): string | undefined {
  if (code !== "transfer/source-unreadable") return undefined;
  const { kind, reason } = details;
  const why = reason ?? kind;
  return typeof why === "string" && Object.hasOwn(REASONS, why) ? REASONS[why] : undefined;
}
