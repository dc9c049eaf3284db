/**
 * Every failure Postern can report, and who must act on it. A code is for ever: tests assert it,
 * logs print it, `--json` shows it. The sentence a person reads is made by each application.
 *
 * @module
 */

/** Who must act: the caller, the other client, the relay, nobody (try again), or this device. */
export type Fault = "caller" | "peer" | "relay" | "network" | "store";

const CATALOGUE = {
  "usage/invalid-argument": "caller",
  "usage/wrong-state": "caller",
  "link/malformed": "relay",
  "link/unexpected-frame": "relay",
  "link/authentication-failed": "relay",
  "link/wrong-relay-key": "relay",
  "link/own-key": "relay",
  "link/unsupported-version": "relay",
  "link/closed": "network",
  "link/superseded": "caller",
  "link/timed-out": "network",
  "relay/unreachable": "network",
  "relay/not-a-relay": "relay",
  "relay/name-taken": "caller",
  "relay/overloaded": "relay",
  "relay/restarting": "relay",
  "relay/refused": "relay",
  "relay/profile-refused": "relay",
  "relay/pin-changed": "relay",
  "relay/port-in-use": "caller",
  "relay/cannot-listen": "caller",
  "peer/malformed": "peer",
  "peer/unexpected-frame": "peer",
  "peer/unknown": "caller",
  "peer/absent": "peer",
  "peer/busy": "peer",
  "peer/declined": "peer",
  "peer/gone": "peer",
  "peer/timed-out": "peer",
  "peer/cancelled": "peer",
  "peer/profile-refused": "peer",
  "peer/too-large": "peer",
  "peer/no-space": "peer",
  "peer/store-failed": "peer",
  "peer/key-changed": "relay",
  "peer/blocked": "caller",
  "peer/no-package": "peer",
  "peer/pairing-lost": "peer",
  "peer/channel-stale": "peer",
  "contact/unknown": "caller",
  "contact/name-taken": "caller",
  "contact/downgrade": "caller",
  "contact/ambiguous": "caller",
  "pairing/invalid-code": "caller",
  "pairing/unknown-code": "caller",
  "pairing/wrong-code": "peer",
  "pairing/expired": "peer",
  "pairing/cancelled": "peer",
  "pairing/limited": "relay",
  "pairing/failed": "peer",
  "transfer/invalid": "peer",
  "transfer/expired": "peer",
  "transfer/wrong-receiver": "peer",
  "transfer/replayed": "peer",
  "transfer/damaged": "network",
  "transfer/session-expired": "peer",
  "transfer/truncated": "network",
  "transfer/digest-mismatch": "peer",
  "transfer/framing": "network",
  "transfer/pipe-lost": "network",
  "transfer/cancelled": "caller",
  "transfer/interrupted": "peer",
  "transfer/declined": "caller",
  "transfer/other-content": "caller",
  "transfer/unknown": "caller",
  "transfer/receipt-invalid": "caller",
  "transfer/source-changed": "store",
  "transfer/source-unreadable": "store",
  "store/failed": "store",
  "store/in-use": "store",
  "store/target-exists": "store",
  "store/unsafe-name": "peer",
  "store/no-space": "store",
  "store/locked": "caller",
  "store/wrong-passphrase": "caller",
  "platform/crypto-unusable": "caller",
} as const satisfies Record<string, Fault>;

export type ErrorCode = keyof typeof CATALOGUE;

/** With `confirmed: "no"` what a peer is said to have said or done may be the relay's invention. */
export type ErrorDetails = Readonly<Record<string, string | number>>;

/**
 * The one error class. Narrow on {@link code}, never on the message: `message` is for logs and
 * holds no key, no plaintext and no text chosen by a peer.
 */
export class PosternError<C extends ErrorCode = ErrorCode> extends Error {
  override readonly name = "PosternError";
  readonly code: C;
  readonly details: ErrorDetails;

  constructor(code: C, message: string, details: ErrorDetails = {}, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.details = details;
  }

  get fault(): Fault {
    return CATALOGUE[this.code];
  }
}

export function isErrorCode(value: string): value is ErrorCode {
  return Object.hasOwn(CATALOGUE, value);
}

/** Marks a branch that the type system has proved empty. */
export function unreachable(value: never): never {
  throw new TypeError(`unreachable: ${String(value)}`);
}
