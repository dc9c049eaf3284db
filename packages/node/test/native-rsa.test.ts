import assert from "node:assert/strict";
import { createPrivateKey, createPublicKey, generateKeyPairSync } from "node:crypto";
import { before, test } from "node:test";
import { concat, utf8 } from "@postern/core/bytes";
import type { RsaKeyPair, RsaPublicKey } from "@postern/core/crypto";
import { nativeRsa } from "../src/native-rsa.ts";
import { vectorsMissing as skip, wycheproof } from "./third-party-vectors.ts";

const LABEL = utf8("label");
const MESSAGE = utf8("a message");
const SPKI = { format: "der", type: "spki" } as const;
const PKCS8 = { format: "der", type: "pkcs8" } as const;

let keyPair: RsaKeyPair;
let publicKey: RsaPublicKey;

before(async () => {
  keyPair = await nativeRsa.generate();
  publicKey = await imported(keyPair.spki);
});

test("nativeRsa.generate() makes a key that importPublic() and importSecret() accept", async () => {
  const restored = await nativeRsa.importSecret(keyPair.exportSecret());
  assert.deepEqual(restored.spki, keyPair.spki);
  assert.deepEqual(publicKey.spki, keyPair.spki);
  assert.equal(Object.getPrototypeOf(keyPair.spki), Uint8Array.prototype);
  const ciphertext = await nativeRsa.encrypt(publicKey, LABEL, MESSAGE);
  assert.deepEqual(await nativeRsa.decrypt(restored, LABEL, ciphertext), MESSAGE);
});

test("nativeRsa.exportSecret() gives a fresh copy that may be wiped", async () => {
  keyPair.exportSecret().fill(0);
  await nativeRsa.importSecret(keyPair.exportSecret());
});

test("nativeRsa.decrypt() opens what encrypt() closed, up to 318 bytes", async () => {
  for (const length of [0, 32, 318]) {
    const plaintext = new Uint8Array(length).fill(5);
    const ciphertext = await nativeRsa.encrypt(publicKey, LABEL, plaintext);
    assert.equal(ciphertext.length, 384);
    assert.deepEqual(await nativeRsa.decrypt(keyPair, LABEL, ciphertext), plaintext);
  }
  const tooLong = nativeRsa.encrypt(publicKey, LABEL, new Uint8Array(319));
  await assert.rejects(tooLong, { code: "usage/invalid-argument" });
});

test("nativeRsa.decrypt() gives undefined for another label, key, bit or length (S-01)", async () => {
  const ciphertext = await nativeRsa.encrypt(publicKey, LABEL, MESSAGE);
  assert.equal(await nativeRsa.decrypt(keyPair, utf8("other"), ciphertext), undefined);
  assert.equal(await nativeRsa.decrypt(keyPair, new Uint8Array(0), ciphertext), undefined);
  const other = await nativeRsa.generate();
  assert.equal(await nativeRsa.decrypt(other, LABEL, ciphertext), undefined);
  const changed = ciphertext.slice();
  changed[383]! ^= 1;
  const hostile = [changed, ciphertext.subarray(1), concat(ciphertext, MESSAGE), MESSAGE];
  hostile.push(new Uint8Array(384), new Uint8Array(384).fill(0xff), new Uint8Array(0));
  for (const bytes of hostile)
    assert.equal(await nativeRsa.decrypt(keyPair, LABEL, bytes), undefined);
});

test("nativeRsa.verify() accepts what sign() made and nothing else", async () => {
  const signature = await nativeRsa.sign(keyPair, MESSAGE);
  assert.equal(signature.length, 384);
  assert.ok(await nativeRsa.verify(publicKey, MESSAGE, signature));
  assert.notDeepEqual(await nativeRsa.sign(keyPair, MESSAGE), signature);
  assert.equal(await nativeRsa.verify(publicKey, LABEL, signature), false);
  const changed = signature.slice();
  changed[0]! ^= 1;
  for (const bytes of [changed, signature.subarray(1), concat(signature, LABEL), LABEL])
    assert.equal(await nativeRsa.verify(publicKey, MESSAGE, bytes), false);
});

test("nativeRsa.importPublic() refuses other sizes, exponents and algorithms (C-07)", async () => {
  const keys: Uint8Array[] = [
    generateKeyPairSync("rsa", { modulusLength: 1_024 }),
    generateKeyPairSync("rsa", { modulusLength: 2_048 }),
    generateKeyPairSync("ed25519"),
  ].map((pair) => new Uint8Array(pair.publicKey.export(SPKI)));
  const ours = createPublicKey({ key: Buffer.from(keyPair.spki), ...SPKI });
  for (const e of ["AQ", "Aw", "AQAD"]) {
    const key = { ...ours.export({ format: "jwk" }), e };
    keys.push(new Uint8Array(createPublicKey({ key, format: "jwk" }).export(SPKI)));
  }
  keys.push(withPssAlgorithm(keyPair.spki));
  for (const spki of keys) assert.equal(await nativeRsa.importPublic(spki), undefined);
});

