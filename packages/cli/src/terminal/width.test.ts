import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { displayWidth, fitWidth } from "./width.ts";

test("displayWidth() counts wide characters twice and marks not at all", () => {
  assert.equal(displayWidth("abc"), 3);
  assert.equal(displayWidth("日本"), 4);
  assert.equal(displayWidth("e\u0301"), 1);
  assert.equal(displayWidth("한글🎉"), 6);
});

test("fitWidth() keeps the beginning and the extension", () => {
  assert.equal(fitWidth("a-very-long-holiday-photo.raw", 13), "a-very…to.raw");
  assert.equal(fitWidth("short.txt", 13), "short.txt");
});

test("T-03 fitWidth() never exceeds the columns", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), fc.nat(60), (text, columns) => {
      assert.ok(displayWidth(fitWidth(text, columns)) <= columns);
    }),
  );
});
