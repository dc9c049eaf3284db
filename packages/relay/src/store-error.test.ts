import assert from "node:assert/strict";
import { test } from "node:test";
import { storeError } from "./store-error.ts";

test("storeError() tells a disk that fails from a full one, a locked store and a damaged one", () => {
  const told = (errcode: number) => {
    const error = Object.assign(new Error("x"), { code: "ERR_SQLITE_ERROR", errcode });
    const { code, details } = storeError(error, "/data");
    return [code, details["reason"] === "EIO"];
  };
  // IOERR_WRITE, FULL, BUSY, CORRUPT
  assert.deepEqual(told(778), ["store/failed", true]);
  assert.deepEqual(told(13), ["store/no-space", false]);
  assert.deepEqual(told(5), ["store/in-use", false]);
  assert.deepEqual(told(11), ["store/failed", false]);
});
