/** Where received content goes: messages and streams to stdout, files into a folder. @module */
import { PosternError } from "@postern/core/errors";
import type { ContentSink, Offer } from "@postern/client";
import type { Context } from "./context.ts";
import { EXIT } from "./exit-codes.ts";
import { CommandFailure } from "./failures.ts";
import type { Target } from "./handle-offer.ts";
import { senderFolder } from "./sender-folder.ts";
import { formatBytes } from "./terminal/format.ts";
import { safeLines, safeText } from "./terminal/safe-text.ts";

export interface Destination {
  /** A folder, or `-` for stdout. */
  readonly out: string;
  /** In it a folder for each sender. */
  readonly isPerSender?: boolean;
  /** Content of unknown size stops here. */
  readonly bytesMax?: number | undefined;
}

/** @throws PosternError `store/no-space` when the disk has too little room for what is offered. */
export async function openTarget(
  context: Context,
  offer: Offer,
  destination: Destination,
): Promise<Target> {
  if (offer.content.kind === "message") return await messageTarget(context, offer);
  const { out, isPerSender = false } = destination;
  const opened =
    out === "-"
      ? await stdoutTarget(context)
      : await fileTarget(context, offer, isPerSender ? await senderFolder(out, offer.from) : out);
  return limited(opened, offer, destination.bytesMax);
}

async function messageTarget(context: Context, offer: Offer): Promise<Target> {
  const { output, surroundings } = context;
  const sink = await surroundings.backend.messageSink();
  return {
    sink,
    async report(summary) {
      const text = await sink.text;
      output.event({ type: "message", transfer: offer.id, from: offer.from.name, text });
      output.say(`message from ${safeText(offer.from.name)}: ${summary}`);
      if (!output.json) printMessage(context, text);
      return { text };
    },
  };
}

/** Raw for a program, inert and indented for a terminal: no line of it can pass for ours. */
function printMessage({ surroundings }: Context, text: string): void {
  const { stdout } = surroundings;
  if (stdout.isTTY === true) stdout.write(`  ${safeLines(text).replaceAll("\n", "\n  ")}\n`);
  else stdout.write(text.endsWith("\n") ? text : `${text}\n`);
}

async function stdoutTarget({ surroundings, output }: Context): Promise<Target> {
  return {
    sink: await surroundings.backend.streamSink(surroundings.stdout),
    async report(summary) {
      output.say(`received: ${summary}`);
      return {};
    },
  };
}

async function fileTarget(context: Context, offer: Offer, directory: string): Promise<Target> {
  const { output, surroundings } = context;
  const name = offer.content.name === "" ? "received" : offer.content.name;
  await expectRoom(context, directory, offer.content.size ?? 0);
  const sink = await surroundings.backend.fileSink(directory, name);
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

async function expectRoom(context: Context, directory: string, bytes: number): Promise<void> {
  const free = await context.surroundings.backend.freeSpace(directory);
  if (bytes <= free) return;
  throw new PosternError("store/no-space", "less room than the content needs", {
    neededBytes: bytes,
    freeBytes: free,
  });
}

/** An offer that names its size was judged by it; one that does not ends at the limit. */
function limited(target: Target, { content }: Offer, bytesMax: number | undefined): Target {
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
    abandon: async () => await sink.abandon(),
  };
  return {
    ...target,
    sink: measured,
    explained: (error) => (isOver ? overLimit(bytesMax) : error),
  };
}

function overLimit(bytesMax: number): CommandFailure {
  return new CommandFailure(EXIT.declined, "transfer/declined", {
    what: "stopped what came in: it is larger than --max-size allows",
    why: `its size was not told beforehand, and ${formatBytes(bytesMax)} is the limit`,
    next: "raise --max-size, or ask the sender to send less",
  });
}
