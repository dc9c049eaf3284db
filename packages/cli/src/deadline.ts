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
