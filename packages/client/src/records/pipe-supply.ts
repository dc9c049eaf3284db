/**
 * Where the next pipe comes from when one breaks, as a port (docs/protocol.md 8.1).
 *
 * @module
 */
import type { PosternError } from "@postern/core/errors";
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

export interface Delivered {
  readonly total: number;
  readonly digest: Uint8Array;
}
