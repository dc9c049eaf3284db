/** What the options of `postern receive` say, checked against each other. @module */
import { stat } from "node:fs/promises";
import type { ProfileName } from "@postern/client";
import type { Context } from "./context.ts";
import { EXIT } from "./exit-codes.ts";
import { CommandFailure, usageFailure } from "./failures.ts";
import { parseCapacity, parseSize } from "./option-values.ts";
import { Places } from "./places.ts";
import { parseProfiles, PROFILE_DEFAULT } from "./profiles.ts";
import { readPolicy, type Policy } from "./receive-policy.ts";
import type { Destination } from "./receive-target.ts";
import { safeText } from "./terminal/safe-text.ts";

/** As commander hands them over; all texts unchecked. */
export interface ReceivingFlags {
  readonly output?: string;
  /** The same by another name. */
  readonly into?: string;
  readonly once?: boolean;
  readonly accept?: string;
  readonly ask?: boolean;
  readonly profile?: string;
  readonly wait?: boolean;
  readonly maxSize?: string;
  readonly perSender?: boolean;
  readonly onDone?: string;
  readonly capacity?: string;
}

export interface Receiving {
  readonly profiles: readonly ProfileName[];
  readonly policy: Policy;
  readonly destination: Destination;
  readonly capacity: number;
  /** By rules alone, for ever. */
  readonly isWaiting: boolean;
  readonly onDone: string | undefined;
  readonly questions: Places;
}

/** A server has more than one friend; each transfer takes a few MiB. */
const CAPACITY_WAITING = 4;

/** @throws CommandFailure when they do not fit together, or the folder is none. */
export async function readReceiveOptions(
  context: Context,
  flags: ReceivingFlags,
): Promise<Receiving> {
  const isWaiting = flags.wait === true;
  const profiles = parseProfiles(flags.profile ?? PROFILE_DEFAULT);
  const bytesMax = flags.maxSize === undefined ? undefined : parseSize("--max-size", flags.maxSize);
  const policy = readPolicy({
    accept: flags.ask === true ? "ask" : flags.accept,
    isWaiting,
    canAsk: context.canAsk,
    bytesMax,
  });
  const destination = readDestination(flags, bytesMax);
  const capacity = readCapacity(flags, destination.out);
  await checkOut(context, destination.out);
  const { onDone } = flags;
  return { profiles, policy, destination, capacity, isWaiting, onDone, questions: new Places(1) };
}

function readDestination(flags: ReceivingFlags, bytesMax: number | undefined): Destination {
  const { output, into, perSender = false } = flags;
  if (output !== undefined && into !== undefined && output !== into)
    throw usageFailure("--into and -o are the same", "they name two places", "leave out one");
  const out = into ?? output ?? ".";
  if (out === "-" && (perSender || flags.wait === true))
    throw usageFailure(
      `-o - and --${perSender ? "per-sender" : "wait"} exclude each other`,
      "the standard output is one place for one thing",
      "choose a folder with --into DIR",
    );
  return { out, isPerSender: perSender, bytesMax, stdout: {} };
}

function readCapacity(flags: ReceivingFlags, out: string): number {
  const { capacity, once, wait } = flags;
  if (capacity === undefined) return wait === true && once !== true ? CAPACITY_WAITING : 1;
  const parsed = parseCapacity(capacity);
  if (parsed === 1 || (once !== true && out !== "-")) return parsed;
  throw usageFailure(
    `--capacity ${parsed} and ${once === true ? "--once" : "-o -"} exclude each other`,
    "one of them is for one transfer",
    "leave out one of the two",
  );
}

async function checkOut(context: Context, out: string): Promise<void> {
  if (out === "-") {
    if (context.output.json)
      throw usageFailure(
        "-o - and --json exclude each other",
        "both want stdout",
        "drop one of them",
      );
    if (context.surroundings.stdout.isTTY !== true) return;
    throw usageFailure(
      "-o - needs a pipe or a file",
      "the bytes of a file do not belong on a terminal",
      'write "postern receive -o - > file" or choose a folder with -o DIR',
    );
  }
  const found = await stat(out).catch(() => undefined);
  if (found?.isDirectory() === true) return;
  const what = `no such folder: ${safeText(out)}`;
  const why = found === undefined ? "nothing is there" : "it is not a folder";
  const explanation = { what, why, next: "create it first, or choose another one with -o" };
  throw new CommandFailure(EXIT.notFound, "usage/no-such-folder", explanation);
}
