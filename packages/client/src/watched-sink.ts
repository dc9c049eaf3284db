/**
 * A sink of which is known at once what it could not do. Its sender hears so, too, and what that
 * one answers may be here before the sink has been let go.
 *
 * @module
 */
import type { ContentSink } from "./api.ts";

/** @param failed is told each error before anybody else is. */
export function watchedSink(sink: ContentSink, failed: (error: unknown) => void): ContentSink {
  const watch = async (work: () => Promise<void>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      failed(error);
      throw error;
    }
  };
  return {
    write: async (bytes, offset) => await watch(async () => sink.write(bytes, offset)),
    writeNow(bytes, offset) {
      try {
        return sink.writeNow?.(bytes, offset) ?? false;
      } catch (error) {
        failed(error);
        throw error;
      }
    },
    commit: async (total) => await watch(async () => sink.commit(total)),
    ...(sink.consent && { consent: async () => await watch(async () => sink.consent?.()) }),
    abandon: async () => await sink.abandon(),
  };
}
