/**
 * `postern send`: one message, file or stream to one receiver, by its name or by a code that is
 * made for it.
 *
 * @module
 */
import { basename } from "node:path";
import { stat } from "node:fs/promises";
import { MESSAGE_BYTES_MAX } from "@postern/core/limits";
import type { ContentSource, Paired, ProfileName } from "@postern/client";
import { connectClient, type Connected } from "../connect-client.ts";
import type { Context } from "../context.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { CommandFailure, usageFailure } from "../failures.ts";
import { meet, parseWords } from "../meet.ts";
import { parseName, parseRate, parseSessionSeconds } from "../option-values.ts";
import { parseProfile, PROFILE_DEFAULT } from "../profiles.ts";
import { sendContent } from "../send-content.ts";
import { safeText } from "../terminal/safe-text.ts";

export interface SendFlags {
  /** Absent: by a code. */
  readonly to?: string;
  readonly words?: string;
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
  const to = flags.to === undefined ? undefined : parseName("--to", flags.to);
  const words = parseSendWords(flags);
  const plan = {
    profile: parseSendProfile(flags),
    rateLimit: flags.limit === undefined ? undefined : parseRate(flags.limit),
    sessionSeconds:
      flags.sessionSeconds === undefined ? undefined : parseSessionSeconds(flags.sessionSeconds),
    showKeys: context.isVerbose,
  };
  // Before anybody is bothered: is there something to send?
  const content = await openContent(context, path, flags);
  let isHandedOver = false;
  try {
    const connected = await connectClient(context, "going on");
    try {
      const receiver = to ?? (await meetReceiver(context, connected, words));
      isHandedOver = true;
      await sendContent(context, connected, { ...plan, to: receiver, content });
      return EXIT.done;
    } finally {
      await connected.close();
    }
  } finally {
    if (!isHandedOver) await content.close().catch(() => {});
  }
}

async function meetReceiver(
  context: Context,
  connected: Connected,
  words: number | undefined,
): Promise<Paired> {
  const paired = await meet(context, connected, { code: undefined, words, command: "receive" });
  context.output.say(`${safeText(paired.peer.name)} came with the code`);
  return paired;
}

function parseSendWords({ to, words }: SendFlags): number | undefined {
  if (to === undefined || words === undefined) return parseWords(words, undefined);
  throw usageFailure("--words is for codes", "with --to there is none", "leave out one of the two");
}

function parseSendProfile({ to, profile = PROFILE_DEFAULT }: SendFlags): ProfileName {
  const parsed = parseProfile(profile);
  if (to !== undefined || parsed === PROFILE_DEFAULT) return parsed;
  throw usageFailure(
    `--profile ${parsed} needs --to`,
    "a transfer by code is end-to-end, always",
    "name the receiver with --to, or leave --profile out",
  );
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
    'write "postern send FILE" or "postern send --text TEXT"',
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
