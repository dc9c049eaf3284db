/**
 * The client's half of the RSA proof, written from docs/protocol.md 7.2 alone: relay tests may
 * not use the client's machine, and so the relay is held against a second reading of the text.
 *
 * @module
 */
import assert from "node:assert/strict";
import { constants, createPrivateKey, createPublicKey } from "node:crypto";
import { privateDecrypt, publicEncrypt } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ByteWriter, concat, hex, label, utf8 } from "@postern/core/bytes";
import type { RelayAuthInput, RelayAuthJob } from "@postern/core/exchange/relay-half";
import { encodeRsaCertificate } from "@postern/core/identity";
import type {
  AuthChallengeFrame,
  AuthConfirmFrame,
  AuthOpenFrame,
  AuthResponseFrame,
} from "@postern/core/link";
import type { WallMs } from "@postern/core/time";
import { suite, type Person } from "./test-client.ts";

/** RSA-OAEP with one key pair. */
export interface ProverRsa {
  readonly spki: Uint8Array;
  open(oaepLabel: Uint8Array, ciphertext: Uint8Array): Uint8Array | undefined;
  seal(to: Uint8Array, oaepLabel: Uint8Array, plaintext: Uint8Array): Uint8Array;
}

const DAY_MS = 86_400_000;
const KEYS = join(import.meta.dirname, "../../../vectors/rsa-keys.json");
const CHALLENGE = label("asym auth-1");
const RESPONSE = label("asym auth-2");

export class Prover {
  readonly open: AuthOpenFrame;
  readonly #who: Person;
  readonly #relayFingerprint: Uint8Array;
  readonly #rsa: ProverRsa;
  #expected: Uint8Array | undefined;

  constructor(who: Person, relayFingerprint: Uint8Array, rsa: ProverRsa, wall: number) {
    this.#who = who;
    this.#relayFingerprint = relayFingerprint;
    this.#rsa = rsa;
    const notAfter = (wall + DAY_MS) as WallMs;
    const certificate = encodeRsaCertificate(suite, who.identity, rsa.spki, notAfter);
    this.open = { kind: "auth-open", nonce: suite.random(32), certificate };
  }

  respond({ spki, ciphertext: c1 }: AuthChallengeFrame): AuthResponseFrame {
    const { nonce } = this.open;
    const own = this.#rsa.spki;
    const opened = this.#rsa.open(CHALLENGE, c1);
    assert.equal(opened?.length, 69);
    const relaySecret = opened.subarray(5, 37);
    assert.deepEqual(opened, concat(utf8("AUTH1"), relaySecret, suite.sha256(spki)));
    const secret = suite.random(32);
    const c2 = this.#rsa.seal(spki, RESPONSE, concat(utf8("AUTH2"), secret, suite.sha256(own)));
    const fields = new ByteWriter().lv(this.#relayFingerprint).lv(this.#who.identity.id);
    fields.lv(own).lv(spki).lv(nonce).lv(c1).lv(c2);
    const th = suite.sha256(label("asym auth"), fields.bytes());
    const k = suite.hmacSha256(th, relaySecret, secret);
    this.#expected = suite.hmacSha256(k, utf8("relay"), th);
    const mac = suite.hmacSha256(k, utf8("client"), th);
    return { kind: "auth-response", ciphertext: c2, mac };
  }

  confirm({ mac }: AuthConfirmFrame): void {
    assert.deepEqual(mac, this.#expected);
  }
}

const sealed = new Map<string, Uint8Array>();

/** A toy that binds key and label, for keys that are none. */
export function toyRsa(spki: Uint8Array): ProverRsa {
  return {
    spki,
    open: (oaepLabel, ciphertext) => sealed.get(hex(concat(spki, oaepLabel, ciphertext)))?.slice(),
    seal(to, oaepLabel, plaintext) {
      const ciphertext = suite.random(384);
      sealed.set(hex(concat(to, oaepLabel, ciphertext)), plaintext.slice());
      return ciphertext;
    },
  };
}

/** The toy's answer to a job of the relay. */
export function toyWork(work: RelayAuthJob): RelayAuthInput {
  if (work.kind === "decrypt") {
    const plaintext = toyRsa(work.own).open(work.label, work.ciphertext);
    return { kind: "decrypted", plaintext };
  }
  const { to, label: oaepLabel, plaintext } = work;
  return { kind: "encrypted", ciphertext: toyRsa(to).seal(to, oaepLabel, plaintext) };
}

/** RSA keys that need not be made: those of the vectors. */
export function vectorRsa(name: "sender" | "receiver"): ProverRsa {
  const keys = JSON.parse(readFileSync(KEYS, "utf8")) as Record<string, { pkcs8: string }>;
  const der = Buffer.from(keys[name]?.pkcs8 ?? "", "hex");
  const secret = createPrivateKey({ key: der, format: "der", type: "pkcs8" });
  const spki = createPublicKey(secret).export({ format: "der", type: "spki" });
  return {
    spki: new Uint8Array(spki),
    open: (oaepLabel, ciphertext) =>
      new Uint8Array(privateDecrypt({ key: secret, ...oaep(oaepLabel) }, ciphertext)),
    seal(to, oaepLabel, plaintext) {
      const key = createPublicKey({ key: Buffer.from(to), format: "der", type: "spki" });
      return new Uint8Array(publicEncrypt({ key, ...oaep(oaepLabel) }, plaintext));
    },
  };
}

function oaep(oaepLabel: Uint8Array) {
  return { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: "sha256", oaepLabel };
}
