/** What only the library behind the noble suite offers: X-Wing with given randomness. */
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ml_kem768_x25519 } from "@noble/post-quantum/hybrid.js";
import { nobleSuite } from "./noble-suite.ts";

const FILE = join(import.meta.dirname, "../../../../../shared/vectors/xwing.json");
const skip = existsSync(FILE) ? false : "no ../shared/vectors";

test("the X-Wing behind nobleSuite encapsulates as the draft's vectors do", { skip }, () => {
  const cases: readonly Record<"pk" | "eseed" | "ct" | "ss", string>[] = JSON.parse(
    readFileSync(FILE, "utf8"),
  );
  assert.ok(cases.length > 0);
  for (const { pk, eseed, ct, ss } of cases) {
    const sent = ml_kem768_x25519.encapsulate(bytes(pk), bytes(eseed));
    assert.deepEqual(sent.cipherText, bytes(ct));
    assert.deepEqual(sent.sharedSecret, bytes(ss));
  }
});

test("nobleSuite.random() crosses the platform's limit for one request", () => {
  const random = nobleSuite.random(65_536 + 32);
  assert.ok(random.subarray(65_536).some((byte) => byte !== 0));
});

function bytes(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, "hex"));
}
