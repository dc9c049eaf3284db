/** What every command is given: its surroundings, its output, and the options all share. @module */
import type { Backend } from "./backend.ts";
import { EXIT, type ExitCode } from "./exit-codes.ts";
import { CommandFailure } from "./failures.ts";
import type { Watched } from "./interrupts.ts";
import { parseDuration, parseName, parseRelay, type RelayOption } from "./option-values.ts";
import { PassphraseMemory } from "./passphrase.ts";
import { canAsk, isSet, type Surroundings } from "./surroundings.ts";
import { createOutput, type Output } from "./terminal/output.ts";

export const RELAY_DEFAULT = "127.0.0.1:9999";

/** As commander hands them over; all texts unchecked. */
export interface SharedOptions {
  readonly relay?: string;
  readonly name?: string;
  readonly home?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly color?: boolean;
  readonly input?: boolean;
  readonly timeout?: string;
  readonly verbose?: boolean;
}

export interface Context {
  readonly surroundings: Surroundings;
  readonly output: Output;
  readonly interrupted: Watched;
  readonly relay: RelayOption;
  readonly name: string | undefined;
  /** Asked for only when it is needed: the answer costs start-up time. */
  readonly home: () => Promise<string>;
  readonly timeoutMs: number | undefined;
  readonly canAsk: boolean;
  readonly isVerbose: boolean;
  readonly passphrase: PassphraseMemory;
}

/** Runs one command: makes its context, explains what it throws, and gives the exit code. */
export async function runInContext(
  surroundings: Surroundings,
  options: SharedOptions,
  command: (context: Context) => Promise<ExitCode>,
): Promise<ExitCode> {
  const output = createOutput(surroundings, {
    json: options.json === true,
    quiet: options.quiet === true,
    noColor: options.color === false,
  });
  const interrupted = surroundings.interrupts.watch();
  const passphrase = new PassphraseMemory();
  const onInterrupt = (): void => output.say("stopping; press Ctrl-C again to end at once");
  interrupted.signal.addEventListener("abort", onInterrupt);
  try {
    return await command(createContext(surroundings, options, { output, interrupted, passphrase }));
  } catch (error) {
    if (interrupted.exitCode === undefined) return output.fail(error);
    output.event({ type: "stopped" });
    return interrupted.exitCode;
  } finally {
    passphrase.forget();
    interrupted.stop();
  }
}

function createContext(
  surroundings: Surroundings,
  options: SharedOptions,
  made: Pick<Context, "output" | "interrupted" | "passphrase">,
): Context {
  const { env, backend } = surroundings;
  const relay = parseRelay(options.relay ?? nonEmpty(env["POSTERN_RELAY"]) ?? RELAY_DEFAULT);
  const name = options.name ?? nonEmpty(env["POSTERN_NAME"]);
  if (name !== undefined) parseName("--name", name);
  made.output.about({ relay: relay.shown, name });
  return {
    ...made,
    surroundings,
    relay,
    name,
    home: async () => options.home ?? (await defaultHome(backend)),
    timeoutMs: options.timeout === undefined ? undefined : parseDuration(options.timeout),
    canAsk: canAsk(surroundings, options.input === false),
    isVerbose: options.verbose === true,
  };
}

async function defaultHome(backend: Backend): Promise<string> {
  try {
    return await backend.defaultHome();
  } catch (cause) {
    const explanation = {
      what: "there is no place to keep the identity",
      why: "this user has no home folder",
      next: "choose a folder with --home or POSTERN_HOME",
    };
    throw new CommandFailure(EXIT.environment, "store/failed", explanation, { cause });
  }
}

function nonEmpty(text: string | undefined): string | undefined {
  return isSet(text) ? text : undefined;
}
