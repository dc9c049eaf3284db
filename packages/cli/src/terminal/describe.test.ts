import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { isErrorCode, PosternError } from "@postern/core/errors";
import { EXIT, exitCodeOf } from "../exit-codes.ts";
import { describe, isSecurityEvent } from "./describe.ts";
import { systemReason } from "./network-reason.ts";

const ABOUT = { relay: "127.0.0.1:9999", name: "ann", peer: "bob", content: "photo.raw" };

const catalogue = readFileSync(
  new URL("../../../core/src/errors.ts", import.meta.url),
  "utf8",
).matchAll(/"([a-z]+\/[a-z-]+)":/g);
const codes = [...catalogue].map((match) => match[1]!).filter(isErrorCode);

test("describe() has what, why and next for every code, one line each", () => {
  assert.ok(codes.length > 40);
  for (const code of codes) {
    const { what, why, next } = describe(code, ABOUT);
    for (const text of [what, why, next]) {
      assert.match(text, /^[^\s].*[^\s.]$/, `${code}: ${text}`);
      assert.doesNotMatch(text, /undefined|\n| {2}/, `${code}: ${text}`);
    }
  }
});

test("describe() works when nothing is known but the relay", () => {
  for (const code of codes)
    assert.doesNotMatch(Object.values(describe(code, { relay: "r:1" })).join(), /undefined| {2}/);
});

test("describe() promises of no stream that what was begun goes on when it is sent again", () => {
  for (const code of codes) {
    const file = describe(code, ABOUT).next;
    const stream = describe(code, { ...ABOUT, isStream: true }).next;
    assert.doesNotMatch(stream, /goes on from there|c[ao]me is kept/, code);
    if (/goes on from there/.test(file)) assert.match(stream, /from its beginning$/, code);
  }
});

test("exitCodeOf() gives every code an exit code that is not success", () => {
  for (const code of codes) assert.ok(exitCodeOf(code) > 0, code);
});

test("describe() says exactly that no relay is running", () => {
  const cause = Object.assign(new Error("connect"), { code: "ECONNREFUSED" });
  const error = new PosternError("relay/unreachable", "x", {}, { cause });
  const said = describe(error.code, { ...ABOUT, reason: systemReason(error) });
  assert.equal(said.what, "could not connect to 127.0.0.1:9999: connection refused");
  assert.equal(exitCodeOf(error.code), EXIT.relay);
});

test("systemReason() reads details and the errors behind an attempt at several addresses", () => {
  const refused = Object.assign(new Error("x"), { code: "ECONNREFUSED" });
  const cause = new AggregateError([refused]);
  assert.equal(
    systemReason(new PosternError("link/closed", "x", { errno: "ECONNRESET" })),
    "connection reset",
  );
  assert.equal(
    systemReason(new PosternError("relay/unreachable", "x", {}, { cause })),
    "connection refused",
  );
  assert.equal(
    systemReason(new PosternError("relay/unreachable", "x", { code: "toString" })),
    undefined,
  );
});

test("isSecurityEvent() holds for a changed relay key and for damage, not for the network", () => {
  assert.ok(isSecurityEvent("relay/pin-changed") && isSecurityEvent("transfer/digest-mismatch"));
  assert.ok(!isSecurityEvent("relay/unreachable") && !isSecurityEvent("transfer/pipe-lost"));
});

test("C-10 describe() never speaks of a changed key as of network trouble", () => {
  const { what, why, next } = describe("peer/key-changed", ABOUT);
  assert.doesNotMatch(
    `${what} ${why} ${next}`,
    /network|connection|try again|unreachable|lost the/i,
  );
  assert.equal(exitCodeOf("peer/key-changed"), EXIT.keyChanged);
  assert.ok(isSecurityEvent("peer/key-changed"));
  const others = codes.filter((code) => exitCodeOf(code) === EXIT.keyChanged);
  assert.deepEqual(others, ["peer/key-changed"]);
});

test("C-16 describe() says of an unconfirmed refusal who may have said it, for every code", () => {
  const { what, why, next } = describe("peer/declined", { ...ABOUT, isUnconfirmed: true });
  assert.equal(what, "bob declined photo.raw (not confirmed)");
  assert.equal(
    why,
    "so says the relay 127.0.0.1:9999, or bob, and no key of bob confirms it; " +
      "if true: its person or its rules said no",
  );
  assert.equal(next, "ask the other person");
  for (const code of codes) {
    const said = describe(code, { relay: "r:1", isUnconfirmed: true });
    assert.match(said.what, /\(not confirmed\)$/);
    assert.doesNotMatch(Object.values(said).join(), /undefined| {2}/);
  }
});

test("describe() speaks of the reader when the output has lost it, and not of a disk", () => {
  const lost = new PosternError("store/failed", "cannot write", { errno: "EPIPE" });
  const { what, next } = describe(lost.code, { relay: "", reason: systemReason(lost) });
  assert.match(what, /^the program that reads the output has ended$/);
  assert.match(next, /-o DIR$/);
  const full = new PosternError("store/failed", "cannot write", { errno: "EROFS" });
  assert.match(describe(full.code, { relay: "", reason: systemReason(full) }).next, /folder/);
});

test("describe() speaks of no file and no relay when this computer has too little", () => {
  const full = describe("store/no-space", { ...ABOUT, isState: true });
  assert.match(full.what, /state of this identity/);
  assert.doesNotMatch(Object.values(full).join(), /file|-o/);
  const error = new PosternError("relay/unreachable", "cannot connect", { errno: "EMFILE" });
  const { why, next } = describe(error.code, { ...ABOUT, reason: systemReason(error) });
  assert.doesNotMatch(why, /relay/);
  assert.match(next, /ulimit -n/);
});
