/**
 * A writable stream as a sink: standard output, a child's input, a socket. Verified bytes leave at
 * once, so a transfer that fails later has already shown its beginning; the reader on the other
 * side learns of it by the process's exit code or the broken stream.
 *
 * @module
 */
import process from "node:process";
import type { Writable } from "node:stream";
import { PosternError } from "@postern/core/errors";
import type { ContentSink } from "../api.ts";
import { storeError } from "./fs-error.ts";

/** The stream is this sink's until the end; `commit` ends it, but for the process's own output. */
export function streamSink(writable: Writable): ContentSink {
  // Reported by the write that meets it; without a listener it would end the process.
  writable.on("error", () => {});
  const own = writable !== process.stdout && writable !== process.stderr;
  let written = 0;
  let committed = false;

  return {
    async write(bytes, offset) {
      if (offset !== written)
        throw new PosternError("usage/wrong-state", "stream bytes out of order", { offset });
      await settle((done) => writable.write(bytes, done));
      written += bytes.length;
    },
    async commit(total) {
      if (total !== written)
        throw new PosternError("store/failed", "the stream got another length", { written, total });
      if (own) await settle((done) => writable.end(done));
      committed = true;
    },
    async abandon() {
      if (own && !committed) writable.destroy();
    },
  };
}

/** Waits until the stream took the bytes: that is the back-pressure. */
async function settle(start: (done: (error?: Error | null) => void) => void): Promise<void> {
  try {
    await new Promise<void>((resolve, reject) => {
      start((error) => (error ? reject(error) : resolve()));
    });
  } catch (error) {
    throw storeError("cannot write to the stream", error);
  }
}
