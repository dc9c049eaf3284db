import assert from "node:assert/strict";
import { test } from "node:test";
import { hex } from "../bytes.ts";
import { PosternError } from "../errors.ts";
import type { WallMs } from "../time.ts";
import { decodeHello, encodeHello, HELLO_BYTES, type RelayHello } from "./hello.ts";

const HELLO: RelayHello = {
  limits: { frameBytesMax: 65_536, pingMs: 25_000, deadMs: 60_000 },
  time: 0x0102030405 as WallMs,
};

test("encodeHello() lays out the hello as docs/protocol.md 5 says", () => {
  const bytes = encodeHello(HELLO);
  assert.equal(bytes.length, HELLO_BYTES);
  const layout = `01 0001 00010000 000061a8 0000ea60 0000000102030405 ${"00".repeat(9)}`;
  assert.equal(hex(bytes), layout.replaceAll(" ", ""));
  assert.deepEqual(decodeHello(bytes), HELLO);
});

test("C-09 decodeHello() refuses another version before anything else", () => {
  for (const version of [0, 2, 255]) {
    const bytes = encodeHello(HELLO);
    bytes[0] = version;
    bytes[31] = 1;
    assert.equal(code(bytes), "link/unsupported-version");
  }
});

test("decodeHello() refuses another suite, limits no link can keep, and bytes not zero", () => {
  const changes: readonly (readonly [number, number])[] = [
    [2, 2],
    [4, 0],
    [23, 1],
    [31, 1],
    [15, 0x20],
  ];
  for (const [at, value] of changes) {
    const bytes = encodeHello(HELLO);
    bytes[at] = value;
    assert.equal(code(bytes), "peer/malformed", `byte ${at}`);
  }
  const limits = HELLO.limits;
  for (const bad of [
    { ...limits, pingMs: 999 },
    { ...limits, deadMs: limits.pingMs },
    { ...limits, frameBytesMax: 65_535 },
  ])
    assert.equal(code(encodeHello({ ...HELLO, limits: bad })), "peer/malformed");
});

test("P-01 decodeHello() refuses every other length", () => {
  const bytes = encodeHello(HELLO);
  for (let cut = 0; cut < bytes.length; cut++)
    assert.equal(code(bytes.subarray(0, cut)), "peer/malformed", `${cut}`);
  assert.equal(code(new Uint8Array([...bytes, 0])), "peer/malformed");
});

function code(bytes: Uint8Array): string | undefined {
  try {
    decodeHello(bytes);
    return undefined;
  } catch (error) {
    assert(error instanceof PosternError);
    return error.code;
  }
}
