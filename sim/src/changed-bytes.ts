/**
 * What changed bytes may do to a link: end it, in a way that says so, and nothing else. No frame
 * may come out of a link behind them.
 *
 * @module
 */
import type { ErrorCode } from "@postern/core/errors";
import type { LinkEvent } from "@postern/core/link";
import type { Report } from "./checkers.ts";

/** A changed length makes a frame too long, or one that never comes whole. */
const ALLOWED = new Set<ErrorCode>([
  "link/authentication-failed",
  "link/malformed",
  "link/timed-out",
]);

export class ChangedBytes {
  readonly report: Report;
  readonly #links = new WeakSet<object>();

  constructor(report: Report) {
    this.report = report;
  }

  /** The link has been given changed bytes. */
  arrived(link: object): void {
    this.#links.add(link);
  }

  has(link: object): boolean {
    return this.#links.has(link);
  }
}

/** Called with every event of `link`. */
export function checkLinkEvent(changed: ChangedBytes, link: object, event: LinkEvent): void {
  if (event.kind === "failed") {
    if (changed.has(link) && !ALLOWED.has(event.error.code))
      changed.report(`links: changed bytes made ${event.error.code}`);
    return;
  }
  if (changed.has(link)) changed.report(`links: ${event.kind} came behind changed bytes`);
}
