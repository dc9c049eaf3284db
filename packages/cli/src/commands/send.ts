/** `postern send`: one message, file or stream to one receiver. @module */
import { basename } from "node:path";
import { stat } from "node:fs/promises";
import { MESSAGE_BYTES_MAX } from "@postern/core/limits";
import type { ContentSource } from "@postern/client";
import { connectClient } from "../connect-client.ts";
import type { Context } from "../context.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { CommandFailure, usageFailure } from "../failures.ts";
import { parseName, parseRate, parseSessionSeconds } from "../option-values.ts";
import { parseProfile, PROFILE_DEFAULT } from "../profiles.ts";
import { sendContent } from "../send-content.ts";
import { safeText } from "../terminal/safe-text.ts";

export interface SendFlags {
  readonly to: string;
  readonly text?: string;
  readonly fileName?: string;
  readonly profile?: string;
  readonly limit?: string;
  readonly sessionSeconds?: string;
}

export async function send(
  context: Context,
  path: string | undefined,
  flags: SendFlags,
): Promise<ExitCode> {
  const plan = {
    to: parseName("--to", flags.to),
    profile: parseProfile(flags.profile ?? PROFILE_DEFAULT),
    rateLimit: flags.limit === undefined ? undefined : parseRate(flags.limit),
    sessionSeconds:
      flags.sessionSeconds === undefined ? undefined : parseSessionSeconds(flags.sessionSeconds),
  };
  // Before anybody is bothered: is there something to send?
  const content = await openContent(context, path, flags);
  let isHandedOver = false;
  try {
    const connected = await connectClient(context, "going on");
    try {
      isHandedOver = true;
      await sendContent(context, connected, { ...plan, content, showKeys: context.isVerbose });
      return EXIT.done;
    } finally {
      await connected.close();
    }
  } finally {
    if (!isHandedOver) await content.close().catch(() => {});
  }
}

async function openContent(
  context: Context,
  path: string | undefined,
  flags: SendFlags,
): Promise<ContentSource> {
  const { backend, stdin } = context.surroundings;
  if ((path === undefined) === (flags.text === undefined)) throw wrongContent(path !== undefined);
  if (flags.fileName !== undefined && path !== "-")
    throw usageFailure("--file-name goes with -", "a file has a name already", "leave it out");
  if (flags.text === "-") return await backend.messageSource(await readMessage(context));
  if (flags.text !== undefined) return await backend.messageSource(checkedMessage(flags.text));
  if (path === "-") {
    requirePiped(context);
    return await backend.streamSource(stdin, basename(flags.fileName ?? "stdin"));
  }
  return await openFile(context, path ?? "");
}

/** A regular file, or an explanation of what it is instead. */
export async function openFile(context: Context, path: string): Promise<ContentSource> {
  const shown = safeText(path);
  context.output.about({ content: shown });
  const found = await stat(path).catch((error: unknown) => {
    const isMissing = error instanceof Error && "code" in error && error.code === "ENOENT";
    if (!isMissing) return undefined;
    const explanation = {
      what: `no such file: ${shown}`,
      why: "nothing is there",
      next: "check the path",
    };
    throw new CommandFailure(EXIT.notFound, "usage/no-such-file", explanation);
  });
  if (found?.isDirectory() === true)
    throw usageFailure(
      `${shown} is a folder`,
      "only single files can be sent",
      "pack it first: tar or zip",
    );
  return await context.surroundings.backend.fileSource(path);
}

async function readMessage(context: Context): Promise<string> {
  requirePiped(context);
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of context.surroundings.stdin) {
    const part = typeof chunk === "string" ? new TextEncoder().encode(chunk) : toBytes(chunk);
    bytes += part.length;
    if (bytes > MESSAGE_BYTES_MAX) throw tooLong();
    chunks.push(part);
  }
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
    return text.decode(Buffer.concat(chunks)).replace(/\r?\n$/, "");
  } catch {
    throw usageFailure(
      "this is not text",
      "the input is not UTF-8",
      'send it as a file: "postern send -"',
    );
  }
}

function checkedMessage(text: string): string {
  if (new TextEncoder().encode(text).length > MESSAGE_BYTES_MAX) throw tooLong();
  return text;
}

function toBytes(chunk: unknown): Uint8Array {
  if (chunk instanceof Uint8Array) return chunk;
  throw new TypeError("stdin gave neither text nor bytes");
}

function requirePiped(context: Context): void {
  if (context.surroundings.stdin.isTTY !== true) return;
  throw usageFailure(
    "nothing to read from",
    "- reads the standard input, and that is this terminal",
    'pipe something in: "tar c folder | postern send - --to NAME"',
  );
}

function wrongContent(isBoth: boolean): CommandFailure {
  return usageFailure(
    isBoth ? "either a file or --text, not both" : "nothing to send",
    "one transfer carries one message or one file",
    'write "postern send FILE --to NAME" or "postern send --text TEXT --to NAME"',
  );
}

function tooLong(): CommandFailure {
  const limit = `${MESSAGE_BYTES_MAX / 1_048_576} MiB`;
  return usageFailure(
    "the message is too long",
    `messages hold up to ${limit}`,
    "send it as a file",
  );
}
