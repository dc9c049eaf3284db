import assert from "node:assert/strict";
import { test } from "node:test";
import { hex } from "../bytes/hex.ts";
import { CONTENTS_REPLACED_MAX } from "../limits.ts";
import { isReplacedBy, replacingId } from "./content-id.ts";

const id = (start: string): Uint8Array =>
  Uint8Array.from(Buffer.from(start.padEnd(32, "0"), "hex"));

test("replacingId() counts from the first byte on, and leaves what it was given", () => {
  const given = id("ff00");
  assert.equal(hex(replacingId(given)), hex(id("0001")));
  assert.equal(hex(given), hex(id("ff00")));
  assert.equal(hex(replacingId(id("3f2a"))), hex(id("402a")));
  assert.equal(hex(replacingId(id("f".repeat(32)))), hex(id("")));
});

test("isReplacedBy() knows what was begun anew several times, and nothing else", () => {
  const first = id("f8ff");
  let later = first;
  for (let n = 1; n <= CONTENTS_REPLACED_MAX; n++) {
    later = replacingId(later);
    assert.equal(isReplacedBy(first, later), true);
    assert.equal(isReplacedBy(later, first), false, "an older one never replaces");
  }
  assert.equal(isReplacedBy(first, replacingId(later)), false);
  assert.equal(isReplacedBy(first, first), false);
  assert.equal(isReplacedBy(first, id("f9")), false);
});
