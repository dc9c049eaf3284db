import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { decodeBase64url, encodeBase64url } from "./base64url.ts";

test("encodeBase64url() writes what RFC 4648 says", () => {
  const texts = ["", "f", "fo", "foo", "foob", "fooba", "foobar"];
  const encoded = ["", "Zg", "Zm8", "Zm9v", "Zm9vYg", "Zm9vYmE", "Zm9vYmFy"];
  assert.deepEqual(
    texts.map((text) => encodeBase64url(new TextEncoder().encode(text))),
    encoded,
  );
  assert.equal(encodeBase64url(Uint8Array.of(0xfb, 0xff, 0xfe)), "-__-");
});

test("decodeBase64url() gives back every bytes, and node:buffer agrees", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
      const text = encodeBase64url(bytes);
      assert.equal(text, Buffer.from(bytes).toString("base64url"));
      assert.deepEqual(decodeBase64url(text), bytes);
    }),
  );
});

test("P-03 decodeBase64url() takes one form of each bytes", () => {
  for (const text of ["Zg==", "Zh", "Z", "Zm9=", "Zm+v", "Zm/v", " Zm9v", "Zm9v\n", "Zmé", "Zm9vY"])
    assert.equal(decodeBase64url(text), undefined, text);
});
