/** `postern verify RECEIPT FILE`: whether a signed receipt holds, and is of this file. @module */
import { createHash } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { groupBase32 } from "@postern/core/bytes";
import { PosternError } from "@postern/core/errors";
import { MESSAGE_BYTES_MAX, SIGNED_RECEIPT_LENGTH_MAX } from "@postern/core/limits";
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
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) throw noSuchFile(path, "check the path of the receipt");
  // In UTF-8 a text is never shorter than its characters.
  if (!found.isFile() || found.size > 4 * SIGNED_RECEIPT_LENGTH_MAX)
    throw new PosternError("transfer/receipt-invalid", "not a receipt");
  return await readFile(path, "utf8");
}

/**
 * A folder is listed as it may have been: without its links, and with them. Its sender does not say
 * which: what both sign is the content, not how it was put together.
 */
async function isOf(
  context: Context,
  receipt: CheckedReceipt,
  paths: readonly string[],
): Promise<boolean> {
  const { kind, digest, size } = receipt;
  if (kind === "message") return await isMessageOf(context, receipt, paths);
  for (const keepLinks of kind === "directory" ? [false, true] : [false]) {
    const parcel = await openPaths(context, paths, { keepLinks });
    try {
      if ((parcel.info.kind === "directory") !== (kind === "directory")) return false;
      if (parcel.info.size !== size) continue;
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

/** What is signed is the padded message. One that was saved may end with a line break more. */
async function isMessageOf(
  { surroundings }: Context,
  { digest, size }: CheckedReceipt,
  [path, ...others]: readonly string[],
): Promise<boolean> {
  const text = path === undefined || others.length > 0 ? undefined : await readText(path);
  if (text === undefined) return false;
  for (const candidate of new Set([text, text.replace(/\r?\n$/, "")])) {
    if (Buffer.byteLength(candidate) > MESSAGE_BYTES_MAX) continue;
    const source = await surroundings.backend.messageSource(candidate);
    try {
      if (source.info.size === size && (await digestOf(source, size)) === digest) return true;
    } finally {
      await source.close();
    }
  }
  return false;
}

/** `undefined`: this can be no message. */
async function readText(path: string): Promise<string | undefined> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) throw noSuchFile(path, "check the path of the message");
  if (!found.isFile() || found.size > MESSAGE_BYTES_MAX + LINE_BREAK_BYTES_MAX) return undefined;
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(await readFile(path));
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}

const LINE_BREAK_BYTES_MAX = 2;
const BLOCK_BYTES = 1_048_576;

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

function noSuchFile(path: string, next: string): CommandFailure {
  const what = `no such file: ${safeText(path)}`;
  return new CommandFailure(EXIT.notFound, "usage/no-such-file", {
    what,
    why: "nothing is there",
    next,
  });
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
