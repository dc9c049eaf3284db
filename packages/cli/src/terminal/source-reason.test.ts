import assert from "node:assert/strict";
import { test } from "node:test";
import { type ErrorCode, PosternError } from "@postern/core/errors";
import { describe } from "./describe.ts";
import { sourceReason } from "./source-reason.ts";

test("sourceReason() says what is wrong with what cannot be sent", () => {
  const said = (details: Record<string, string>): string | undefined =>
    sourceReason(new PosternError("transfer/source-unreadable", "x", details));
  assert.equal(said({ kind: "FIFO" }), "it is a FIFO, and no file");
  assert.match(said({ reason: "name", path: "a\\b" }) ?? "", /^others cannot store its name: /);
  assert.match(said({ reason: "too many" }) ?? "", /500,000 files and folders$/);
  for (const details of [{}, { kind: "toString" }, { errno: "EACCES" }])
    assert.equal(said(details), undefined);
});

test("F-13 sourceReason() names the one of many files that is in the way, escaped", () => {
  const said = (code: ErrorCode, details: Record<string, string>): string | undefined =>
    sourceReason(new PosternError(code, "x", details));
  const path = "photos/a\u001b[2J";
  assert.equal(
    said("transfer/source-changed", { how: "grew", path }),
    "another program wrote to photos/a\\u{1b}[2J",
  );
  assert.equal(said("transfer/source-changed", { how: "grew" }), undefined);
  assert.equal(
    said("transfer/source-unreadable", { errno: "EACCES", path }),
    "photos/a\\u{1b}[2J: permission denied",
  );
});

test("F-04 a folder with a hostile list is refused for that, and no relay is blamed", () => {
  const details = { reason: "two entries of one name", entry: 2 };
  const error = new PosternError("transfer/invalid", "x", details);
  const reason = sourceReason(error);
  assert.equal(reason, "the list of what is in it is wrong: two entries of one name");
  const about = { relay: "r:1", peer: "mallory", content: "photos" };
  const { what, why, next } = describe(error.code, { ...about, reason });
  assert.deepEqual([what, why], ["refused photos of mallory", reason]);
  assert.doesNotMatch(next, /relay/);
  const other = new PosternError("transfer/invalid", "x", { verdict: "invalid" });
  assert.match(describe(other.code, { ...about, reason: sourceReason(other) }).what, /not open$/);
});

test("sourceReason() speaks of nothing else", () => {
  assert.equal(sourceReason(new PosternError("store/failed", "x", { kind: "FIFO" })), undefined);
});
