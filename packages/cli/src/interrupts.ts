/**
 * Ctrl-C and its kin: the first asks what is running to stop in order, the second ends the program
 * now. A terminal signals every process of a command, and `npx` and the launcher pass it on as
 * well: what comes within {@link SAME_MS} is one and the same.
 *
 * @module
 */
import { EXIT, type ExitCode } from "./exit-codes.ts";

export interface Interrupts {
  /** Aborted by the first signal from now on. */
  watch(): Watched;
}

export interface Watched {
  readonly signal: AbortSignal;
  /** What to exit with; `undefined` while nobody has interrupted. */
  readonly exitCode: ExitCode | undefined;
  /** Later signals are no longer ours. */
  stop(): void;
}

type Name = "SIGINT" | "SIGTERM" | "SIGHUP";

/** The part of `process` that is needed. */
export interface SignalSource {
  on(signal: Name, listener: () => void): unknown;
  off(signal: Name, listener: () => void): unknown;
  exit(code: number): void;
}

const SAME_MS = 150;

const EXIT_CODES = [
  ["SIGINT", EXIT.interrupted],
  ["SIGTERM", EXIT.terminated],
  ["SIGHUP", EXIT.terminated],
] as const;

/** @param now monotonic milliseconds */
export function interruptsOf(source: SignalSource, now: () => number): Interrupts {
  return {
    watch() {
      const controller = new AbortController();
      let exitCode: ExitCode | undefined;
      let firstAt = 0;
      const listeners = EXIT_CODES.map(([name, code]) => {
        const listener = (): void => {
          if (exitCode !== undefined) {
            if (now() - firstAt >= SAME_MS) source.exit(code);
            return;
          }
          exitCode = code;
          firstAt = now();
          controller.abort(new Error(name));
        };
        source.on(name, listener);
        return [name, listener] as const;
      });
      return {
        signal: controller.signal,
        get exitCode() {
          return exitCode;
        },
        stop() {
          for (const [name, listener] of listeners) source.off(name, listener);
        },
      };
    },
  };
}