test("nativeRsa.importPublic() refuses damaged and non-canonical DER", async () => {
  const { spki } = keyPair;
  const hostile = [concat(spki, MESSAGE), concat(spki, new Uint8Array(4_096))];
  for (let length = 0; length < spki.length; length += 11) hostile.push(spki.subarray(0, length));
  // The outer length in one byte more than it needs.
  hostile.push(concat(Uint8Array.of(0x30, 0x83, 0x00), spki.subarray(2)));
  hostile.push(keyPair.exportSecret());
  for (const bytes of hostile) assert.equal(await nativeRsa.importPublic(bytes), undefined);
});

test("nativeRsa.importSecret() refuses what exportSecret() never gave", async () => {
  const secret = keyPair.exportSecret();
  const small = generateKeyPairSync("rsa", { modulusLength: 2_048 }).privateKey.export(PKCS8);
  const hostile: Uint8Array[] = [secret.subarray(1), concat(secret, MESSAGE), small];
  hostile.push(new Uint8Array(0), new Uint8Array(5_000), withAnotherModulus(secret));
  for (const bytes of hostile)
    await assert.rejects(nativeRsa.importSecret(bytes), { code: "store/failed" });
});

test("nativeRsa refuses keys that it did not import", async () => {
  const foreign = { spki: keyPair.spki, exportSecret: () => keyPair.exportSecret() };
  const refused = { code: "usage/invalid-argument" };
  await assert.rejects(nativeRsa.encrypt(foreign, LABEL, MESSAGE), refused);
  await assert.rejects(nativeRsa.sign(foreign, MESSAGE), refused);
});

test("nativeRsa.decrypt() agrees with Wycheproof's OAEP (C-07)", { skip }, async () => {
  const cases = wycheproof("rsa_oaep_3072_sha256_mgf1sha256_test");
  assert.ok(cases.length > 30);
  const pkcs8 = String(cases[0]?.group["privateKeyPkcs8"]);
  const pair = await nativeRsa.importSecret(new Uint8Array(Buffer.from(pkcs8, "hex")));
  for (const c of cases) {
    const opened = await nativeRsa.decrypt(pair, c.bytes("label"), c.bytes("ct"));
    assert.deepEqual(opened, c.result === "valid" ? c.bytes("msg") : undefined, c.name);
  }
});

test("nativeRsa.verify() agrees with Wycheproof's PSS (C-07)", { skip }, async () => {
  const cases = wycheproof("rsa_pss_3072_sha256_mgf1_32_test");
  assert.ok(cases.length > 100);
  const der = String(cases[0]?.group["publicKeyDer"]);
  const key = await imported(new Uint8Array(Buffer.from(der, "hex")));
  for (const c of cases) {
    const verified = await nativeRsa.verify(key, c.bytes("msg"), c.bytes("sig"));
    assert.equal(verified, c.result === "valid", c.name);
  }
});

async function imported(spki: Uint8Array): Promise<RsaPublicKey> {
  const key = await nativeRsa.importPublic(spki);
  assert.ok(key);
  return key;
}

/** id-RSASSA-PSS without parameters (RFC 4055, 3.1) for rsaEncryption with NULL. */
function withPssAlgorithm(spki: Uint8Array): Uint8Array {
  const algorithm = Buffer.from("300b06092a864886f70d01010a", "hex");
  // 4 bytes of outer header, 15 of the algorithm; two bytes of NULL go.
  const changed = concat(spki.subarray(0, 4), algorithm, spki.subarray(19));
  changed[3]! -= 2;
  assert.equal(
    createPublicKey({ key: Buffer.from(changed), ...SPKI }).asymmetricKeyType,
    "rsa-pss",
  );
  return changed;
}

/** Well-formed and canonical, but with a modulus that is not the product of its primes. */
function withAnotherModulus(pkcs8: Uint8Array): Uint8Array {
  const jwk = createPrivateKey({ key: Buffer.from(pkcs8), ...PKCS8 }).export({ format: "jwk" });
  const modulus = Buffer.from(jwk.n ?? "", "base64url");
  const at = Buffer.from(pkcs8).indexOf(modulus);
  assert.ok(at > 0);
  const changed = pkcs8.slice();
  changed[at + modulus.length - 1]! ^= 2;
  return changed;
}
