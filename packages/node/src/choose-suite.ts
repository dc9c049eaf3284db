/**
 * Picks the suite once at start and proves that it computes what the protocol says: an OpenSSL
 * without ML-KEM or with a broken part must be found before a key depends on it.
 *
 * @module
 */
import { concat, equalBytes, hex } from "@postern/core/bytes";
import { KEM_CIPHERTEXT_BYTES, type Suite } from "@postern/core/crypto";
import { PosternError } from "@postern/core/errors";
import { nativeSuite } from "./native-suite.ts";

/** SHA-256 of what {@link knownAnswers} gives; both implementations of the suite agree on it. */
const KNOWN_ANSWER = "97dc0979262829ed42e6510297beb2781bf1a62a0f5fd200803c9f643e1cfce3";

let proven: Suite | undefined;

/** The native suite. @throws {@link PosternError} `platform/crypto-unusable` */
export function chooseSuite(): Suite {
  proven ??= selfTest(nativeSuite);
  return proven;
}

/** Returns `suite` when it passes. @throws {@link PosternError} `platform/crypto-unusable` */
export function selfTest(suite: Suite): Suite {
  let passed: boolean;
  try {
    passed = hex(suite.sha256(knownAnswers(suite))) === KNOWN_ANSWER && refuses(suite);
  } catch (error) {
    throw unusable({ cause: error });
  }
  if (!passed) throw unusable();
  return suite;
}

/** Every deterministic operation once, on inputs counted up from different starts. */
function knownAnswers(suite: Suite): Uint8Array {
  const kem = suite.kemFromSeed(counted(0, 32));
  const signing = suite.signingFromSeed(counted(1, 32));
  return concat(
    suite.extract(counted(2, 32), counted(3, 40)),
    suite.expand(counted(4, 32), counted(5, 20), 80),
    suite.seal(counted(6, 32), counted(7, 12), counted(8, 20), counted(9, 50)),
    kem.publicKey,
    // No ciphertext of anybody's: ML-KEM's implicit rejection still has one answer.
    suite.decapsulate(kem, counted(10, KEM_CIPHERTEXT_BYTES)) ?? new Uint8Array(0),
    signing.publicKey,
    suite.sign(signing, counted(11, 60)),
  );
}

/** What must open opens, what must not does not. */
function refuses(suite: Suite): boolean {
  const kem = suite.generateKem();
  const sent = suite.encapsulate(kem.publicKey);
  const received = sent && suite.decapsulate(kem, sent.ciphertext);
  if (sent === undefined || received === undefined) return false;
  if (!equalBytes(sent.secret, received)) return false;

  const nonce = counted(0, 12);
  const sealed = suite.seal(received, nonce, nonce, nonce);
  if (suite.open(received, nonce, nonce, sealed) === undefined) return false;
  sealed[0]! ^= 1;
  if (suite.open(received, nonce, nonce, sealed) !== undefined) return false;

  const signing = suite.generateSigning();
  const signature = suite.sign(signing, nonce);
  if (!suite.verify(signing.publicKey, nonce, signature)) return false;
  return !suite.verify(signing.publicKey, sealed, signature);
}

function counted(start: number, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => start + i);
}

function unusable(options?: ErrorOptions): PosternError {
  const details = { node: process.version, openssl: process.versions.openssl };
  const message = "this Node's cryptography does not pass the self-test";
  return new PosternError("platform/crypto-unusable", message, details, options);
}
