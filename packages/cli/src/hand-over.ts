/** The standard output as a place for what must not be lost. @module */
import type { Writable } from "node:stream";
import type { PosternError } from "@postern/core/errors";

/**
 * Ends when the system has taken the text; else says why it did not (`store/no-space`,
 * `store/failed`): a disk may be full, a reader gone.
 */
export async function handOver(stdout: Writable, text: string): Promise<PosternError | undefined> {
  const error = await new Promise<unknown>((resolve) => {
    stdout.write(text, (failed) => resolve(failed ?? undefined));
  });
  if (error === undefined) return undefined;
  const { storeError } = await import("@postern/client/node");
  return storeError("cannot write to the standard output", error);
}
