/**
 * Waits that end: a test that waits in vain fails and says for what, instead of standing still.
 *
 * @module
 */
import { once } from "node:events";
import type { Socket } from "node:net";

/** Far longer than anything here takes on a slow machine, every timeout of the relay included. */
const PATIENCE_MS = 60_000;

export async function within<T>(what: string, promise: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => late.reject(new Error(`waited ${PATIENCE_MS} ms in vain for ${what}`)),
    PATIENCE_MS,
  );
  try {
    return await Promise.race([promise, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** However it ends. `once(socket, "close")` would reject when a reset comes before. */
export async function closed(socket: Socket, what: string): Promise<void> {
  if (socket.closed) return;
  const gone = Promise.withResolvers<void>();
  socket.once("close", () => gone.resolve());
  await within(`${what} to close`, gone.promise);
}

/** The next such event, with its first argument; an error that comes before is thrown. */
export async function heard(socket: Socket, event: "close" | "data" | "end"): Promise<unknown> {
  const [first]: unknown[] = await within(`"${event}" of a socket`, once(socket, event));
  return first;
}
