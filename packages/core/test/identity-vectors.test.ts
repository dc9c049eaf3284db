/** `vectors/identity.json`: docs/protocol.md 3, and content ids that follow one another (9.1). */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { groupBase32, hex } from "../src/bytes.ts";
import { nobleSuite as suite } from "../src/crypto/noble-suite.ts";
import { PosternError } from "../src/errors.ts";
import { parseRelayAddress } from "../src/identity/address.ts";
import {
  formatFingerprint,
  parseFingerprint,
  relayFingerprint,
} from "../src/identity/fingerprint.ts";
import { identityFromSeed } from "../src/identity/identity.ts";
import { isName } from "../src/identity/name.ts";
import { decodeRsaCertificate, encodeRsaCertificate } from "../src/identity/rsa-certificate.ts";
import type { WallMs } from "../src/time.ts";
import { replacingId } from "../src/transfer/content-id.ts";
import { certificate, label, party, sha256, unhex } from "./plain-crypto.ts";

interface Fingerprint {
  readonly seed: string;
  readonly fingerprint: string;
  readonly text: string;
  readonly groups: string;
}

interface Vectors {
  readonly identities: readonly (Fingerprint & { readonly id: string })[];
  readonly relays: readonly (Fingerprint & { readonly publicKey: string })[];
  readonly names: { readonly taken: readonly string[]; readonly refused: readonly string[] };
  readonly addresses: {
    readonly taken: readonly {
      readonly text: string;
      readonly host: string;
      readonly port: number;
      readonly fingerprint: string | null;
    }[];
    readonly refused: readonly string[];
  };
  readonly certificates: readonly {
    readonly seed: string;
    readonly spki: string;
    readonly notAfter: number;
    readonly bytes: string;
  }[];
  readonly judgedCertificates: readonly {
    readonly name: string;
    readonly id: string;
    readonly bytes: string;
    readonly now: number;
    readonly valid: boolean;
  }[];
  readonly contentIds: readonly { readonly given: string; readonly next: string }[];
}

const FILE = join(import.meta.dirname, "../../../vectors/identity.json");
const vectors = JSON.parse(readFileSync(FILE, "utf8")) as Vectors;

test("identity.json: fingerprints of clients and relays, in bytes and as people see them", () => {
  for (const { seed, id, ...expected } of vectors.identities) {
    const identity = identityFromSeed(suite, bytesOf(seed));
    assert.equal(hex(identity.id), id);
    assertFingerprint(identity.fingerprint, expected);
    const plain = party(unhex(seed));
    assert.deepEqual([hex(plain.id), hex(plain.fingerprint)], [id, expected.fingerprint]);
  }
  for (const { seed, publicKey, ...expected } of vectors.relays) {
    assert.equal(hex(suite.kemFromSeed(bytesOf(seed)).publicKey), publicKey);
    assertFingerprint(relayFingerprint(suite, bytesOf(publicKey)), expected);
    assert.equal(hex(sha256(label("relay"), unhex(publicKey))), expected.fingerprint);
  }
});

test("identity.json: names", () => {
  for (const name of vectors.names.taken) assert.ok(isName(name), name);
  for (const name of vectors.names.refused) assert.ok(!isName(name), name);
});

test("identity.json: addresses of relays", () => {
  for (const { text, host, port, fingerprint } of vectors.addresses.taken) {
    const pin = fingerprint === null ? {} : { fingerprint: bytesOf(fingerprint) };
    assert.deepEqual(parseRelayAddress(text), { host, port, ...pin }, text);
  }
  for (const text of vectors.addresses.refused)
    assert.throws(() => parseRelayAddress(text), PosternError, text);
});

test("identity.json: certificates of RSA keys", () => {
  for (const { seed, spki, notAfter, bytes } of vectors.certificates) {
    const identity = identityFromSeed(suite, bytesOf(seed));
    const made = encodeRsaCertificate(suite, identity, bytesOf(spki), notAfter as WallMs);
    assert.equal(hex(made), bytes);
    assert.equal(hex(certificate(unhex(seed), unhex(spki), notAfter)), bytes);
  }
  for (const { name, id, bytes, now, valid } of vectors.judgedCertificates) {
    const key = decodeRsaCertificate(suite, bytesOf(id), bytesOf(bytes), now as WallMs);
    assert.equal(key !== undefined, valid, name);
  }
});

test("identity.json: the id of a content that begins anew", () => {
  for (const { given, next } of vectors.contentIds)
    assert.equal(hex(replacingId(bytesOf(given))), next);
});

function assertFingerprint(
  fingerprint: Uint8Array,
  expected: Pick<Fingerprint, "fingerprint" | "text" | "groups">,
): void {
  assert.equal(hex(fingerprint), expected.fingerprint);
  assert.equal(formatFingerprint(fingerprint), expected.text);
  assert.equal(groupBase32(expected.text), expected.groups);
  for (const text of [expected.text, expected.groups.toUpperCase()])
    assert.deepEqual(parseFingerprint(text), fingerprint);
}

function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(unhex(text));
}
