/**
 * What the relay could have said as well as the other client: refusals and withdrawals that no key
 * confirms (docs/protocol.md 9). Neither a person nor a program is told that somebody said no when
 * nobody may have.
 *
 * @module
 */
import type { PosternError } from "@postern/core/errors";
import type { About } from "./describe.ts";
import { peer } from "./describe-peer.ts";

export function isUnconfirmed({ details }: PosternError): boolean {
  return details["confirmed"] === "no";
}

/** For the events of `--json`: nothing where a key confirms it, or nobody else is behind it. */
export function confirmedField(error: PosternError): { readonly confirmed?: false } {
  return isUnconfirmed(error) ? { confirmed: false } : {};
}

/** `bob declined photo.raw (not confirmed)` */
export function unconfirmedWhat(what: string): string {
  return `${what} (not confirmed)`;
}

export function unconfirmedWhy(why: string, about: About): string {
  const name = peer(about);
  const who = `so says the relay ${about.relay}, or ${name}, and no key of ${name} confirms it`;
  return `${who}; if true: ${why}`;
}
