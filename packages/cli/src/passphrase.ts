/**
 * The passphrase of an identity: from `POSTERN_PASSPHRASE` or a person at a terminal, never from an
 * argument. What was typed is kept until the command ends, for a second opening.
 *
 * @module
 */
import { utf8, wipe } from "@postern/core/bytes";
import { PosternError } from "@postern/core/errors";
import { PASSPHRASE_BYTES_MAX } from "@postern/core/limits";
import type { Context } from "./context.ts";
import { EXIT } from "./exit-codes.ts";
import { CommandFailure, usageFailure } from "./failures.ts";
import { isSet } from "./surroundings.ts";
import { safeText } from "./terminal/safe-text.ts";

const TRIES = 3;

/** Gives the passphrase; only called for an identity that has one. Whoever calls it wipes it. */
export type ReadPassphrase = () => Promise<Uint8Array>;

/** Holds the passphrase that was typed last. */
export class PassphraseMemory {
  #kept: Uint8Array | undefined;

  get copy(): Uint8Array | undefined {
    return this.#kept?.slice();
  }

  keep(passphrase: Uint8Array): void {
    this.forget();
    this.#kept = passphrase.slice();
  }

  forget(): void {
    if (this.#kept !== undefined) wipe(this.#kept);
    this.#kept = undefined;
  }
}

/**
 * Opens an identity. A person who mistypes is asked again.
 *
 * @throws PosternError `store/locked` when there is nobody to ask; `store/wrong-passphrase`
 */
export async function unlocked<T>(
  context: Context,
  open: (passphrase: ReadPassphrase) => Promise<T>,
): Promise<T> {
  for (let tries = 1; ; tries++) {
    let isTyped = false;
    try {
      return await open(async () => {
        const known = fromEnvironment(context, "POSTERN_PASSPHRASE") ?? context.passphrase.copy;
        if (known !== undefined) return known;
        isTyped = true;
        return await typed(context);
      });
    } catch (error) {
      const isWrong = error instanceof PosternError && error.code === "store/wrong-passphrase";
      // Whatever else went wrong may be tried again: nobody is asked twice for that.
      if (isWrong) context.passphrase.forget();
      if (!isWrong || !isTyped || tries === TRIES) throw error;
      context.output.warn("this is not the passphrase; try again");
    }
  }
}

/** A passphrase to be: from `POSTERN_NEW_PASSPHRASE`, or typed twice. */
export async function newPassphrase(context: Context): Promise<Uint8Array> {
  const given = fromEnvironment(context, "POSTERN_NEW_PASSPHRASE");
  if (given !== undefined) return expectShort(given);
  if (!context.canAsk)
    throw usageFailure(
      "the new passphrase is missing",
      "there is no terminal to ask at",
      "put it into POSTERN_NEW_PASSPHRASE",
    );
  for (let tries = 1; tries <= TRIES; tries++) {
    const first = await ask(context, "New passphrase", complaint);
    const second = await ask(context, "The same again");
    if (first === second) return encoded(first);
    context.output.warn("these two are not the same; once more");
  }
  throw usageFailure("no new passphrase", "the two were different each time", "start again");
}

function expectShort(passphrase: Uint8Array): Uint8Array {
  if (passphrase.length <= PASSPHRASE_BYTES_MAX) return passphrase;
  wipe(passphrase);
  throw usageFailure(
    "the new passphrase is too long",
    `it may have ${PASSPHRASE_BYTES_MAX} bytes, and nothing was changed`,
    "put a shorter one into POSTERN_NEW_PASSPHRASE",
  );
}

function complaint(text: string): string | undefined {
  if (text === "") return "type something: some unusual words are good";
  return encoded(text).length > PASSPHRASE_BYTES_MAX ? "this is too long" : undefined;
}

async function typed(context: Context): Promise<Uint8Array> {
  if (!context.canAsk) throw locked();
  const whose = context.name === undefined ? "your keys" : safeText(context.name);
  const passphrase = encoded(await ask(context, `Passphrase of ${whose}`));
  context.passphrase.keep(passphrase);
  return passphrase;
}

async function ask(
  context: Context,
  message: string,
  check?: (text: string) => string | undefined,
): Promise<string> {
  const { surroundings, interrupted } = context;
  const prompter = await surroundings.prompter();
  const text = await prompter.password({
    message,
    signal: interrupted.signal,
    ...(check !== undefined && { check }),
  });
  if (text === undefined) throw unanswered();
  return text;
}

function fromEnvironment({ surroundings }: Context, name: string): Uint8Array | undefined {
  const text = surroundings.env[name];
  return isSet(text) ? encoded(text) : undefined;
}

/** Keyboards differ in how they compose letters; what is meant is the same. */
function encoded(text: string): Uint8Array {
  return utf8(text.normalize("NFC"));
}

/** A person was there, and went back. */
function unanswered(): CommandFailure {
  const why = "the question was left without an answer";
  const next = "start again when you have it";
  return new CommandFailure(EXIT.locked, "store/locked", {
    what: "no passphrase was typed",
    why,
    next,
  });
}

function locked(): PosternError {
  return new PosternError("store/locked", "no passphrase was given");
}
