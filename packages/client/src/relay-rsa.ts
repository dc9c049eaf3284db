/**
 * The RSA keys of one link, for the RSA profiles alone: this client's certified key for the relay,
 * the relay's for this client (docs/protocol.md 3, 7.1). Nothing is made or sent before the first
 * use.
 *
 * @module
 */
import { wipe } from "@postern/core/bytes";
import type { RsaKeyPair, RsaPublicKey } from "@postern/core/crypto";
import { PosternError } from "@postern/core/errors";
import { encodeRsaCertificate, type Identity } from "@postern/core/identity";
import { RSA_KEY_VALID_MS } from "@postern/core/limits";
import type { LinkFrame } from "@postern/core/link";
import type { WallMs } from "@postern/core/time";
import type { ClientPorts } from "./ports.ts";

export class RelayRsa {
  readonly #ports: ClientPorts;
  readonly #identity: Identity;
  readonly #send: (frame: LinkFrame) => void;
  #own: Promise<OwnRsaKey> | undefined;
  #exchange: Promise<{ readonly own: RsaKeyPair; readonly relay: RsaPublicKey }> | undefined;
  readonly #answer = Promise.withResolvers<Uint8Array>();

  constructor(ports: ClientPorts, identity: Identity, send: (frame: LinkFrame) => void) {
    this.#ports = ports;
    this.#identity = identity;
    this.#send = send;
    // Nobody may be waiting when the link ends.
    this.#answer.promise.catch(() => undefined);
  }

  /** The relay's `rsa-key` frame. */
  receive(spki: Uint8Array): void {
    this.#answer.resolve(spki);
  }

  fail(error: PosternError): void {
    this.#answer.reject(error);
  }

  /** Makes this client's key ahead of its first use: that takes a few hundred milliseconds. */
  prepare(): Promise<OwnRsaKey> {
    this.#own ??= ownRsaKey(this.#ports);
    return this.#own;
  }

  /** Shows the relay this client's key and learns the relay's, once a link. */
  ready(): Promise<{ readonly own: RsaKeyPair; readonly relay: RsaPublicKey }> {
    this.#exchange ??= this.#run();
    return this.#exchange;
  }

  async #run(): Promise<{ readonly own: RsaKeyPair; readonly relay: RsaPublicKey }> {
    const { own, notAfter } = await this.prepare();
    const certificate = encodeRsaCertificate(this.#ports.suite, this.#identity, own.spki, notAfter);
    this.#send({ kind: "rsa-certificate", certificate });
    const relay = await this.#ports.rsa.importPublic(await this.#answer.promise);
    if (relay === undefined)
      throw new PosternError("link/malformed", "the relay's RSA key is not one");
    return { own, relay };
  }
}

interface OwnRsaKey {
  readonly own: RsaKeyPair;
  readonly notAfter: WallMs;
}

/** The stored key while it is valid for long enough, else a new one. */
async function ownRsaKey(ports: ClientPorts): Promise<OwnRsaKey> {
  const { store, rsa } = ports;
  const stored = await store.rsaKey();
  if (stored !== undefined) {
    try {
      if (stored.notAfter > ports.wall() + RENEW_BEFORE_MS)
        return { own: await rsa.importSecret(stored.pkcs8), notAfter: stored.notAfter };
    } finally {
      wipe(stored.pkcs8);
    }
  }
  const own = await rsa.generate();
  const notAfter = (ports.wall() + RSA_KEY_VALID_MS) as WallMs;
  const pkcs8 = own.exportSecret();
  await store.saveRsaKey({ pkcs8, notAfter });
  wipe(pkcs8);
  return { own, notAfter };
}

const RENEW_BEFORE_MS = 86_400_000;
