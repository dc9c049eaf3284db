/**
 * What is sent, opened as often as it takes: once for each receiver, and again after each break.
 *
 * @module
 */
import { basename, resolve } from "node:path";
import { stat } from "node:fs/promises";
import { MESSAGE_BYTES_MAX } from "@postern/core/limits";
import type {
  ContentInfo,
  ContentSource,
  LinkListing,
  Manifest,
  ManifestPlaces,
} from "@postern/client";
import type { FolderSource } from "./backend.ts";
import type { Context } from "./context.ts";
import { EXIT } from "./exit-codes.ts";
import { CommandFailure, usageFailure } from "./failures.ts";
import { plural } from "./terminal/format.ts";
import { safeText } from "./terminal/safe-text.ts";

export interface Parcel {
  readonly info: ContentInfo;
  /** Absolute; absent when it cannot be opened again by another process. */
  readonly paths?: readonly string[];
  /** Of a folder: how it was listed, and where its files are. */
  readonly links?: LinkListing;
  readonly places?: ManifestPlaces;
  /** It is there once: for one receiver. */
  readonly isOnce: boolean;
  open(): Promise<ContentSource>;
  /** Lets go of what nobody opened. */
  close(): Promise<void>;
}

export interface ParcelFlags {
  readonly text?: string;
  readonly fileName?: string;
  readonly keepLinks?: boolean;
}

/** Nobody is bothered before it is sure that there is something to send. */
export async function openParcel(
  context: Context,
  paths: readonly string[],
  flags: ParcelFlags,
): Promise<Parcel> {
  const { surroundings } = context;
  const { backend } = surroundings;
  const [path] = paths;
  if ((path === undefined) === (flags.text === undefined)) throw wrongContent(path !== undefined);
  if (flags.fileName !== undefined && path !== "-")
    throw usageFailure("--file-name goes with -", "a file has a name already", "leave it out");
  if (flags.text !== undefined) {
    const text = flags.text === "-" ? await readMessage(context) : checkedMessage(flags.text);
    return await reopened(async () => await backend.messageSource(text));
  }
  if (!paths.includes("-")) return await openPaths(context, paths, flags);
  if (paths.length > 1)
    throw usageFailure(
      "- stands alone",
      "the standard input is one thing, and has no folder",
      "send it by a command of its own",
    );
  requirePiped(context);
  const stream = await backend.streamSource(
    surroundings.stdin,
    basename(flags.fileName ?? "stdin"),
  );
  const source = await stream.open();
  return {
    info: source.info,
    isOnce: true,
    open: async () => await stream.open(),
    close: async () => await stream.close(),
  };
}

/** One file as it is; a folder, or several of both, as one content. */
export async function openPaths(
  context: Context,
  paths: readonly string[],
  { keepLinks = false }: Pick<ParcelFlags, "keepLinks"> = {},
): Promise<Parcel> {
  const { backend } = context.surroundings;
  context.output.about({ content: paths.map(safeText).join(", ") });
  const kinds = await Promise.all(paths.map(async (path) => await kindOf(path)));
  const [path, ...others] = paths;
  const absolute = paths.map((each) => resolve(each));
  if (path !== undefined && others.length === 0 && kinds[0] === "other")
    return { ...(await reopened(async () => await backend.fileSource(path))), paths: absolute };
  const links: LinkListing = keepLinks ? "keep" : "skip";
  let isTold = false;
  let manifest: Manifest | undefined;
  const parcel = await reopened(async () => {
    const source = await backend.directorySource(absolute, { links });
    if (!isTold) tellChanges(context, source);
    isTold = true;
    manifest ??= source.manifest;
    return source;
  });
  if (manifest === undefined) return { ...parcel, paths: absolute, links };
  const { ManifestPlaces: Places } = await import("@postern/client");
  const places = new Places(manifest, parcel.info.manifest?.bytes ?? 0);
  return { ...parcel, paths: absolute, links, places };
}

/** What was opened to look at is what the first one gets. */
export async function reopened(open: () => Promise<ContentSource>): Promise<Parcel> {
  let first: ContentSource | undefined = await open();
  const { info } = first;
  return {
    info,
    isOnce: false,
    async open() {
      const source = first ?? (await open());
      first = undefined;
      return source;
    },
    async close() {
      await first?.close();
      first = undefined;
    },
  };
}

/** Of what is not sent as it stands, so many are named. */
const NAMED_MAX = 5;

/** What is left out, and what has another name on the other side: nobody would miss it. */
function tellChanges({ output }: Context, { skipped, renamed }: FolderSource): void {
  const list = (what: string, lines: readonly string[]): void => {
    if (lines.length === 0) return;
    output.warn(`${what} ${plural(lines.length, "entry", "entries")}:`);
    for (const line of lines.slice(0, NAMED_MAX)) output.warn(`  ${line}`);
    if (lines.length > NAMED_MAX) output.warn(`  and ${lines.length - NAMED_MAX} more`);
  };
  list(
    "left out",
    skipped.map(({ path, why }) => `${safeText(path)} (${why})`),
  );
  list(
    "renamed, for systems that take their names for those of others,",
    renamed.map(({ path, as }) => `${safeText(path)} -> ${safeText(as)}`),
  );
  if (skipped.length > 0 || renamed.length > 0)
    output.event({ type: "left-out", entries: skipped.length, renamed: renamed.length });
}

async function kindOf(path: string): Promise<"directory" | "other"> {
  const found = await stat(path).catch((error: unknown) => {
    const isMissing = error instanceof Error && "code" in error && error.code === "ENOENT";
    if (!isMissing) return undefined;
    const explanation = {
      what: `no such file: ${safeText(path)}`,
      why: "nothing is there",
      next: "check the path",
    };
    throw new CommandFailure(EXIT.notFound, "usage/no-such-file", explanation);
  });
  return found?.isDirectory() === true ? "directory" : "other";
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
    isBoth ? "either files or --text, not both" : "nothing to send",
    "one transfer carries one message, or files and folders",
    'write "postern send FILE..." or "postern send --text TEXT"',
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
