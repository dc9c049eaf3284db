/** What a person is told when the standard output takes no more. @module */
import { PosternError } from "@postern/core/errors";
import { EXIT } from "../exit-codes.ts";
import { CommandFailure, type Explanation } from "../failures.ts";
import { systemReason } from "./network-reason.ts";

/** A reader that has what it wanted (`| head`) is no failure to speak of. */
export function isReaderGone(error: Error): boolean {
  return "code" in error && error.code === "EPIPE";
}

export function outputExplanation(error: unknown): Explanation {
  const failed = new PosternError("store/failed", "standard output", {}, { cause: error });
  return {
    what: "could not write to the standard output",
    why: systemReason(failed) ?? "it takes no more",
    next: "make room, or let it go somewhere else, then try again",
  };
}

/** For a message that was not taken: whoever sent it is told. */
export function messageFailure(error: PosternError): CommandFailure {
  const { what, why } = outputExplanation(error);
  const next = "make room, or let it go somewhere else, then ask for it once more";
  return new CommandFailure(EXIT.failed, error.code, { what, why, next }, { cause: error });
}
