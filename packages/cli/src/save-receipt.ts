/** Keeps a signed receipt as a file: `photo.raw.bob.receipt.json`. Never overwrites. @module */
import { writeFile } from "node:fs/promises";
import { PosternError } from "@postern/core/errors";
import { STORED_NAME_TRIES_MAX } from "@postern/core/limits";
import type { ContentInfo } from "@postern/client";
import type { Context } from "./context.ts";
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

/** @throws PosternError `transfer/receipt-invalid` without one; `store/failed` */
export async function saveReceipt(
  { output, surroundings }: Context,
  { text, file, info, name }: SignedReceipt,
): Promise<void> {
  if (text === undefined)
    throw new PosternError("transfer/receipt-invalid", "there is no signed receipt");
  const content = info.kind === "message" ? "message" : info.name;
  const stem = await surroundings.backend.storedName(`${content}.${name}.receipt`);
  const path = await writeNew(text, file, stem);
  output.say(`signed receipt in ${safeText(path)}: postern verify checks it`);
  output.event({ type: "receipt", path });
}

async function writeNew(text: string, file: string | undefined, stem: string): Promise<string> {
  const tries = file === undefined ? STORED_NAME_TRIES_MAX : 1;
  for (let n = 0; n < tries; n++) {
    const path = file ?? `${stem}${n === 0 ? "" : ` (${n})`}.json`;
    try {
      await writeFile(path, text, { flag: "wx" });
      return path;
    } catch (error) {
      const isTaken = error instanceof Error && "code" in error && error.code === "EEXIST";
      if (!isTaken) throw new PosternError("store/failed", "no receipt", {}, { cause: error });
    }
  }
  throw new PosternError("store/target-exists", "a file of that name exists");
}
