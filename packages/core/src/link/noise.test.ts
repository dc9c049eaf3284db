/** The machinery of `noise.ts` under the cacophony vectors: the plain DH patterns of Noise. */
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { x25519 } from "@noble/curves/ed25519.js";
import { concat, hex } from "../bytes.ts";
import { nobleSuite } from "../crypto/noble-suite.ts";
import { CipherState, SymmetricState } from "./noise.ts";

/** Messages in turn, the initiator's first; before `<` the keys known to the other side. */
const PATTERNS: Record<string, string> = {
  N: "r: e es",
  K: "i r: e es ss",
  X: "r: e es s ss",
  NN: ": e, e ee",
  NK: "r: e es, e ee",
  NX: ": e, e ee s es",
  XN: ": e, e ee, s se",
  XK: "r: e es, e ee, s se",
  XX: ": e, e ee s es, s se",
  KN: "i: e, e ee se",
  KK: "i r: e es ss, e ee se",
  KX: "i: e, e ee se s es",
  IN: ": e s, e ee se",
  IK: "r: e es s ss, e ee se",
  IX: ": e s, e ee se s es",
  NK1: "r: e, e ee es",
  NX1: ": e, e ee s, es",
  X1N: ": e, e ee, s, se",
  X1K: "r: e es, e ee, s, se",
  XK1: "r: e, e ee es, s se",
  X1K1: "r: e, e ee es, s, se",
  X1X: ": e, e ee s es, s, se",
  XX1: ": e, e ee s, es s se",
  X1X1: ": e, e ee s, es s, se",
  K1N: "i: e, e ee, se",
  K1K: "i r: e es, e ee, se",
  KK1: "i r: e, e ee se es",
  K1K1: "i r: e, e ee es, se",
  K1X: "i: e, e ee s es, se",
  KX1: "i: e, e ee se s, es",
  K1X1: "i: e, e ee s, se es",
  I1N: ": e s, e ee, se",
  I1K: "r: e es s, e ee, se",
  IK1: "r: e s, e ee se es",
  I1K1: "r: e s, e ee es, se",
  I1X: ": e s, e ee s es, se",
  IX1: ": e s, e ee se s, es",
  I1X1: ": e s, e ee s, se es",
};

interface Vector {
  readonly protocol_name: string;
  readonly init_prologue: string;
  readonly init_psks?: readonly string[];
  readonly init_ephemeral: string;
  readonly init_static?: string;
  readonly resp_psks?: readonly string[];
  readonly resp_ephemeral?: string;
  readonly resp_static?: string;
  readonly handshake_hash: string;
  readonly messages: readonly { readonly payload: string; readonly ciphertext: string }[];
}

const VECTORS = join(
  import.meta.dirname,
  "../../../../../shared/vectors/noise-25519-aesgcm-sha256.json",
);

test(
  "SymmetricState and CipherState reproduce the cacophony vectors",
  {
    skip: existsSync(VECTORS) ? false : "third-party vectors are not here",
  },
  () => {
    const { vectors } = JSON.parse(readFileSync(VECTORS, "utf8")) as { vectors: readonly Vector[] };
    assert(vectors.length >= 59);
    for (const vector of vectors) replay(vector);
  },
);

test("CipherState.open() leaves the counter where it was when a tag does not hold", () => {
  const [a, b] = [new CipherState(nobleSuite, key(1)), new CipherState(nobleSuite, key(1))];
  const sealed = a.seal(key(2), key(3));
  assert.equal(b.open(key(4), sealed), undefined);
  assert.equal(b.counter, 0);
  assert.deepEqual(b.open(key(2), sealed), key(3));
  assert.equal(b.counter, 1);
});

test("CipherState does not share its key with the buffer it was given", () => {
  const given = Buffer.from(key(1));
  const cipher = new CipherState(nobleSuite, given.subarray(0, 32));
  given.fill(0);
  const same = new CipherState(nobleSuite, key(1));
  assert.deepEqual(cipher.seal(key(2), key(3)), same.seal(key(2), key(3)));
});

class Party {
  readonly noise: SymmetricState;
  readonly own: { readonly e: Uint8Array; readonly s: Uint8Array };
  readonly peer: { e: Uint8Array; s: Uint8Array };
  readonly psks: Uint8Array[];
  readonly initiator: boolean;
  readonly withPsk: boolean;

  constructor(vector: Vector, initiator: boolean) {
    const none = "";
    const e = initiator ? vector.init_ephemeral : vector.resp_ephemeral;
    const s = initiator ? vector.init_static : vector.resp_static;
    const peerStatic = initiator ? vector.resp_static : vector.init_static;
    this.initiator = initiator;
    this.noise = new SymmetricState(nobleSuite, vector.protocol_name);
    this.noise.mixHash(unhex(vector.init_prologue));
    this.own = { e: unhex(e ?? none), s: unhex(s ?? none) };
    this.peer = { e: new Uint8Array(0), s: publicOf(unhex(peerStatic ?? none)) };
    this.psks = ((initiator ? vector.init_psks : vector.resp_psks) ?? []).map(unhex);
    this.withPsk = this.psks.length > 0;
  }

