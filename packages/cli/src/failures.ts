/** Failures that belong to the command itself and not to Postern. @module */
import { EXIT, type ExitCode } from "./exit-codes.ts";

/** What a person reads about a failure: one line each. */
export interface Explanation {
  readonly what: string;
  readonly why: string;
  readonly next: string;
}

/** Ends the command with an explanation of its own. Its texts are safe for a terminal. */
export class CommandFailure extends Error {
  override readonly name = "CommandFailure";
  readonly exitCode: ExitCode;
  /** Stable, for `--json`. */
  readonly code: string;
  readonly explanation: Explanation;

  constructor(exitCode: ExitCode, code: string, explanation: Explanation, options?: ErrorOptions) {
    super(explanation.what, options);
    this.exitCode = exitCode;
    this.code = code;
    this.explanation = explanation;
  }
}

/** The command line is wrong: exit 2. */
export function usageFailure(what: string, why: string, next: string): CommandFailure {
  return new CommandFailure(EXIT.usage, "usage/invalid-argument", { what, why, next });
}
