/**
 * Session keys of the asymmetric profile: a random secret under RSA-OAEP to the receiver, mixed
 * with a key that only both ends of the transfer have. docs/protocol.md 7.2.
 *
 * @module
 */
import { wipe } from "../../bytes/equal.ts";
import { ByteWriter, concat, label } from "../../bytes/writer.ts";
import type { Suite } from "../../crypto/suite.ts";
import { RSA_CIPHERTEXT_BYTES } from "../../limits.ts";
import type { SessionKeySink, SessionKeySource } from "../../session/session-keys.ts";
import type { TransferKeys } from "../transfer-keys.ts";

const SECRET_BYTES = 32;

/** A session secret and its encryption to the receiver, made ahead of its use. */
export interface EncryptedSecret {
  readonly secret: Uint8Array;
  readonly body: Uint8Array;
}

/** The sender's half. `take` gives a fresh secret each time; it is wiped here. */
export function encryptingSource(
  suite: Suite,
  keys: Pick<TransferKeys, "session">,
  take: () => EncryptedSecret,
): SessionKeySource {
  return {
    next(j) {
      const { secret, body } = take();
      const key = sessionKey(suite, keys.session, secret, j);
      wipe(secret);
      return { key, body };
    },
    wipe: () => wipe(keys.session),
  };
}

/** The receiver's half. `decrypt` gives `undefined` for what does not open. */
export function decryptingSink(
  suite: Suite,
  keys: Pick<TransferKeys, "session">,
  decrypt: (body: Uint8Array) => Promise<Uint8Array | undefined>,
): SessionKeySink {
  return {
    bodyBytes: RSA_CIPHERTEXT_BYTES,
    async open(j, body) {
      const secret = await decrypt(body);
      if (secret?.length !== SECRET_BYTES) {
        wipe(secret);
        return undefined;
      }
      const key = sessionKey(suite, keys.session, secret, j);
      wipe(secret);
      return key;
    },
    retire: () => undefined,
    wipe: () => wipe(keys.session),
  };
}

/** OAEP label of a session secret, bound to the transfer. */
export function sessionSecretLabel(transfer: Uint8Array): Uint8Array {
  return concat(label("asym-session"), transfer);
}

function sessionKey(suite: Suite, key: Uint8Array, secret: Uint8Array, j: number): Uint8Array {
  const prk = suite.extract(key, secret);
  const info = concat(label("asymmetric session key"), new ByteWriter().u32(j).bytes());
  const derived = suite.expand(prk, info, 32);
  wipe(prk);
  return derived;
}
