/**
 * The link written out from docs/protocol.md 5 and the Noise Protocol Framework with
 * `plain-crypto.ts`, as hexadecimal: the handshake, its payloads, keys and frames, and `Rekey()`.
 * Only the numbers of X-Wing come from a library. `vectors/link.json` holds the same.
 *
 * @module
 */
import { ml_kem768_x25519 as xwing } from "@noble/post-quantum/hybrid.js";
import {
  expandTo,
  extract,
  label,
  party,
  seal,
  sha256,
  signed,
  uint,
  unhex,
} from "./plain-crypto.ts";

export interface LinkInputs {
  readonly identitySeed: string;
  readonly linkSeed: string;
  readonly relaySeed: string;
  readonly ephemeralSeed: string;
  readonly name: string;
  readonly relayTimeMs: number;
  /** Of m2 (to the ephemeral key), m3 (to the relay's key) and m4 (to the client's link key). */
  readonly encapsulations: readonly Encapsulation[];
}

export interface Encapsulation {
  /** 64 bytes that X-Wing draws, ML-KEM's first. */
  readonly chance: string;
  readonly ciphertext: string;
  readonly secret: string;
}

const EMPTY: Buffer = Buffer.alloc(0);
const HELLO_BOUNDS = [65_536, 25_000, 60_000] as const;

/** Ciphertext and secret of each from its chance. */
export function plainEncapsulations(inputs: LinkInputs): Encapsulation[] {
  const seeds = [inputs.ephemeralSeed, inputs.relaySeed, inputs.linkSeed];
  return inputs.encapsulations.map(({ chance }, i) => {
    const publicKey = xwing.keygen(unhex(seeds[i] ?? "")).publicKey;
    const { cipherText, sharedSecret } = xwing.encapsulate(publicKey, unhex(chance));
    const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
    return { chance, ciphertext: hex(cipherText), secret: hex(sharedSecret) };
  });
}

/** All but the frames. */
export function plainHandshake(inputs: LinkInputs) {
  const publicKey = (seed: string): Buffer => Buffer.from(xwing.keygen(unhex(seed)).publicKey);
  const relayKey = publicKey(inputs.relaySeed);
  const ephemeral = publicKey(inputs.ephemeralSeed);
  const identity = party(unhex(inputs.identitySeed));
  const [ekem, skem, lastKem] = inputs.encapsulations.map((one) => ({
    ct: unhex(one.ciphertext),
    secret: unhex(one.secret),
  }));
  if (ekem === undefined || skem === undefined || lastKem === undefined)
    throw new Error("three encapsulations");

  const noise = new PlainNoise(Buffer.concat([label("link"), uint(1, 2)]));
  noise.mixHash(ephemeral);
  noise.seal(EMPTY);
  noise.mixHash(ekem.ct);
  noise.mixKey(ekem.secret);
  const hello = Buffer.concat([
    uint(1, 1),
    uint(1, 2),
    ...HELLO_BOUNDS.map((bound) => uint(bound, 4)),
    uint(inputs.relayTimeMs, 8),
    Buffer.alloc(9),
  ]);
  const m2 = [ekem.ct, noise.seal(relayKey), noise.seal(hello)];

  const sealedSkem = noise.seal(skem.ct);
  noise.mixKeyAndHash(skem.secret);
  const sealedKey = noise.seal(publicKey(inputs.linkSeed));
  const handshakeHash = noise.hash;
  const message = Buffer.concat([label("link-auth"), handshakeHash]);
  const signature = signed(unhex(inputs.identitySeed), message);
  const name = Buffer.alloc(32);
  name.write(inputs.name);
  const nameLength = uint(inputs.name.length, 1);
  const login = Buffer.concat([
    identity.id,
    signature,
    nameLength,
    name,
    uint(1, 1),
    Buffer.alloc(3),
  ]);
  const m3 = [sealedSkem, sealedKey, noise.seal(login)];

  const sealedLast = noise.seal(lastKem.ct);
  noise.mixKeyAndHash(lastKem.secret);
  const result = Buffer.alloc(16);
  const m4 = [sealedLast, noise.seal(result)];
  const [client, relay] = noise.split();
  return {
    id: hexOf(identity.id),
    fingerprint: hexOf(identity.fingerprint),
    relayFingerprint: hexOf(sha256(label("relay"), relayKey)),
    payloads: { hello: hexOf(hello), login: hexOf(login), result: hexOf(result) },
    handshakeHash: hexOf(handshakeHash),
    signature: hexOf(signature),
    handshake: [[ephemeral], m2, m3, m4].map((parts) => hexOf(Buffer.concat(parts))),
    keys: { client: hexOf(client), relay: hexOf(relay) },
  };
}

/** The `counter`th sealed frame of a direction. */
export function plainLinkFrame(key: string, counter: number, plaintext: string): string {
  const text = unhex(plaintext);
  const length = uint(text.length + 16, 3);
  return hexOf(Buffer.concat([length, seal(unhex(key), nonceOf(counter), length, text)]));
}

export function plainRekey(key: string): string {
  const last = Buffer.concat([Buffer.alloc(4), Buffer.alloc(8, 0xff)]);
  return hexOf(seal(unhex(key), last, EMPTY, Buffer.alloc(32)).subarray(0, 32));
}

/** SymmetricState and its CipherState (revision 34, 5.1 and 5.2). */
class PlainNoise {
  hash: Buffer;
  #chainingKey: Buffer;
  #key: Buffer | undefined;
  #counter = 0;

  constructor(prologue: Buffer) {
    // 30 bytes: no hash of the name is taken.
    this.hash = Buffer.alloc(32);
    this.hash.write("Noise_pqXX_XWing_AESGCM_SHA256");
    this.#chainingKey = this.hash;
    this.mixHash(prologue);
  }

  mixHash(data: Buffer): void {
    this.hash = sha256(this.hash, data);
  }

  mixKey(secret: Buffer): void {
    const [chainingKey, key] = this.#hkdf(secret, 2);
    this.#set(chainingKey, key);
  }

  mixKeyAndHash(secret: Buffer): void {
    const [chainingKey, hash, key] = this.#hkdf(secret, 3);
    this.mixHash(hash ?? EMPTY);
    this.#set(chainingKey, key);
  }

  /** EncryptAndHash. */
  seal(plaintext: Buffer): Buffer {
    const sealed =
      this.#key === undefined
        ? plaintext
        : seal(this.#key, nonceOf(this.#counter++), this.hash, plaintext);
    this.mixHash(sealed);
    return sealed;
  }

  split(): [Buffer, Buffer] {
    const [client, relay] = this.#hkdf(EMPTY, 2);
    return [client ?? EMPTY, relay ?? EMPTY];
  }

  #hkdf(secret: Buffer, outputs: number): Buffer[] {
    const all = expandTo(extract(this.#chainingKey, secret), EMPTY, 32 * outputs);
    return Array.from({ length: outputs }, (_, i) => all.subarray(32 * i, 32 * (i + 1)));
  }

  #set(chainingKey: Buffer = EMPTY, key: Buffer = EMPTY): void {
    this.#chainingKey = chainingKey;
    this.#key = key;
    this.#counter = 0;
  }
}

function nonceOf(counter: number): Buffer {
  return uint(counter, 12);
}

function hexOf(bytes: Buffer): string {
  return bytes.toString("hex");
}
