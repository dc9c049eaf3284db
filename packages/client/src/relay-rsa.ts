/**
 * The RSA keys of one link, for the RSA profiles alone: this client's certified key for the relay,
 * the relay's for this client (docs/protocol.md 3, 7.1), the proof of both, and the keys of other
 * clients (7.2). Nothing is made or sent before the first use.
 *
 * @module
 */
import { equalBytes, wipe } from "@postern/core/bytes";
import type { RsaKeyPair, RsaPublicKey } from "@postern/core/crypto";
import { PosternError } from "@postern/core/errors";
import type { Party } from "@postern/core/exchange";
import {
  decodeRsaCertificate,
  encodeRsaCertificate,
  fingerprintOf,
  type Identity,
} from "@postern/core/identity";
import { RSA_KEY_VALID_MS } from "@postern/core/limits";
import type { AuthChallengeFrame, AuthConfirmFrame, LinkFrame } from "@postern/core/link";
import type { DirectoryAnswer, PeerInput } from "@postern/core/peer";
import type { WallMs } from "@postern/core/time";
import { AskedOnce } from "./asked-once.ts";
import { Directory } from "./directory.ts";
import type { ClientPorts } from "./ports.ts";
import { RelayProof } from "./relay-proof.ts";

/** What RSA keys need of the platform. */
export type RsaPorts = Pick<ClientPorts, "rsa" | "store" | "suite" | "wall" | "clock">;

/** The link these keys are for. */
export interface RelayLine {
  readonly send: (frame: LinkFrame) => void;
  readonly step: (input: PeerInput) => void;
  /** Of the relay's link key, 32 bytes. Asked for when the link is established. */
  readonly relayFingerprint: () => Uint8Array;
}

export class RelayRsa {
  readonly #ports: RsaPorts;
  readonly #identity: Identity;
  readonly #line: RelayLine;
  readonly #directory: Directory;
  #own: Promise<OwnRsaKey> | undefined;
  readonly #exchange: AskedOnce<ExchangedKeys>;
  #proof: RelayProof | undefined;
  readonly #proved: AskedOnce<{ readonly relayFingerprint: Uint8Array }>;
  #lost: PosternError | undefined;
  /** The relay's key, as it last told it. */
  #shown: Uint8Array | undefined;
  #answer = awaited();

  constructor(ports: RsaPorts, identity: Identity, line: RelayLine) {
    this.#ports = ports;
    this.#identity = identity;
    this.#line = line;
    this.#directory = new Directory((input) => line.step(input));
    this.#exchange = new AskedOnce(ports.clock, async () => this.#run(), silent);
    this.#proved = new AskedOnce(ports.clock, async () => this.#prove(), silent);
  }

