/**
 * Ordered bytes to and from one peer, as a port: a socket, envelopes of a link, or memory in tests.
 * What crosses is docs/protocol.md 8; a pipe does not look into it.
 *
 * Invariants: no call throws for what the other end did; a lost pipe shows as a rejected
 * {@link BytePipe.read} and {@link BytePipe.drained} and as {@link BytePipe.closed}.
 *
 * @module
 */
export interface BytePipe {
  /**
   * Fills `into` from its start; `into` is the pipe's until the promise ends. Resolves with
   * `into.length`, or with less when the other end has finished before. One read at a time.
   *
   * @throws {@link PosternError} `transfer/pipe-lost`.
   */
  read(into: Uint8Array): Promise<number>;
  /**
   * Queues the parts in their order, without copying: they belong to the pipe from now on. Returns
   * false when the caller should wait for {@link drained} before it writes more. Ignored when lost.
   * A pipe that knows when it needs the parts no longer calls `onLeft` then, once, perhaps at once.
   */
  write(parts: readonly Uint8Array[], onLeft?: () => void): boolean;
  /** Resolves when there is room again. @throws {@link PosternError} `transfer/pipe-lost`. */
  drained(): Promise<void>;
  /** Bytes that have come so far, read or not. */
  readonly arrived: number;
  /** Nothing more will be written; resolves when everything has left this device, or cannot. */
  end(): Promise<void>;
  /** Rejects the read that waits with `transfer/pipe-lost`; drops whatever still arrives. */
  discard(): void;
  /** Ends both directions at once. */
  destroy(): void;
  /** Resolves when both directions have ended, however that came. */
  readonly closed: Promise<void>;
}
