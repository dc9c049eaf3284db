/** Manifests of directories; `vectors/manifest.json` was made by another program. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { otherLengths, put } from "../../test/exchange-lab.ts";
import { hex } from "../bytes.ts";
import { PosternError } from "../errors.ts";
import {
  FILE_NAME_BYTES_MAX,
  MANIFEST_BYTES_MAX,
  MANIFEST_DEPTH_MAX,
  MANIFEST_ENTRIES_MAX,
  MANIFEST_LINK_BYTES_MAX,
  MANIFEST_PATH_BYTES_MAX,
  MODIFIED_MS_MAX,
} from "../limits.ts";
import {
  decodeManifest,
  encodeManifest,
  type ManifestDirectory,
  type ManifestEntry,
  type ManifestFile,
} from "./manifest.ts";
import { foldName } from "./manifest-names.ts";

interface Vectors {
  readonly taken: readonly {
    readonly name: string;
    readonly entries: readonly ManifestEntry[];
    readonly bytes: string;
  }[];
  readonly refused: readonly {
    readonly name: string;
    readonly bytes: string;
    readonly reason: string;
  }[];
}

const path = join(import.meta.dirname, "../../../../vectors/manifest.json");
const vectors = JSON.parse(readFileSync(path, "utf8")) as Vectors;
const bytesOf = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, "hex"));

test("encodeManifest() and decodeManifest() agree with the vectors", () => {
  for (const { name, entries, bytes } of vectors.taken) {
    assert.equal(hex(encodeManifest({ entries })), bytes, name);
    assert.deepEqual(decodeManifest(bytesOf(bytes)), { entries }, name);
  }
});

test("F-01 F-04 F-07 F-10 decodeManifest() refuses every hostile list of the vectors", () => {
  assert.ok(vectors.refused.length > 60);
  for (const { name, bytes, reason } of vectors.refused)
    assert.equal(
      reasonOf(() => decodeManifest(bytesOf(bytes))),
      reason,
      name,
    );
});

test("F-10 decodeManifest() says of which entry it speaks", () => {
  const bytes = encodeManifest({ entries: [file("a"), file("b")] });
  const at = bytes.lastIndexOf("b".charCodeAt(0));
  assert.throws(
    () => decodeManifest(put(bytes, at, [0x41])),
    (error: unknown) => {
      assert.ok(error instanceof PosternError);
      assert.deepEqual(error.details, { reason: "two entries of one name", entry: 2 });
      assert.ok(!error.message.includes("A"));
      return true;
    },
  );
});

test("decodeManifest() takes no manifest that lost or got a byte", () => {
  const bytes = bytesOf(vectors.taken[1]?.bytes ?? "");
  for (const other of otherLengths(bytes))
    assert.notEqual(
      reasonOf(() => decodeManifest(other)),
      undefined,
      `${other.length}`,
    );
});

test("F-10 a manifest has up to 500,000 entries", () => {
  const entries = Array.from({ length: MANIFEST_ENTRIES_MAX }, (_, n) => file(`f${n}`));
  const decoded = decodeManifest(encodeManifest({ entries }));
  assert.equal(decoded.entries.length, MANIFEST_ENTRIES_MAX);
  const more = [...entries, file("more")];
  assert.equal(
    reasonOf(() => encodeManifest({ entries: more })),
    "too many entries",
  );
});

test("F-10 a manifest has up to 64 MiB", () => {
  const places = [1, 2, 3].map((depth) =>
    directory(`${"d".repeat(1_000)}/`.repeat(depth).slice(0, -1)),
  );
  const head = encodeManifest({ entries: places }).length;
  const long = (n: number): string => `${places[2]?.path}/${n}`.padEnd(4_000, "n");
  const count = Math.floor((MANIFEST_BYTES_MAX - head) / (23 + 4_000));
  const entries = [...places, ...Array.from({ length: count }, (_, n) => file(long(n)))];
  const bytes = encodeManifest({ entries });
  assert.ok(bytes.length > MANIFEST_BYTES_MAX - 5_000);
  assert.equal(decodeManifest(bytes).entries.length, count + 3);
  const more = [...entries, file(long(count)), file(long(count + 1))];
  assert.equal(
    reasonOf(() => encodeManifest({ entries: more })),
    "too long",
  );
  const claimed = new Uint8Array(MANIFEST_BYTES_MAX + 1);
  assert.equal(
    reasonOf(() => decodeManifest(claimed)),
    "too long",
  );
});

test("F-03 a manifest has 128 levels, not 300", () => {
  const fits = nested(MANIFEST_DEPTH_MAX);
  assert.deepEqual(decodeManifest(encodeManifest({ entries: fits })).entries, fits);
  for (const levels of [MANIFEST_DEPTH_MAX + 1, 300])
    assert.equal(
      reasonOf(() => encodeManifest({ entries: nested(levels) })),
      "too deep",
    );
});

test("F-03 a path has up to 4,096 bytes and each name up to 1,024", () => {
  const name = "é".repeat(FILE_NAME_BYTES_MAX / 2);
  assert.equal(name.length * 2, FILE_NAME_BYTES_MAX);
  const entries = [directory(name), directory(`${name}/${name}`)];
  const deep = `${name}/${name}/${name}`;
  const rest = MANIFEST_PATH_BYTES_MAX - Buffer.byteLength(deep) - 1;
  const fits = [...entries, directory(deep), file(`${deep}/${"x".repeat(rest)}`)];
  assert.deepEqual(decodeManifest(encodeManifest({ entries: fits })).entries, fits);
  const over = [...entries, directory(deep), file(`${deep}/${"x".repeat(rest + 1)}`)];
  assert.equal(
    reasonOf(() => encodeManifest({ entries: over })),
    "path over 4096 bytes",
  );
  assert.equal(
    reasonOf(() => encodeManifest({ entries: [file(`${name}x`)] })),
    "name over 1024 bytes",
  );
});

test("F-07 a link's target has up to 4,096 bytes, a time ends with the year 9999", () => {
  const target = `${"x/".repeat(MANIFEST_LINK_BYTES_MAX / 2 - 1)}xx`;
  const link = { kind: "link", path: "d/l", target } as const;
  const last = { ...file("d/f"), modifiedMs: MODIFIED_MS_MAX };
  const entries = [directory("d"), link, last];
  assert.deepEqual(decodeManifest(encodeManifest({ entries })).entries, entries);
  const longer = { ...link, target: `${target}x` };
  assert.equal(
    reasonOf(() => encodeManifest({ entries: [directory("d"), longer] })),
    "link too long",
  );
});

test("F-07 a link may stay inside its folder, and nowhere else", () => {
  const tree = [directory("top"), directory("top/a"), directory("top/a/b")];
  const link = (target: string): unknown =>
    reasonOf(() =>
      encodeManifest({ entries: [...tree, { kind: "link", path: "top/a/b/l", target }] }),
    );
  for (const inside of ["x", "x/y", "..", "../..", "../x", "../../x", "../../a/b/l", "..."])
    assert.equal(link(inside), undefined, inside);
  for (const outside of ["../../..", "../../../x", "x/..", "../x/../..", "/", "/x", "a//b", "a/"])
    assert.equal(link(outside), "a link that leads elsewhere", outside);
});

test("F-04 foldName() sees no case and no normalization form", () => {
  const parts = fc.constantFrom("a", "É", "e\u0301", "ß", "ſ", "\u212a", "Σ", "ς", "İ", "ǅ", "ᾳ");
  const names = fc.array(parts, { minLength: 1, maxLength: 6 }).map((each) => each.join(""));
  fc.assert(
    fc.property(fc.oneof(names, fc.string({ unit: "binary", maxLength: 12 })), (name) => {
      const folded = foldName(name);
      assert.equal(foldName(name.normalize("NFD")), folded);
      assert.equal(foldName(name.normalize("NFC")), folded);
      assert.equal(foldName(name.toUpperCase()), folded);
      assert.equal(foldName(folded), folded);
    }),
    { numRuns: 100 },
  );
  for (const [one, other] of [
    ["a", "b"],
    ["é", "e"],
    ["文件", "文档"],
    ["가", "나"],
  ] as const)
    assert.notEqual(foldName(one), foldName(other));
});

test("decodeManifest() throws nothing but transfer/invalid for any bytes", () => {
  const whole = bytesOf(vectors.taken[1]?.bytes ?? "");
  const near = fc.tuple(fc.nat(whole.length - 1), fc.nat(255));
  const changed = near.map(([at, value]) => put(whole, at, [value]));
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), changed), (bytes) => {
      reasonOf(() => decodeManifest(bytes));
    }),
    { numRuns: 2_000 },
  );
});

function file(name: string): ManifestFile {
  return { kind: "file", path: name, size: 1, mode: 0o644, modifiedMs: 1 };
}

function directory(name: string): ManifestDirectory {
  return { kind: "directory", path: name, mode: 0o755, modifiedMs: 1 };
}

function nested(levels: number): ManifestEntry[] {
  return Array.from({ length: levels }, (_, n) => directory("d/".repeat(n) + "d"));
}

/** `undefined` when it does not throw. */
function reasonOf(act: () => unknown): unknown {
  try {
    act();
    return undefined;
  } catch (error) {
    assert.ok(error instanceof PosternError && error.code === "transfer/invalid", String(error));
    return error.details["reason"];
  }
}
