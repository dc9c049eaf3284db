import { malformed } from "../bytes/reader.ts";
import { PosternError, type ErrorCode } from "../errors.ts";

/** A receiver's answer to an offer; its index here is its number. docs/protocol.md 9. */
const VERDICTS = [
  "accept",
  "decline",
  "busy",
  "expired",
  "wrong-receiver",
  "invalid",
  "replayed",
  "key-unknown",
  "profile-refused",
  "too-large",
  "no-space",
  "timed-out",
  "interrupted",
] as const;

export type Verdict = (typeof VERDICTS)[number];

/**
 * What may be said without a key: before both ends share one; `decline` to somebody who is blocked;
 * and what the same offer may be told again, where nothing makes its answer's key a new one.
 */
export const CLEAR_VERDICTS = [
  "decline",
  "busy",
  "expired",
  "wrong-receiver",
  "invalid",
  "replayed",
  "key-unknown",
  "profile-refused",
] as const satisfies readonly Verdict[];

export type ClearVerdict = (typeof CLEAR_VERDICTS)[number];

export function encodeVerdict(verdict: Verdict): number {
  return VERDICTS.indexOf(verdict);
}

/** @throws {@link PosternError} `peer/malformed` */
export function decodeVerdict(value: number): Verdict {
  const verdict = VERDICTS[value];
  if (verdict === undefined) throw malformed("verdict", "no such verdict");
  return verdict;
}

const ERRORS: Readonly<Record<Exclude<Verdict, "accept">, ErrorCode>> = {
  decline: "peer/declined",
  busy: "peer/busy",
  expired: "transfer/expired",
  "wrong-receiver": "transfer/wrong-receiver",
  invalid: "transfer/invalid",
  replayed: "transfer/replayed",
  // Of the profiles that get here with it, only end-to-end: the secret of a pairing is gone.
  "key-unknown": "peer/pairing-lost",
  "profile-refused": "peer/profile-refused",
  "too-large": "peer/too-large",
  "no-space": "peer/no-space",
  "timed-out": "peer/timed-out",
  interrupted: "transfer/interrupted",
};

/** How a verdict reaches the sender: each one has its own code. */
export function verdictError(verdict: Exclude<Verdict, "accept">): PosternError {
  return new PosternError(ERRORS[verdict], `the receiver answered ${verdict}`, { verdict });
}

/** What nobody sealed: the receiver may have said it, or whoever passes envelopes on. */
export const UNCONFIRMED = { confirmed: "no" } as const;

/** The same of a verdict said in the clear. */
export function clearVerdictError(verdict: ClearVerdict): PosternError {
  const { code, details } = verdictError(verdict);
  const text = `the receiver, or the relay for it, answered ${verdict}`;
  return new PosternError(code, text, { ...details, ...UNCONFIRMED });
}
