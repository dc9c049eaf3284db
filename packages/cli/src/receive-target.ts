/** Where received content goes: messages and streams to stdout, files into a folder. @module */
import { dirname, join } from "node:path";
import { PosternError } from "@postern/core/errors";
import type {
  ContentSink,
  Manifest,
  ManifestPlaces,
  ManifestSummary,
  Offer,
  PartJournal,
} from "@postern/client";
import type { Context } from "./context.ts";
import { EXIT } from "./exit-codes.ts";
import { CommandFailure, usageFailure } from "./failures.ts";
import { handOver } from "./hand-over.ts";
import type { Target } from "./handle-offer.ts";
import { keptOf } from "./kept-part.ts";
import { removePart } from "./remove-part.ts";
import { senderFolder } from "./sender-folder.ts";
import { formatBytes, plural } from "./terminal/format.ts";
import { messageFailure } from "./terminal/output-failure.ts";
import { safeJson, safeLines, safeText } from "./terminal/safe-text.ts";

export interface Destination {
  /** A folder, or `-` for stdout. */
  readonly out: string;
  /** In it a folder for each sender. */
  readonly isPerSender?: boolean;
  /** Content of unknown size stops here. */
  readonly bytesMax?: number | undefined;
  /** What `-` is being filled with. */
  readonly stdout?: StdoutContent;
}

/** The standard output takes one content after the other, each to its end. */
export interface StdoutContent {
  open?: { readonly sink: ContentSink; readonly contentId: string; hasBegun: boolean } | undefined;
}

/** Asked with the list of a folder, before anything of it is made. */
export type ApproveFolder = (listed: {
  readonly manifest: Manifest;
  readonly summary: ManifestSummary;
  /** The path where it will be. */
  readonly where: string;
}) => Promise<boolean>;

/** @throws PosternError `store/no-space` when the disk has too little room for what is offered. */
export async function openTarget(
  context: Context,
  offer: Offer,
  destination: Destination,
  approve: ApproveFolder,
): Promise<Target> {
  const { kind } = offer.content;
  if (kind === "message") return await messageTarget(context, offer);
  const { out, isPerSender = false, bytesMax } = destination;
  if (out === "-") return limited(await stdoutTarget(context, offer, destination), offer, bytesMax);
  const directory = isPerSender ? await senderFolder(out, offer.from) : out;
  if (kind === "directory") return await folderTarget(context, offer, directory, approve);
  return limited(await fileTarget(context, offer, directory), offer, bytesMax);
}

async function messageTarget(context: Context, offer: Offer): Promise<Target> {
  const { output, surroundings } = context;
  const { backend, stdout } = surroundings;
  const sink = await backend.messageSink();
  const isForPerson = stdout.isTTY === true && !output.json;
  let untaken: PosternError | undefined;
  // Its receipt says that it is here: a program, or a file, has it by then.
  const handedOver: ContentSink = {
    write: async (bytes, offset) => await sink.write(bytes, offset),
    async commit(total) {
      await sink.commit(total);
      const text = await sink.text;
      const event = { type: "message", transfer: offer.id, from: offer.from.name, text };
      untaken = await handOver(stdout, withLineEnd(output.json ? safeJson(event) : text));
      if (untaken !== undefined) throw untaken;
    },
    abandon: async () => await sink.abandon(),
  };
  return {
    sink: isForPerson ? sink : handedOver,
    explained: (error) => (untaken === undefined ? error : messageFailure(untaken)),
    async report(summary) {
      const text = await sink.text;
      output.say(`message from ${safeText(offer.from.name)}: ${summary}`);
      if (isForPerson) stdout.write(inert(text));
      return { text };
    },
  };
}

/** Indented, and without what a terminal obeys: no line of it can pass for ours. */
function inert(text: string): string {
  return `  ${safeLines(text).replaceAll("\n", "\n  ")}\n`;
}

function withLineEnd(text: string): string {
  return text.endsWith("\n") ? text : `${text}\n`;
}

async function stdoutTarget(
  { surroundings, output }: Context,
  { contentId, content }: Offer,
  { stdout = {} }: Destination,
): Promise<Target> {
  if (content.kind === "directory") throw noFolderThere();
  if (stdout.open?.hasBegun === true && stdout.open.contentId !== contentId) throw stillOpen();
  stdout.open ??= {
    sink: await surroundings.backend.streamSink(surroundings.stdout),
    contentId,
    hasBegun: false,
  };
  const current = stdout.open;
  const { sink } = current;
  const { held } = sink;
  const watched: ContentSink = {
    ...(held && { held }),
    async write(bytes, offset) {
      current.hasBegun = true;
      await sink.write(bytes, offset);
    },
    async commit(total) {
      await sink.commit(total);
      stdout.open = undefined;
    },
    async abandon() {
      await sink.abandon();
      // Nothing of it is there: the next one may be another.
      if (!current.hasBegun) stdout.open = undefined;
    },
  };
  return {
    sink: watched,
    kept: () => sink.held && formatBytes(sink.held.offset),
    goesOn: () => !current.hasBegun || sink.held !== undefined,
    async report(summary) {
      output.say(`received: ${summary}`);
      return {};
    },
  };
}

