declare const monotonic: unique symbol;
declare const wall: unique symbol;

/** Milliseconds on the driver's monotonic clock. It never jumps; it says nothing about the date. */
export type InstantMs = number & { readonly [monotonic]: "InstantMs" };

/** Milliseconds since 1970-01-01 UTC by the driver's wall clock. Only for times a peer reads. */
export type WallMs = number & { readonly [wall]: "WallMs" };

export function after(start: InstantMs, delayMs: number): InstantMs {
  return (start + delayMs) as InstantMs;
}

/** The earlier of two deadlines; `undefined` stands for never. */
export function earlier(a: InstantMs | undefined, b: InstantMs | undefined): InstantMs | undefined {
  if (a === undefined) return b;
  if (b === undefined) return a;
  return a < b ? a : b;
}
