/**
 * The relay's log: JSON lines on standard error.
 *
 * Invariants: at level `info` and above no line holds a name, a fingerprint, an address of a client
 * or anything a client sent; links are told apart by short random ids. `debug` may show
 * fingerprints. A line that the system does not take is lost, and the relay goes on: neither a full
 * disk nor a reader that hangs may end what others use.
 *
 * @module
 */
import { writeSync } from "node:fs";
import { pino, type Logger } from "pino";

/** The part of pino's `Logger` that the relay uses. */
export type RelayLogger = Pick<Logger, "debug" | "info" | "warn" | "error">;

export type RelayLogLevel = "debug" | "info" | "warn" | "error" | "silent";

const STDERR = 2;

/** @param fd where the lines go */
export function relayLogger(level: RelayLogLevel = "info", fd = STDERR): RelayLogger {
  // No `pid` and `hostname`: a log that is passed on says nothing about the machine.
  return pino({ name: "postern-relay", level, base: null }, linesTo(fd));
}

function linesTo(fd: number): { write(line: string): void } {
  /** The last line has no end: the disk was full in its middle. */
  let isTorn = false;
  return {
    write(line) {
      const bytes = Buffer.from(isTorn ? `\n${line}` : line);
      let written = 0;
      try {
        while (written < bytes.length) written += writeSync(fd, bytes, written);
        isTorn = false;
      } catch {
        isTorn ||= written > 0;
      }
    },
  };
}
