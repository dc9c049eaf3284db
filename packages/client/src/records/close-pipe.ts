import { PIPE_LINGER_MS } from "@postern/core/limits";
import type { BytePipe } from "./byte-pipe.ts";
import type { Clock } from "./clock.ts";

/**
 * Says the last word: resolves when what was written has left. The other end may still be sending;
 * that is read and dropped, because closing over it would take back what was just written. It has
 * `PIPE_LINGER_MS` to close its side.
 */
export function closePipe(pipe: BytePipe, clock: Clock): Promise<void> {
  pipe.discard();
  return new Promise((resolve) => {
    const cancel = clock.after(PIPE_LINGER_MS, () => {
      pipe.destroy();
      resolve();
    });
    void pipe.closed.then(() => {
      cancel();
      resolve();
    });
    void pipe.end().then(resolve);
  });
}
