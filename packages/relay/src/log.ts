/**
 * The relay's log: JSON lines on standard error.
 *
 * Invariant: at level `info` and above no line holds a name, a fingerprint, an address of a client
 * or anything a client sent; links are told apart by short random ids. `debug` may show
 * fingerprints.
 *
 * @module
 */
import { destination, pino, type Logger } from "pino";

/** The part of pino's `Logger` that the relay uses. */
export type RelayLogger = Pick<Logger, "debug" | "info" | "warn" | "error">;

export type RelayLogLevel = "debug" | "info" | "warn" | "error" | "silent";

export function relayLogger(level: RelayLogLevel = "info"): RelayLogger {
  // No `pid` and `hostname`: a log that is passed on says nothing about the machine.
  return pino({ name: "postern-relay", level, base: null }, destination({ dest: 2, sync: true }));
}
