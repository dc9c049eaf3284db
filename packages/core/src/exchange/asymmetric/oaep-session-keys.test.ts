import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  allDifferent,
  assertWiped,
  otherLengths,
  RememberingSuite,
  secret,
} from "../../../test/exchange-lab.ts";
import { hex } from "../../bytes.ts";
import { nobleSuite as suite } from "../../crypto/noble-suite.ts";
import { RSA_CIPHERTEXT_BYTES } from "../../limits.ts";
import { decryptingSink, encryptingSource, type EncryptedSecret } from "./oaep-session-keys.ts";

const KEYS = { session: secret("session key of the transfer") };

/** Secrets and bodies that belong together, as RSA would have it. */
class Pool {
  readonly made: EncryptedSecret[] = [];
  readonly #opened = new Map<string, Uint8Array>();

  readonly take = (): EncryptedSecret => {
    const each = this.made.length;
    const body = secret(`body ${each}`, RSA_CIPHERTEXT_BYTES);
    const made = { secret: secret(`secret ${each}`), body };
    this.#opened.set(hex(body), made.secret.slice());
    this.made.push(made);
    return made;
  };

  readonly decrypt = async (body: Uint8Array): Promise<Uint8Array | undefined> =>
    this.#opened.get(hex(body))?.slice();
}

test("decryptingSink() opens what encryptingSource() made, for every j", async () => {
  const pool = new Pool();
  const source = encryptingSource(suite, KEYS, pool.take);
  const sink = decryptingSink(suite, KEYS, pool.decrypt);
  assert.equal(sink.bodyBytes, RSA_CIPHERTEXT_BYTES);
  for (const j of [1, 2, 66, 65_537, 2 ** 32 - 1]) {
    const { key, body } = source.next(j);
    assert.equal(body.length, sink.bodyBytes);
    assert.equal(key.length, 32);
    assert.deepEqual(await sink.open(j, body), key);
  }
});

test("C-02 encryptingSource() makes another key for another j, secret and transfer", () => {
  const one = (): EncryptedSecret => ({ secret: secret("one"), body: new Uint8Array(384) });
  const two = (): EncryptedSecret => ({ secret: secret("two"), body: new Uint8Array(384) });
  const source = encryptingSource(suite, KEYS, one);
  const keys = [1, 2, 256, 65_536, 2 ** 24].map((j) => source.next(j).key);
  keys.push(encryptingSource(suite, KEYS, two).next(1).key);
  keys.push(encryptingSource(suite, { session: secret("another") }, one).next(1).key);
  assert.ok(allDifferent([...keys, secret("one"), KEYS.session]));
});

test("decryptingSink() makes a key nobody else has of a secret that the relay slipped in", async () => {
  const known = secret("chosen by the relay");
  const sink = decryptingSink(suite, KEYS, async () => known.slice());
  const key = await sink.open(1, new Uint8Array(384));
  const guesses = [known, new Uint8Array(32)].map(
    (session) =>
      encryptingSource(suite, { session }, () => ({
        secret: known.slice(),
        body: new Uint8Array(384),
      })).next(1).key,
  );
  assert.ok(key !== undefined && allDifferent([key, known, ...guesses]));
});

test("P-01 decryptingSink() gives undefined for what does not open or has another length", async () => {
  const secrets = [undefined, ...otherLengths(secret("a secret")), secret("long", 318)];
  for (const opened of secrets) {
    const sink = decryptingSink(suite, KEYS, async () => opened?.slice());
    assert.equal(await sink.open(1, new Uint8Array(384)), undefined);
  }
});

test("decryptingSink() takes any secret of 32 bytes and no other", async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 64 }), fc.nat(), async (opened, j) => {
      const expected = opened.length === 32;
      const key = await decryptingSink(suite, KEYS, async () => opened.slice()).open(j, opened);
      assert.equal(key?.length, expected ? 32 : undefined);
    }),
  );
});

test("decryptingSink() passes the body on as it came, and a failure of the driver too", async () => {
  const bodies: Uint8Array[] = [];
  const failing = async (body: Uint8Array): Promise<undefined> => {
    bodies.push(body);
    throw new Error("no RSA here");
  };
  const body = secret("body", 384);
  await assert.rejects(decryptingSink(suite, KEYS, failing).open(1, body), /no RSA here/);
  assert.deepEqual(bodies, [body]);
});

test("C-20 both halves wipe each secret once its key is made, and the session key when told", async () => {
  const pool = new Pool();
  const memory = new RememberingSuite();
  const keys = { session: KEYS.session.slice() };
  const source = encryptingSource(memory.suite, keys, pool.take);
  const { key, body } = source.next(1);
  assertWiped(pool.made[0]?.secret, ...memory.extracted);
  const opened = secret("secret 0");
  const sink = decryptingSink(memory.suite, keys, async () => opened);
  assert.deepEqual(await sink.open(1, body), key);
  assertWiped(opened, ...memory.extracted);
  source.wipe();
  assertWiped(keys.session);
  const other = { session: KEYS.session.slice() };
  decryptingSink(suite, other, pool.decrypt).wipe();
  assertWiped(other.session);
});
