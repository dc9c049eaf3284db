/** Keeps a signed receipt as a file: `photo.raw.bob.receipt.json`. Never overwrites. @module */
import { access, constants, rm, writeFile } from "node:fs/promises";
import { PosternError } from "@postern/core/errors";
import { STORED_NAME_TRIES_MAX } from "@postern/core/limits";
import type { ContentInfo } from "@postern/client";
import type { Context } from "./context.ts";
import { exitCodeOf } from "./exit-codes.ts";
import { CommandFailure } from "./failures.ts";
import { safeText } from "./terminal/safe-text.ts";

export interface SignedReceipt {
  /** `undefined`: the other side gave none. */
  readonly text: string | undefined;
  /** As the person wants it; absent: a name of its own in the working directory. */
  readonly file: string | undefined;
  readonly info: ContentInfo;
  /** Of the receiver. */
  readonly name: string;
}

/**
 * Before anything is sent: what is delivered cannot be taken back, and its receipt comes once.
 *
 * @param file what `--receipt` says
 * @throws CommandFailure when no receipt could be kept there
 */
export async function checkReceiptPlace(file: string | undefined): Promise<void> {
  const next = "name another file with --receipt";
  const why = "a receipt could not be kept there, so nothing was sent";
  try {
    if (file === undefined) return await access(".", constants.W_OK);
    await writeFile(file, "", { flag: "wx" });
    await rm(file);
  } catch (cause) {
    const code = isTaken(cause) ? "store/target-exists" : "store/failed";
    const what =
      file === undefined
        ? "this folder cannot be written to"
        : `${safeText(file)} ${isTaken(cause) ? "exists already" : "cannot be written"}`;
    throw new CommandFailure(exitCodeOf(code), code, { what, why, next }, { cause });
  }
}

/**
 * Where it cannot be kept after all, it is shown instead.
 *
 * @throws PosternError `transfer/receipt-invalid` without one
 * @throws CommandFailure when it is not in a file
 */
export async function saveReceipt(
  { output, surroundings }: Context,
  { text, file, info, name }: SignedReceipt,
): Promise<void> {
  if (text === undefined)
    throw new PosternError("transfer/receipt-invalid", "there is no signed receipt");
  const content = info.kind === "message" ? "message" : info.name;
  const stem = await surroundings.backend.storedName(`${content}.${name}.receipt`);
  try {
    const path = await writeNew(text, file, stem);
    output.say(`signed receipt in ${safeText(path)}: postern verify checks it`);
    output.event({ type: "receipt", path });
  } catch (cause) {
    output.result(text);
    output.event({ type: "receipt", text });
    const what = "everything was delivered, but its receipt could not be kept in a file";
    const why = isTaken(cause)
      ? `${safeText(file ?? stem)} exists already, and is never overwritten`
      : "the folder is missing, full or cannot be written to";
    const next = "copy it from the standard output, where it is shown; do not send again";
    throw new CommandFailure(
      exitCodeOf("store/failed"),
      "store/failed",
      { what, why, next },
      { cause },
    );
  }
}

async function writeNew(text: string, file: string | undefined, stem: string): Promise<string> {
  const tries = file === undefined ? STORED_NAME_TRIES_MAX : 1;
  for (let n = 1; ; n++) {
    const path = file ?? `${stem}${n === 1 ? "" : ` (${n - 1})`}.json`;
    try {
      await writeFile(path, text, { flag: "wx" });
      return path;
    } catch (error) {
      if (!isTaken(error) || n >= tries) throw error;
    }
  }
}

function isTaken(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "EEXIST";
}
