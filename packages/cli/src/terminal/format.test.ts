import assert from "node:assert/strict";
import { test } from "node:test";
import {
  formatAge,
  formatBytes,
  formatClock,
  formatPart,
  formatSeconds,
  plural,
} from "./format.ts";

test("formatBytes() shows two significant digits or more in decimal units", () => {
  const shown = [0, 1, 999, 1000, 9_960, 84_000_000, 999_600, 3_120_000_000].map(formatBytes);
  assert.deepEqual(shown, ["0 B", "1 B", "999 B", "1.0 KB", "10 KB", "84 MB", "1.0 MB", "3.1 GB"]);
});

test("formatPart() gives both sizes in the unit of the total", () => {
  assert.equal(formatPart(1_900_000_000, 3_100_000_000), "1.9/3.1 GB");
  assert.equal(formatPart(0, 24_000_000), "0.0/24 MB");
});

test("formatClock() and formatSeconds() stay short", () => {
  assert.deepEqual([0, 14_000, 725_000, 10_931_000].map(formatClock), [
    "0:00",
    "0:14",
    "12:05",
    "3:02:11",
  ]);
  assert.deepEqual([400, 12_000, 185_000].map(formatSeconds), ["0.4 s", "12 s", "3:05 min"]);
});

test("formatAge() counts in the greatest unit of which there are two", () => {
  assert.deepEqual([-5, 1_000, 119_000, 120_000, 7_199_000, 172_800_000].map(formatAge), [
    "0 seconds",
    "1 second",
    "119 seconds",
    "2 minutes",
    "119 minutes",
    "2 days",
  ]);
});

test("plural() adds an s for all but one", () => {
  assert.deepEqual(
    [plural(0, "key"), plural(1, "key"), plural(3, "key")],
    ["0 keys", "1 key", "3 keys"],
  );
});
