import { ANSWER_TIMEOUT_MS, REQUESTS_PENDING_MAX } from "../limits.ts";
import { after, type InstantMs } from "../time.ts";

interface Pending<T> {
  readonly purpose: T;
  readonly deadline: InstantMs;
}

/**
 * Numbers the requests of one link and remembers what each is for, until its answer or for
 * `ANSWER_TIMEOUT_MS`: a relay that answers nothing must not use them up. Numbers are never 0.
 */
export class RequestTable<T> {
  /** Oldest first: every request gets the same time, so the first is due first. */
  readonly #pending = new Map<number, Pending<T>>();
  #last = 0;

  /** When {@link expire} is due. */
  get deadline(): InstantMs | undefined {
    for (const { deadline } of this.#pending.values()) return deadline;
    return undefined;
  }

  /** `undefined` when too many wait: the relay would refuse one more. */
  open(purpose: T, now: InstantMs): number | undefined {
    if (this.#pending.size >= REQUESTS_PENDING_MAX) return undefined;
    do this.#last = (this.#last % 0xffffffff) + 1;
    while (this.#pending.has(this.#last));
    this.#pending.set(this.#last, { purpose, deadline: after(now, ANSWER_TIMEOUT_MS) });
    return this.#last;
  }

  /** What the request was for, once. */
  close(request: number): T | undefined {
    const pending = this.#pending.get(request);
    this.#pending.delete(request);
    return pending?.purpose;
  }

  /** Forgets the requests whose time is up, and says what they were for. */
  expire(now: InstantMs): T[] {
    const expired: T[] = [];
    for (const [request, { purpose, deadline }] of this.#pending) {
      if (now < deadline) break;
      this.#pending.delete(request);
      expired.push(purpose);
    }
    return expired;
  }
}
