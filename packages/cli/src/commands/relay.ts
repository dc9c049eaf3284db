/** `postern relay`: runs a relay until it is told to stop. @module */
import { join } from "node:path";
import { PosternError } from "@postern/core/errors";
import type { RelayOptions, RunningRelay } from "../backend.ts";
import { RELAY_DEFAULT, type Context } from "../context.ts";
import { orAborted } from "../deadline.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { CommandFailure } from "../failures.ts";
import { parseListen, shownAddress } from "../option-values.ts";
import { parseProfiles } from "../profiles.ts";
import { systemReason } from "../terminal/network-reason.ts";
import { safeText } from "../terminal/safe-text.ts";

export interface RelayFlags {
  readonly listen?: string;
  readonly data?: string;
  readonly profiles?: string;
}

export async function relay(context: Context, flags: RelayFlags): Promise<ExitCode> {
  const { output, surroundings, isVerbose } = context;
  const profiles = flags.profiles === undefined ? undefined : parseProfiles(flags.profiles);
  const running = await openRelay(context, {
    profiles,
    ...parseListen(flags.listen ?? RELAY_DEFAULT),
    dataDir: flags.data ?? (await relayDirectory(context)),
    isLogging: isVerbose || surroundings.stderr.isTTY !== true,
  });
  const { host, port, address } = running;
  output.event({ type: "relay", host, port, address });
  output.say(`relay at ${output.paint("bold", shownAddress(host, port))}`);
  output.say(`  address with fingerprint, for clients: ${address}`);
  output.say(`  on another terminal:  postern receive --name bob --relay ${shownHint(host, port)}`);
  output.say("  Ctrl-C ends it");
  return await untilInterrupted(context, running);
}

export async function relayDirectory({ home }: Context): Promise<string> {
  return join(await home(), "relay");
}

/** Starts a relay; a port in use and the like are explained with the address they are about. */
export async function openRelay(context: Context, options: RelayOptions): Promise<RunningRelay> {
  const { host, port, dataDir } = options;
  const shown = shownAddress(host, port);
  context.output.about({ relay: shown });
  try {
    const starting = context.surroundings.backend.startRelay(options);
    return await orAborted(starting, context.interrupted.signal);
  } catch (error) {
    throw explained(error, dataDir);
  }
}

/** A relay that was asked to stop did what it should: its exit code is that of the signal. */
export async function untilInterrupted(context: Context, running: RunningRelay): Promise<ExitCode> {
  const { signal } = context.interrupted;
  const stopped = Promise.withResolvers<void>();
  signal.addEventListener("abort", () => stopped.resolve());
  if (signal.aborted) stopped.resolve();
  await stopped.promise;
  await running.close();
  context.output.say("the relay has stopped");
  context.output.event({ type: "stopped" });
  return context.interrupted.exitCode ?? EXIT.interrupted;
}

function explained(error: unknown, dataDir: string): unknown {
  if (!(error instanceof PosternError)) return error;
  const data = safeText(dataDir);
  if (error.code === "store/in-use") {
    const what = `the relay's data in ${data} is in use`;
    const why = "another relay on this computer runs with it";
    const next = "stop the other one, or choose another folder with --data";
    return new CommandFailure(EXIT.environment, error.code, { what, why, next }, { cause: error });
  }
  if (error.code === "store/failed") {
    const what = `cannot keep the relay's data in ${data}`;
    const why = systemReason(error) ?? "what is there is damaged, or of a newer version";
    const next = "check the folder and its permissions, or choose another one with --data";
    return new CommandFailure(EXIT.environment, error.code, { what, why, next }, { cause: error });
  }
  return error;
}

/** Listening everywhere is no address that a client can use. */
function shownHint(host: string, port: number): string {
  return ["0.0.0.0", "::"].includes(host) ? `THIS-HOST:${port}` : shownAddress(host, port);
}
