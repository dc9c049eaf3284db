import assert from "node:assert/strict";
import { constants } from "node:os";
import { test } from "node:test";
import { PosternError } from "@postern/core/errors";
import { storeError } from "./fs-error.ts";

test("storeError() says of a full disk, quota or file that there is no space (F-11)", () => {
  for (const errno of ["ENOSPC", "EDQUOT", "EFBIG"])
    assert.equal(storeError("x", failed(errno)).code, "store/no-space", errno);
  for (const errno of ["EIO", "EACCES", "EROFS"])
    assert.equal(storeError("x", failed(errno)).code, "store/failed", errno);
  const ours = new PosternError("store/target-exists", "x");
  assert.equal(storeError("x", ours), ours);
});

test("storeError() knows what Node has no name for (F-11)", () => {
  const errno = -constants.errno.EDQUOT;
  for (const code of [`Unknown system error ${errno}`, "UNKNOWN"]) {
    const full = storeError("x", Object.assign(failed(code), { errno }));
    assert.deepEqual([full.code, full.details["errno"]], ["store/no-space", "EDQUOT"]);
  }
  const other = Object.assign(failed("UNKNOWN"), { errno: -9_999 });
  assert.equal(storeError("x", other).details["errno"], "unknown");
});

function failed(code: string): Error {
  return Object.assign(new Error("of the system"), { code });
}
