import assert from "node:assert/strict";
import { test } from "node:test";
import { concat, hex, label } from "../bytes.ts";
import { nobleSuite } from "../crypto/noble-suite.ts";
import { PosternError } from "../errors.ts";
import { identityFromSeed } from "../identity.ts";
import { decodeLogin, encodeLogin, LOGIN_BYTES, verifyLogin } from "./login.ts";

const IDENTITY = identityFromSeed(nobleSuite, new Uint8Array(32).fill(5));
const H = new Uint8Array(32).fill(6);

test("encodeLogin() lays out the login as docs/protocol.md 5 says", () => {
  const bytes = encodeLogin(nobleSuite, IDENTITY, "bob", H);
  assert.equal(bytes.length, LOGIN_BYTES);
  assert.equal(hex(bytes.subarray(0, 35)), hex(IDENTITY.id));
  const signature = nobleSuite.sign(IDENTITY.signing, concat(label("link-auth"), H));
  assert.equal(hex(bytes.subarray(35, 99)), hex(signature));
  assert.equal(hex(bytes.subarray(99)), `03626f62${"00".repeat(29)}01000000`);
});

test("decodeLogin() gives back the login, and verifyLogin() holds for its handshake alone", () => {
  for (const name of ["b", "n".repeat(32)]) {
    const login = decodeLogin(encodeLogin(nobleSuite, IDENTITY, name, H));
    assert.equal(login.name, name);
    assert.deepEqual(login.id, IDENTITY.id);
    assert(verifyLogin(nobleSuite, login, H));
    assert(!verifyLogin(nobleSuite, login, new Uint8Array(32)), "C-02 another handshake");
    const other = identityFromSeed(nobleSuite, new Uint8Array(32).fill(7));
    assert(!verifyLogin(nobleSuite, { ...login, id: other.id }, H), "C-13 another identity");
  }
});

test("C-09 decodeLogin() refuses another version before anything else", () => {
  for (const version of [0, 2, 255]) {
    const bytes = new Uint8Array(LOGIN_BYTES).fill(0xff);
    bytes[132] = version;
    assert.equal(code(bytes), "link/unsupported-version");
  }
});

test("P-03 decodeLogin() refuses an ID, a name or padding that is none", () => {
  const changes: readonly (readonly [number, number])[] = [
    [0, 2],
    [2, 2],
    [99, 0],
    [99, 33],
    [99, 255],
    [99, 2],
    [100, 0x41],
    [103, 1],
    [131, 1],
    [133, 1],
    [135, 1],
  ];
  for (const [at, value] of changes) {
    const bytes = encodeLogin(nobleSuite, IDENTITY, "bob", H);
    bytes[at] = value;
    assert.equal(code(bytes), "peer/malformed", `byte ${at} = ${value}`);
  }
});

test("P-01 decodeLogin() refuses every other length", () => {
  const bytes = encodeLogin(nobleSuite, IDENTITY, "bob", H);
  for (let cut = 0; cut < bytes.length; cut++)
    assert.equal(code(bytes.subarray(0, cut)), "peer/malformed", `${cut}`);
  assert.equal(code(concat(bytes, Uint8Array.of(0))), "peer/malformed");
});

function code(bytes: Uint8Array): string | undefined {
  try {
    decodeLogin(bytes);
    return undefined;
  } catch (error) {
    assert(error instanceof PosternError);
    return error.code;
  }
}
