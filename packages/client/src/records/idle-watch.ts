/**
 * Ends the stay of a sender that keeps its receiver's place and brings nothing (docs/protocol.md
 * 8.1): session keys keep a pipe alive for ever.
 *
 * Invariant: only looks count between which nothing came though this side waited for nothing of its
 * own. A computer that slept has not looked.
 *
 * @module
 */
import { PosternError } from "@postern/core/errors";
import { IDLE_TRANSFER_MS, PING_INTERVAL_MS } from "@postern/core/limits";

export class IdleWatch {
  #verified: number | undefined;
  #looks = 0;

  /**
   * Every `PING_INTERVAL_MS`: why it is over, if it is.
   *
   * @param isExcused a person, a disk, or a source that nobody knows the end of takes its time.
   */
  look(verified: number, isExcused: boolean): PosternError | undefined {
    const isIdle = !isExcused && verified === this.#verified;
    this.#verified = verified;
    this.#looks = isIdle ? this.#looks + 1 : 0;
    if (this.#looks * PING_INTERVAL_MS < IDLE_TRANSFER_MS) return undefined;
    return new PosternError("peer/timed-out", "the sender keeps its place and brings nothing");
  }
}
