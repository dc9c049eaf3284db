import assert from "node:assert/strict";
import { test } from "node:test";
import { stateError } from "./state-file.ts";

test("F-11 stateError() tells a disk that fails from a full one and from a damaged state", () => {
  const told = (errcode: number) => {
    const { code, details } = stateError(Object.assign(new Error("x"), { errcode }), "/state");
    return [code, details["errno"]];
  };
  // IOERR_FSYNC, IOERR, FULL, CORRUPT
  assert.deepEqual(told(1_034), ["store/failed", "EIO"]);
  assert.deepEqual(told(10), ["store/failed", "EIO"]);
  assert.deepEqual(told(13), ["store/no-space", undefined]);
  assert.deepEqual(told(11), ["store/failed", undefined]);
});
