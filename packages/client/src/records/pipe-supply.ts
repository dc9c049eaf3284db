/**
 * Where the next pipe comes from when one breaks, as a port (docs/protocol.md 8.1).
 *
 * @module
 */
import type { PosternError } from "@postern/core/errors";
import { isBroken } from "./broken-pipe.ts";
import type { BytePipe } from "./byte-pipe.ts";

export interface PipeSupply {
  /**
   * The pipe in use is of no more use, for `error`: the next one, fresh, asked for unless it is
   * here already. One call at a time; it may never end, when the transfer does.
   *
   * @throws {@link PosternError} `transfer/pipe-lost`: this one does not open; another may.
   */
  replace(error: PosternError): Promise<BytePipe>;
  /** The next pipe that the other side opens. Nothing is asked for. @throws as {@link replace} */
  next(): Promise<BytePipe>;
  /** For the sender: the receiver has said elsewhere what `done` says. It may never do. */
  readonly delivered: Promise<Delivered>;
}

/**
 * The pipe that replaces one that broke by `cause`; `undefined`: one that does not open.
 *
 * @param failure what has ended the transfer, if anything
 * @param failed rejects with it
 * @throws what ended the transfer meanwhile
 */
export async function nextPipe(
  pipes: PipeSupply,
  cause: PosternError,
  failure: () => PosternError | undefined,
  failed: Promise<never>,
): Promise<BytePipe | undefined> {
  const replacing = pipes.replace(cause);
  try {
    return await Promise.race([replacing, failed]);
  } catch (error) {
    replacing.then((late) => late.destroy()).catch(() => undefined);
    if (failure() !== undefined || !isBroken(error)) throw error;
    return undefined;
  }
}

export interface Delivered {
  readonly total: number;
  readonly digest: Uint8Array;
}