  /** The relay's `rsa-key` frame. One in the place of another is told without a question. */
  receive(spki: Uint8Array): void {
    if (this.#shown !== undefined) {
      if (equalBytes(this.#shown, spki)) return;
      this.#answer = awaited();
      this.#exchange.forget();
    }
    this.#shown = spki.slice();
    this.#answer.resolve(this.#shown);
  }

  /** The relay's half of the proof. One that nobody asked for proves nothing. */
  receiveProof(frame: AuthChallengeFrame | AuthConfirmFrame): void {
    this.#proof?.receive(frame);
  }

  /** The relay's answer to {@link fetchCertificate}. */
  receiveAnswer(token: number, answer: DirectoryAnswer): void {
    this.#directory.answer(token, answer);
  }

  fail(error: PosternError): void {
    this.#lost = error;
    this.#answer.reject(error);
    this.#proof?.fail(error);
    this.#directory.fail(error);
  }

  /** Makes this client's key ahead of its first use: that takes a few hundred milliseconds. */
  prepare(): Promise<OwnRsaKey> {
    this.#own ??= this.#certify();
    return this.#own;
  }

  /**
   * Shows the relay this client's key and learns the relay's, once a link.
   *
   * @throws {@link PosternError} `link/timed-out`, see {@link AskedOnce}
   */
  async ready(): Promise<ExchangedKeys> {
    await this.prepare();
    return await this.#exchange.answer();
  }

  /**
   * Client and relay prove their RSA keys to each other, once a link.
   * `relayFingerprint` is SHA-256 of the relay's SPKI.
   *
   * @throws {@link PosternError} `link/authentication-failed`, `link/own-key`, `link/timed-out`,
   * `link/closed`: the relay closes the link when it is not convinced, or asked twice
   */
  async authenticate(): Promise<{ readonly relayFingerprint: Uint8Array }> {
    await this.prepare();
    return await this.#proved.answer();
  }

  /**
   * The RSA key that `of` has certified, whatever the relay says of it.
   *
   * @throws {@link PosternError} `peer/absent`, `peer/unknown`, `peer/profile-refused` without a
   * key, `relay/overloaded`, `relay/refused`, those of {@link authenticate}, and
   * `link/authentication-failed` when the relay hands out what `of` has not certified
   */
  async fetchCertificate(of: Party): Promise<RsaPublicKey> {
    await this.authenticate();
    this.#expectLink();
    const { rsa, suite, wall } = this.#ports;
    const certificate = await this.#directory.certificate(of.fingerprint);
    if (certificate.length === 0)
      throw new PosternError("peer/profile-refused", "the receiver has shown no RSA key");
    // What the sender of a transfer trusts is the fingerprint: the ID it came with must be its own.
    const isOwn = equalBytes(fingerprintOf(suite, of.id), of.fingerprint);
    const certified = isOwn && decodeRsaCertificate(suite, of.id, certificate, wall());
    const key = certified ? await rsa.importPublic(certified.spki) : undefined;
    if (key !== undefined) return key;
    throw new PosternError("link/authentication-failed", "the receiver did not certify that key");
  }

  async #prove(): Promise<{ readonly relayFingerprint: Uint8Array }> {
    const { own, certificate } = await this.prepare();
    this.#expectLink();
    const { suite, rsa } = this.#ports;
    const [{ id }, relayFingerprint] = [this.#identity, this.#line.relayFingerprint()];
    const context = { suite, relayFingerprint, id, ownSpki: own.spki, certificate };
    this.#proof?.fail(silent());
    this.#proof = new RelayProof({ rsa, context, own, send: this.#line.send });
    return { relayFingerprint: await this.#proof.proved };
  }

  #expectLink(): void {
    if (this.#lost !== undefined) throw this.#lost;
  }

  async #certify(): Promise<OwnRsaKey> {
    const { own, notAfter } = await ownRsaKey(this.#ports);
    const { suite } = this.#ports;
    return { own, certificate: encodeRsaCertificate(suite, this.#identity, own.spki, notAfter) };
  }

  async #run(): Promise<ExchangedKeys> {
    const { own, certificate } = await this.prepare();
    this.#line.send({ kind: "rsa-certificate", certificate });
    const relay = await this.#ports.rsa.importPublic(await this.#answer.promise);
    if (relay !== undefined) return { own, relay };
    this.#shown = undefined;
    this.#answer = awaited();
    throw new PosternError("link/malformed", "the relay's RSA key is not one");
  }
}

function awaited(): PromiseWithResolvers<Uint8Array> {
  const answer = Promise.withResolvers<Uint8Array>();
  // Nobody may be waiting when the link ends.
  answer.promise.catch(() => undefined);
  return answer;
}

/** Its key made, the relay has no person to ask. */
function silent(): PosternError {
  return new PosternError("link/timed-out", "the relay shows no RSA key");
}

interface ExchangedKeys {
  readonly own: RsaKeyPair;
  readonly relay: RsaPublicKey;
}

interface OwnRsaKey {
  readonly own: RsaKeyPair;
  /** {@link own}, certified by this client's identity. */
  readonly certificate: Uint8Array;
}

/** The stored key while it is valid for long enough, else a new one. */
async function ownRsaKey(
  ports: RsaPorts,
): Promise<{ readonly own: RsaKeyPair; readonly notAfter: WallMs }> {
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