  write(tokens: readonly string[], payload: Uint8Array): Uint8Array {
    const parts = tokens.map((token) => {
      if (token === "e") return this.#mixEphemeral(publicOf(this.own.e));
      if (token === "s") return this.noise.encryptAndHash(publicOf(this.own.s));
      this.#mix(token);
      return new Uint8Array(0);
    });
    return concat(...parts, this.noise.encryptAndHash(payload));
  }

  read(tokens: readonly string[], message: Uint8Array, sealedKeys: readonly boolean[]): Uint8Array {
    let at = 0;
    const take = (length: number): Uint8Array => message.subarray(at, (at += length));
    tokens.forEach((token, i) => {
      if (token === "e") this.peer.e = this.#mixEphemeral(take(32));
      else if (token === "s") {
        const opened = this.noise.decryptAndHash(take(sealedKeys[i] === true ? 48 : 32));
        assert(opened !== undefined);
        this.peer.s = opened;
      } else this.#mix(token);
    });
    const payload = this.noise.decryptAndHash(message.subarray(at));
    assert(payload !== undefined);
    return payload;
  }

  #mixEphemeral(publicKey: Uint8Array): Uint8Array {
    this.noise.mixHash(publicKey);
    if (this.withPsk) this.noise.mixKey(publicKey);
    return publicKey;
  }

  /** `psk`, or DH: the initiator's key by its first letter, the responder's by its second. */
  #mix(token: string): void {
    if (token === "psk") {
      this.noise.mixKeyAndHash(this.psks.shift()!);
      return;
    }
    const [ours, theirs] = this.initiator ? [token[0], token[1]] : [token[1], token[0]];
    const secret = ours === "e" ? this.own.e : this.own.s;
    this.noise.mixKey(x25519.getSharedSecret(secret, theirs === "e" ? this.peer.e : this.peer.s));
  }
}

function replay(vector: Vector): void {
  const name = vector.protocol_name;
  const [, base, psk] = /^Noise_([A-Z0-9]+)(?:psk(\d))?_/.exec(name)!;
  const { known, messages } = parse(base!, psk);
  const parties = [new Party(vector, true), new Party(vector, false)] as const;
  for (const party of parties) {
    if (known.includes("i")) party.noise.mixHash(publicOf(unhex(vector.init_static!)));
    if (known.includes("r")) party.noise.mixHash(publicOf(unhex(vector.resp_static!)));
  }
  // A static key is sealed from the first token on that gives a key.
  let keyed = false;
  messages.forEach((tokens, i) => {
    const { payload, ciphertext } = vector.messages[i]!;
    const sealedKeys = tokens.map((token) => {
      const before = keyed;
      keyed ||= token.length > 1 || (token === "e" && psk !== undefined);
      return before;
    });
    const written = parties[i % 2]!.write(tokens, unhex(payload));
    assert.equal(hex(written), ciphertext, `${name}, message ${i}`);
    assert.equal(hex(parties[(i + 1) % 2]!.read(tokens, written, sealedKeys)), payload, name);
  });
  for (const party of parties) assert.equal(hex(party.noise.handshakeHash), vector.handshake_hash);
  const [a, b] = [parties[0].noise.split(), parties[1].noise.split()];
  const oneWay = messages.length === 1;
  vector.messages.slice(messages.length).forEach(({ payload, ciphertext }, i) => {
    const fromInitiator = oneWay || (messages.length + i) % 2 === 0;
    const [from, to] = fromInitiator ? [a.initiator, b.initiator] : [b.responder, a.responder];
    const sealed = from.seal(new Uint8Array(0), unhex(payload));
    assert.equal(hex(sealed), ciphertext, `${name}, transport ${i}`);
    assert.equal(hex(to.open(new Uint8Array(0), sealed)!), payload, name);
  });
}

function parse(
  base: string,
  psk: string | undefined,
): { readonly known: string; readonly messages: readonly (readonly string[])[] } {
  const [known, text] = PATTERNS[base]!.split(":") as [string, string];
  const messages = text.split(",").map((message) => message.trim().split(" "));
  if (psk === "0") messages[0]!.unshift("psk");
  else if (psk !== undefined) messages[Number(psk) - 1]!.push("psk");
  return { known, messages };
}

function key(fill: number): Uint8Array {
  return new Uint8Array(32).fill(fill);
}

function publicOf(secret: Uint8Array): Uint8Array {
  return secret.length === 0 ? secret : x25519.getPublicKey(secret);
}

function unhex(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, "hex"));
}
