/** Waiting that ends: by a signal or by a clock. @module */

/** Settles like `promise`, unless `signal` is aborted first: then rejects with its reason. */
export async function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  promise.catch(() => {});
  signal.throwIfAborted();
  const aborted = Promise.withResolvers<never>();
  const listener = (): void => aborted.reject(signal.reason);
  signal.addEventListener("abort", listener, { once: true });
  try {
    return await Promise.race([promise, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", listener);
  }
}

/** Settles like `promise`, unless `ms` pass first: then rejects with `late()`. */
export async function within<T>(
  promise: Promise<T>,
  ms: number | undefined,
  late: () => Error,
): Promise<T> {
  if (ms === undefined) return await promise;
  const passed = Promise.withResolvers<never>();
  const timer = setTimeout(() => passed.reject(late()), ms);
  try {
    return await Promise.race([promise, passed.promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** A deadline that stands still while a person is asked something. */
export interface Deadline {
  /** Settles like `promise`, unless the time passes first: then rejects with `late()`. */
  within<T>(promise: Promise<T>): Promise<T>;
  /** The time `work` takes does not count. */
  standingStill<T>(work: () => Promise<T>): Promise<T>;
}

/** Starts now. @param now monotonic milliseconds */
export function deadline(ms: number | undefined, now: () => number, late: () => Error): Deadline {
  const passed = Promise.withResolvers<never>();
  passed.promise.catch(() => {});
  let leftMs = ms;
  let startedAt = 0;
  let timer: NodeJS.Timeout | undefined;
  let isOver = false;
  const run = (): void => {
    startedAt = now();
    if (leftMs !== undefined && !isOver) timer = setTimeout(() => passed.reject(late()), leftMs);
  };
  const stop = (): void => {
    clearTimeout(timer);
    if (leftMs !== undefined) leftMs = Math.max(1, leftMs - (now() - startedAt));
  };
  run();
  return {
    async within(promise) {
      try {
        return await Promise.race([promise, passed.promise]);
      } finally {
        isOver = true;
        clearTimeout(timer);
      }
    },
    async standingStill(work) {
      stop();
      try {
        return await work();
      } finally {
        run();
      }
    },
  };
}
