/**
 * Where the session keys of a transfer come from, by its profile (docs/protocol.md 7).
 *
 * @module
 */
import { wipe } from "@postern/core/bytes";
import type { RsaPublicKey } from "@postern/core/crypto";
import { PosternError } from "@postern/core/errors";
import {
  chainSink,
  chainSource,
  decryptingSink,
  encryptingSource,
  sessionSecretLabel,
  wrappingSink,
  wrappingSource,
  type EncryptedSecret,
  type Party,
  type TransferKeys,
} from "@postern/core/exchange";
import { DAMAGED_PER_SESSION_MAX } from "@postern/core/limits";
import type { SessionKeySink, SessionKeySource } from "@postern/core/session";
import type { ProfileName } from "./api.ts";
import type { ClientPorts } from "./ports.ts";
import type { RelayRsa } from "./relay-rsa.ts";

/** A transfer, as far as its session keys depend on it. */
export interface SessionKeyContext {
  readonly ports: ClientPorts;
  readonly rsa: RelayRsa;
  readonly profile: ProfileName;
  readonly peer: Party;
  readonly transfer: Uint8Array;
}

export async function sessionKeySource(
  { ports, rsa, profile, peer, transfer }: SessionKeyContext,
  keys: TransferKeys,
): Promise<SessionKeySource> {
  if (profile === "symmetric") return wrappingSource(ports.suite, keys);
  if (profile === "end-to-end") return chainSource(ports.suite, keys);
  const to = await rsa.fetchCertificate(peer);
  const secrets = await SecretPool.fill(ports, to, sessionSecretLabel(transfer));
  const source = encryptingSource(ports.suite, keys, () => secrets.take());
  return {
    next: (j) => source.next(j),
    wipe() {
      source.wipe();
      secrets.wipe();
    },
  };
}

export async function sessionKeySink(
  { ports, rsa, profile, transfer }: SessionKeyContext,
  keys: TransferKeys,
): Promise<SessionKeySink> {
  if (profile === "symmetric") return wrappingSink(ports.suite, keys);
  if (profile === "end-to-end") return chainSink(ports.suite, keys);
  const { own } = await rsa.prepare();
  const label = sessionSecretLabel(transfer);
  return decryptingSink(ports.suite, keys, (body) => ports.rsa.decrypt(own, label, body));
}

/**
 * Session secrets encrypted ahead of their use, for the records machine does not wait. A key a few
 * seconds takes one; damage takes at most one for each `resend`, and each waits for an answer.
 */
class SecretPool {
  readonly #ports: ClientPorts;
  readonly #to: RsaPublicKey;
  readonly #label: Uint8Array;
  readonly #ready: EncryptedSecret[] = [];
  #wiped = false;

  private constructor(ports: ClientPorts, to: RsaPublicKey, label: Uint8Array) {
    this.#ports = ports;
    this.#to = to;
    this.#label = label;
  }

  static async fill(ports: ClientPorts, to: RsaPublicKey, label: Uint8Array): Promise<SecretPool> {
    const pool = new SecretPool(ports, to, label);
    while (pool.#ready.length < DAMAGED_PER_SESSION_MAX) await pool.#add();
    return pool;
  }

  take(): EncryptedSecret {
    const next = this.#ready.shift();
    if (next === undefined)
      throw new PosternError("transfer/damaged", "session keys are asked for faster than made");
    // Encrypting to a key that encrypted before does not fail.
    void this.#add();
    return next;
  }

  wipe(): void {
    this.#wiped = true;
    for (const { secret } of this.#ready) wipe(secret);
  }

  async #add(): Promise<void> {
    const secret = this.#ports.suite.random(SECRET_BYTES);
    const body = await this.#ports.rsa.encrypt(this.#to, this.#label, secret);
    if (this.#wiped) wipe(secret);
    else this.#ready.push({ secret, body });
  }
}

const SECRET_BYTES = 32;
