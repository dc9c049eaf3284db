import assert from "node:assert/strict";
import { test } from "node:test";
import type { ManifestEntry } from "./manifest.ts";
import { ManifestPlaces } from "./manifest-places.ts";

test("ManifestPlaces says where each file begins and which one an offset is in", () => {
  const places = new ManifestPlaces(manifestOf([3, 0, 4, 0, 0, 1, 0]), 100);
  assert.equal(places.size, 108);
  assert.deepEqual(
    places.files.map((_, at) => places.start(at)),
    [100, 103, 103, 107, 107, 107, 108],
  );
  for (const [offset, file] of [
    [0, 0],
    [99, 0],
    [102, 0],
    [103, 2],
    [106, 2],
    [107, 5],
    [108, 7],
    [999, 7],
  ] as const)
    assert.equal(places.fileAt(offset), file, `${offset}`);
});

test("ManifestPlaces of no files is the manifest alone", () => {
  const places = new ManifestPlaces(manifestOf([]), 5);
  assert.deepEqual([places.size, places.fileAt(0), places.start(0)], [5, 0, 5]);
});

function manifestOf(sizes: readonly number[]): { entries: ManifestEntry[] } {
  const attributes = { mode: 0o644, modifiedMs: 1 };
  return {
    entries: sizes.flatMap((size, n) => [
      { kind: "directory", path: `d${n}`, ...attributes },
      { kind: "file", path: `d${n}/f`, size, ...attributes },
    ]),
  };
}
