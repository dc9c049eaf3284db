import assert from "node:assert/strict";
import { test } from "node:test";
import { hex } from "../bytes.ts";
import { PosternError } from "../errors.ts";
import {
  decodeLoginResult,
  encodeLoginResult,
  LOGIN_RESULT_BYTES,
  type LoginStatus,
} from "./login-result.ts";

const STATUSES: readonly LoginStatus[] = [
  "welcome",
  "name-taken",
  "overloaded",
  "unsupported-version",
  "refused",
];

test("encodeLoginResult() lays out the result as docs/protocol.md 5 says", () => {
  STATUSES.forEach((status, number) => {
    const bytes = encodeLoginResult({ status, retryAfterMs: 258 });
    assert.equal(bytes.length, LOGIN_RESULT_BYTES);
    assert.equal(hex(bytes), `0${number}00000102${"00".repeat(11)}`);
    assert.deepEqual(decodeLoginResult(bytes), { status, retryAfterMs: 258 });
  });
});

test("decodeLoginResult() refuses unlisted statuses, bytes not zero and other lengths", () => {
  const bytes = encodeLoginResult({ status: "refused", retryAfterMs: 0 });
  const changed = (at: number, value: number): Uint8Array => bytes.with(at, value);
  for (const bad of [changed(0, 5), changed(0, 255), changed(5, 1), changed(15, 1)])
    refuse(() => decodeLoginResult(bad), "peer/malformed");
  for (let cut = 0; cut < bytes.length; cut++)
    refuse(() => decodeLoginResult(bytes.subarray(0, cut)), "peer/malformed");
  refuse(() => decodeLoginResult(new Uint8Array(17)), "peer/malformed");
});

test("encodeLoginResult() refuses a retry time that is no u32", () => {
  for (const retryAfterMs of [-1, 0.5, 2 ** 32, Number.NaN])
    refuse(
      () => encodeLoginResult({ status: "overloaded", retryAfterMs }),
      "usage/invalid-argument",
    );
});

function refuse(action: () => void, code: string): void {
  assert.throws(action, (error) => error instanceof PosternError && error.code === code);
}
