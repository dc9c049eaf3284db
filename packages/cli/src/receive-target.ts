/** Where received content goes: messages and streams to stdout, files into a folder. @module */
import type { Offer } from "@postern/client";
import type { Context } from "./context.ts";
import type { Target } from "./handle-offer.ts";
import { safeLines, safeText } from "./terminal/safe-text.ts";

/** @param out a folder, or `-` for stdout */
export async function openTarget(context: Context, offer: Offer, out: string): Promise<Target> {
  if (offer.content.kind === "message") return await messageTarget(context, offer);
  if (out === "-") return await stdoutTarget(context);
  return await fileTarget(context, offer, out);
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
    report: async (summary) => output.say(`received: ${summary}`),
  };
}

async function fileTarget(context: Context, offer: Offer, directory: string): Promise<Target> {
  const { output, surroundings } = context;
  const name = offer.content.name === "" ? "received" : offer.content.name;
  const sink = await surroundings.backend.fileSink(directory, name);
  return {
    sink,
    // Asked at the end: a name that was taken meanwhile has become another one.
    doneFields: () => ({ path: sink.path }),
    report: async (summary) =>
      output.say(output.paint("green", `received ${safeText(sink.path)}: ${summary}`)),
  };
}
