/** What a frame of the receiver means to the sender (docs/protocol.md 8.2). @module */
import { PosternError, type ErrorCode } from "../errors.ts";

export type ReverseOutcome =
  /** The receiver has everything below `offset`. */
  | { readonly kind: "progress"; readonly offset: number }
  /** Content goes on from `offset`. */
  | { readonly kind: "resend"; readonly offset: number; readonly damaged: number }
  | { readonly kind: "paused" }
  | { readonly kind: "continued" }
  /** What was held may be sent. */
  | { readonly kind: "proceed" }
  | {
      readonly kind: "done";
      readonly total: number;
      readonly digest: Uint8Array;
      /** As the receiver sealed it; empty when a receipt said so for `done`. */
      readonly statement: Uint8Array;
    }
  /** What came is not the receiver's next frame: this pipe is of no more use. */
  | { readonly kind: "broken"; readonly error: PosternError }
  | { readonly kind: "failed"; readonly error: PosternError };

export function broken(code: ErrorCode, message: string): ReverseOutcome {
  return { kind: "broken", error: new PosternError(code, message) };
}

export function nonsense(what: string): PosternError {
  return new PosternError("peer/malformed", what);
}
