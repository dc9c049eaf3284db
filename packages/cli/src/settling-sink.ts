/** A sink that tells when it has been let go, whole or not. @module */
import type { ContentSink } from "@postern/client";

export interface Settling {
  readonly sink: ContentSink;
  /** Never rejects. */
  readonly settled: Promise<void>;
}

export function settlingSink(sink: ContentSink): Settling {
  const settled = Promise.withResolvers<void>();
  const { held } = sink;
  const watched: ContentSink = {
    ...(held !== undefined && { held }),
    ...(sink.consent !== undefined && { consent: async () => await sink.consent?.() }),
    write: async (bytes, offset) => await sink.write(bytes, offset),
    writeNow: (bytes, offset) => sink.writeNow?.(bytes, offset) ?? false,
    async commit(total) {
      await sink.commit(total);
      settled.resolve();
    },
    async abandon() {
      try {
        await sink.abandon();
      } finally {
        settled.resolve();
      }
    },
  };
  return { sink: watched, settled: settled.promise };
}