async function fileTarget(context: Context, offer: Offer, directory: string): Promise<Target> {
  const { output, surroundings } = context;
  const { content, journal } = offer;
  const name = content.name === "" ? "received" : content.name;
  const sink = await surroundings.backend.fileSink(directory, name, journal, content.size);
  await expectRoomFor(context, { sink, place: dirname(sink.path), size: content.size });
  return {
    sink,
    // Asked at the end: a name that was taken meanwhile has become another one.
    doneFields: () => ({ path: sink.path }),
    async report(summary) {
      const { path } = sink;
      output.say(output.paint("green", `received ${safeText(path)}: ${summary}`));
      return { path };
    },
  };
}

async function folderTarget(
  context: Context,
  { content, journal }: Offer,
  directory: string,
  approve: ApproveFolder,
): Promise<Target> {
  const { output, surroundings } = context;
  const { backend } = surroundings;
  let places: ManifestPlaces | undefined;
  const ask = async (manifest: Manifest, where: string): Promise<boolean> => {
    const { ManifestPlaces: Places, summarizeManifest } = await import("@postern/client");
    places = new Places(manifest, content.manifest?.bytes ?? 0);
    return await approve({ manifest, summary: summarizeManifest(manifest), where });
  };
  const sink = await backend.directorySink(directory, content, journal, ask);
  // Where an earlier transfer has begun it, which may be another disk; what is there counts once.
  const [top] = sink.paths;
  const place = top === undefined ? sink.path : dirname(top);
  await expectRoomFor(context, { sink, place, size: content.size });
  return {
    sink,
    doneFields: () => ({ path: sink.path, paths: sink.paths }),
    places: () => places,
    async report(summary) {
      const { path, paths } = sink;
      const more = paths.length > 1 ? ` and ${paths.length - 1} more` : "";
      const first = paths[0] ?? path;
      output.say(output.paint("green", `received ${safeText(first)}${more}: ${summary}`));
      if (sink.linksLeft > 0)
        output.warn(`${plural(sink.linksLeft, "link")} could not be made on this system`);
      return { path: first, paths };
    },
  };
}

interface Roomy {
  readonly sink: ContentSink;
  readonly place: string;
  readonly size: number | undefined;
}

/** Else the sink is let go. */
async function expectRoomFor({ surroundings }: Context, { sink, place, size }: Roomy) {
  try {
    const neededBytes = (size ?? 0) - (sink.held?.offset ?? 0);
    const freeBytes = await surroundings.backend.freeSpace(place);
    if (neededBytes <= freeBytes) return;
    const what = "less room than the content needs";
    throw new PosternError("store/no-space", what, { neededBytes, freeBytes });
  } catch (error) {
    await sink.abandon();
    throw error;
  }
}

function noFolderThere(): CommandFailure {
  return usageFailure(
    "a folder does not go to the standard output",
    "it is many files, and -o - is one stream",
    "choose a folder with -o DIR, or let it be sent as an archive: tar c",
  );
}

function stillOpen(): CommandFailure {
  return usageFailure(
    "declined: the standard output waits for the rest of something else",
    "a part of that is written already",
    "let its sender send it again, or start anew",
  );
}

/**
 * An offer that names its size was judged by it; one that does not ends at the limit. What had come
 * of it goes: it can never be whole here, and whoever sends so again and again would fill the disk.
 */
function limited(target: Target, offer: Offer, bytesMax: number | undefined): Target {
  const { content, journal } = offer;
  if (bytesMax === undefined || content.size !== undefined) return target;
  const { sink } = target;
  let isOver = false;
  const measured: ContentSink = {
    ...(sink.held && { held: sink.held }),
    async write(bytes, offset) {
      isOver = offset + bytes.length > bytesMax;
      if (isOver) throw new PosternError("transfer/declined", "larger than allowed", { bytesMax });
      await sink.write(bytes, offset);
    },
    commit: async (total) => await sink.commit(total),
    async abandon() {
      await sink.abandon();
      if (isOver) await forgetPart(journal);
    },
  };
  return {
    ...target,
    sink: measured,
    // It goes when the disk has settled, which may be after this is asked.
    kept: target.kept ?? (async () => (isOver ? undefined : await keptOf(offer))),
    explained: (error) => (isOver ? overLimit(bytesMax) : error),
  };
}

async function forgetPart(journal: PartJournal): Promise<void> {
  const note = await journal.read();
  if (note === undefined) return;
  await removePart(join(note.directory, note.part));
  await journal.drop();
}

function overLimit(bytesMax: number): CommandFailure {
  return new CommandFailure(EXIT.declined, "transfer/declined", {
    what: "stopped what came in: it is larger than --max-size allows",
    why: `its size was not told beforehand, and ${formatBytes(bytesMax)} is the limit`,
    next: "raise --max-size, or ask the sender to send less",
  });
}
