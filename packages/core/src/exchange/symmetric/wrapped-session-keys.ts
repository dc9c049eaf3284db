/**
 * Session keys of the symmetric profile: random, wrapped under the transfer's wrap key with the
 * session's number as nonce. docs/protocol.md 7.1.
 *
 * @module
 */
import { wipe } from "../../bytes/equal.ts";
import { ByteWriter } from "../../bytes/writer.ts";
import type { Suite } from "../../crypto/suite.ts";
import type { SessionKeySink, SessionKeySource } from "../../session/session-keys.ts";
import type { TransferKeys } from "../transfer-keys.ts";

export const WRAPPED_KEY_BYTES = 48;
const SESSION_KEY_BYTES = 32;

/** The sender's half. `j` must grow, as the records machine makes it: a number is a nonce. */
export function wrappingSource(
  suite: Suite,
  keys: Pick<TransferKeys, "session" | "transcript">,
): SessionKeySource {
  return {
    next(j) {
      const key = suite.random(SESSION_KEY_BYTES);
      return { key, body: suite.seal(keys.session, wrapNonce(j), keys.transcript, key) };
    },
    wipe: () => wipe(keys.session),
  };
}

/** The receiver's half. `open` gives `undefined` for a body that was altered. */
export function wrappingSink(
  suite: Suite,
  keys: Pick<TransferKeys, "session" | "transcript">,
): SessionKeySink {
  return {
    bodyBytes: WRAPPED_KEY_BYTES,
    open: async (j, body) => suite.open(keys.session, wrapNonce(j), keys.transcript, body),
    retire: () => undefined,
    wipe: () => wipe(keys.session),
  };
}

function wrapNonce(j: number): Uint8Array {
  return new ByteWriter().u64(0).u32(j).bytes();
}
