/** iperf3 over the long link: what one TCP connection carries there. @module */
import { hasProgram } from "../../../tools/programs.ts";
import type { LongLink } from "../links/long-link.ts";
import { startMeasured } from "../measure/measured-process.ts";
import { untilAllEnded } from "../measure/together.ts";
import type { FileContender, FileRun } from "./file-contender.ts";

const PORT = "5201";
const SERVER_MS = 10_000;
const WARM_UP_BYTES = 100_000;
const WARM_UP_MS = 60_000;

/** It sends bytes of its own, as many as the file has. */
export function iperf3(
  link: LongLink,
  bytes: number,
): Omit<FileContender, "run"> & {
  readonly run: () => Promise<FileRun>;
} {
  return {
    name: "iperf3",
    what: "one TCP connection from end to end, nothing but its bytes",
    absence: () => (hasProgram("iperf3") ? undefined : "it is not installed"),
    prepare: async () => void (await run(link, WARM_UP_BYTES, WARM_UP_MS)),
    run: async () => await run(link, bytes),
  };
}

async function run(
  { near, far, host }: LongLink,
  bytes: number,
  withinMs?: number,
): Promise<FileRun> {
  const server = startMeasured([
    ...near,
    "iperf3",
    "-s",
    "-1",
    "-B",
    host,
    "-p",
    PORT,
    "--forceflush",
  ]);
  try {
    await untilSaid(server.stdout, "listening");
    const count = String(bytes);
    const client = startMeasured([...far, "iperf3", "-c", host, "-p", PORT, "-n", count, "-J"]);
    const said = textOf(client.stdout);
    const [sender, receiver] = await untilAllEnded([client, server], withinMs);
    const wallMs = parseSeconds(await said, bytes) * 1_000;
    return { wallMs, transferMs: wallMs, sender, receiver };
  } finally {
    server.stop();
  }
}

/**
 * For so many bytes, at the rate at which they arrived: it ends when the last byte is in the
 * sender's socket, and what is still there then never arrives.
 */
export function parseSeconds(json: string, bytes: number): number {
  const { end } = JSON.parse(json) as {
    readonly end?: {
      readonly sum_received?: { readonly seconds?: number; readonly bytes?: number };
    };
  };
  const { seconds = 0, bytes: received = 0 } = end?.sum_received ?? {};
  if (seconds <= 0 || received <= 0) throw new Error("iperf3 gave no result");
  return (seconds * bytes) / received;
}

async function textOf(stream: AsyncIterable<Buffer>): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of stream) parts.push(part);
  return Buffer.concat(parts).toString();
}

async function untilSaid(stream: NodeJS.ReadableStream, word: string): Promise<void> {
  let text = "";
  const said = new Promise<void>((resolve, reject) => {
    stream.on("data", (part: Buffer) => {
      text += part.toString();
      if (text.includes(word)) resolve();
    });
    stream.once("close", () => reject(new Error(`iperf3 ended: ${text}`)));
    setTimeout(() => reject(new Error("iperf3 does not listen")), SERVER_MS).unref();
  });
  await said;
}
