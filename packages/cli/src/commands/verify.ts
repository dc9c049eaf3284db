/** `postern verify RECEIPT FILE`: whether a signed receipt holds, and is of this file. @module */
import { createHash } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { groupBase32 } from "@postern/core/bytes";
import { PosternError } from "@postern/core/errors";
import { SIGNED_RECEIPT_LENGTH_MAX } from "@postern/core/limits";
import type { ContentSource } from "@postern/client";
import type { CheckedReceipt } from "@postern/client/node";
import { contentLabel, contentSentence } from "../content-label.ts";
import type { Context } from "../context.ts";
import { EXIT, exitCodeOf, type ExitCode } from "../exit-codes.ts";
import { CommandFailure } from "../failures.ts";
import { openPaths } from "../parcel.ts";
import { safeText } from "../terminal/safe-text.ts";

/** @param paths the file, or the folders and files that were sent together */
export async function verify(
  context: Context,
  receiptPath: string,
  paths: readonly string[],
): Promise<ExitCode> {
  const { output, surroundings } = context;
  const receipt = await surroundings.backend.checkReceipt(await readReceipt(receiptPath));
  if (!(await isOf(context, receipt, paths))) throw anotherContent(paths);
  const { kind, name, size, sender, receiver, sentAt, receivedAt, digest } = receipt;
  output.event({ type: "receipt-holds", ...receipt });
  const about = { kind, name, size };
  output.result(
    output.paint("green", `holds: ${contentLabel(about)} is what was sent and received`),
  );
  output.result(`content   ${contentSentence(about)}`);
  output.result(`sent by   ${groupBase32(sender)}, ${moment(sentAt)}`);
  output.result(`received  ${groupBase32(receiver)}, ${moment(receivedAt)}`);
  output.result(`sha256    ${digest}`);
  output.say('each time is by the clock of its side; "postern contacts list" names known keys');
  return EXIT.done;
}

async function readReceipt(path: string): Promise<string> {
  const about = { what: `no such file: ${safeText(path)}`, why: "nothing is there" };
  const found = await stat(path).catch(() => undefined);
  if (found === undefined)
    throw new CommandFailure(EXIT.notFound, "usage/no-such-file", {
      ...about,
      next: "check the path of the receipt",
    });
  // In UTF-8 a text is never shorter than its characters.
  if (!found.isFile() || found.size > 4 * SIGNED_RECEIPT_LENGTH_MAX)
    throw new PosternError("transfer/receipt-invalid", "not a receipt");
  return await readFile(path, "utf8");
}

/** A folder is listed as it may have been: without its links, and with them. */
async function isOf(
  context: Context,
  { kind, digest, size }: CheckedReceipt,
  paths: readonly string[],
): Promise<boolean> {
  for (const keepLinks of kind === "directory" ? [false, true] : [false]) {
    const parcel = await openPaths(context, paths, { keepLinks });
    try {
      if ((parcel.info.kind === "directory") !== (kind === "directory")) return false;
      // A message that was saved may end with a line break more.
      const rest = (parcel.info.size ?? 0) - size;
      if (rest !== 0 && !(kind === "message" && rest === 1)) continue;
      const source = await parcel.open();
      try {
        if ((await digestOf(source, size)) === digest) return true;
      } finally {
        await source.close();
      }
    } finally {
      await parcel.close();
    }
  }
  return false;
}

const BLOCK_BYTES = 1_048_576;

/** Of its first `size` bytes. */
async function digestOf(source: ContentSource, size: number): Promise<string> {
  const hash = createHash("sha256");
  const block = new Uint8Array(BLOCK_BYTES);
  for (let offset = 0; offset < size;) {
    const room = block.subarray(0, Math.min(BLOCK_BYTES, size - offset));
    const bytes = await source.read(room, offset);
    if (bytes === 0) break;
    hash.update(room.subarray(0, bytes));
    offset += bytes;
  }
  return hash.digest("hex");
}

function anotherContent(paths: readonly string[]): CommandFailure {
  const code = "transfer/receipt-invalid";
  return new CommandFailure(exitCodeOf(code), code, {
    what: `the receipt is not of ${paths.map(safeText).join(", ")}`,
    why: "both signatures hold, but this is another content: changed since, or another one",
    next: "do not rely on it for this file",
  });
}

function moment(ms: number): string {
  return new Date(ms)
    .toISOString()
    .replace("T", " ")
    .replace(/\.\d+Z$/, " UTC");
}
