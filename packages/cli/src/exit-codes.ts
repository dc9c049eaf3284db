/**
 * The exit codes of `postern`, listed by `postern help exit-codes`. Scripts rely on them.
 *
 * @module
 */
import { unreachable, type ErrorCode } from "@postern/core/errors";

export const EXIT = {
  done: 0,
  failed: 1,
  usage: 2,
  notFound: 3,
  locked: 4,
  peerAbsent: 5,
  integrity: 6,
  relay: 7,
  declined: 8,
  keyChanged: 9,
  environment: 78,
  interrupted: 130,
  terminated: 143,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Exhaustive: a new error code does not compile until someone has chosen. */
export function exitCodeOf(code: ErrorCode): ExitCode {
  switch (code) {
    case "usage/invalid-argument":
    case "contact/name-taken":
    case "contact/downgrade":
    case "pairing/invalid-code":
      return EXIT.usage;
    case "peer/unknown":
    case "contact/unknown":
    case "pairing/unknown-code":
      return EXIT.notFound;
    case "store/locked":
    case "store/wrong-passphrase":
      return EXIT.locked;
    case "peer/key-changed":
      return EXIT.keyChanged;
    case "peer/absent":
    case "peer/busy":
    case "peer/gone":
    case "peer/timed-out":
    case "peer/no-package":
    case "pairing/expired":
    case "transfer/expired":
    case "transfer/interrupted":
      return EXIT.peerAbsent;
    case "link/authentication-failed":
    case "link/wrong-relay-key":
    case "link/own-key":
    case "relay/pin-changed":
    case "peer/malformed":
    case "peer/unexpected-frame":
    case "peer/pairing-lost":
    case "peer/channel-stale":
    case "pairing/wrong-code":
    case "pairing/failed":
    case "transfer/invalid":
    case "transfer/wrong-receiver":
    case "transfer/replayed":
    case "transfer/damaged":
    case "transfer/session-expired":
    case "transfer/digest-mismatch":
      return EXIT.integrity;
    case "link/malformed":
    case "link/unexpected-frame":
    case "link/unsupported-version":
    case "link/closed":
    case "link/superseded":
    case "link/timed-out":
    case "relay/unreachable":
    case "relay/not-a-relay":
    case "relay/name-taken":
    case "relay/overloaded":
    case "relay/restarting":
    case "relay/refused":
    case "relay/profile-refused":
    case "pairing/limited":
      return EXIT.relay;
    case "pairing/cancelled":
    case "peer/declined":
    case "peer/cancelled":
    case "peer/profile-refused":
    case "peer/too-large":
    case "peer/no-space":
    case "peer/store-failed":
      return EXIT.declined;
    case "relay/port-in-use":
    case "relay/cannot-listen":
    case "store/in-use":
    case "platform/crypto-unusable":
      return EXIT.environment;
    case "usage/wrong-state":
    case "peer/blocked":
    case "transfer/truncated":
    case "transfer/framing":
    case "transfer/pipe-lost":
    case "transfer/cancelled":
    case "transfer/source-changed":
    case "transfer/source-unreadable":
    case "store/failed":
    case "store/target-exists":
    case "store/unsafe-name":
    case "store/no-space":
      return EXIT.failed;
    default:
      return unreachable(code);
  }
}
