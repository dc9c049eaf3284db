import { REQUESTS_PENDING_MAX } from "../limits.ts";

/** Numbers the requests of one link and remembers what each is for. Numbers are never 0. */
export class RequestTable<T> {
  readonly #pending = new Map<number, T>();
  #last = 0;

  /** `undefined` when too many wait: the relay would refuse one more. */
  open(purpose: T): number | undefined {
    if (this.#pending.size >= REQUESTS_PENDING_MAX) return undefined;
    do this.#last = (this.#last % 0xffffffff) + 1;
    while (this.#pending.has(this.#last));
    this.#pending.set(this.#last, purpose);
    return this.#last;
  }

  /** What the request was for, once. */
  close(request: number): T | undefined {
    const purpose = this.#pending.get(request);
    this.#pending.delete(request);
    return purpose;
  }
}
