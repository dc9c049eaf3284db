import type { Clock } from "./records/clock.ts";

/** What `promise` comes to; rejects with `late()` after `limitMs`. */
export async function within<T>(
  promise: Promise<T>,
  limitMs: number,
  clock: Clock,
  late: () => Error,
): Promise<T> {
  const { promise: expired, reject } = Promise.withResolvers<never>();
  const cancel = clock.after(limitMs, () => reject(late()));
  try {
    return await Promise.race([promise, expired]);
  } finally {
    cancel();
  }
}
