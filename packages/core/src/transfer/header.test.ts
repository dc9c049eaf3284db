import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  codeOf,
  contentOf,
  CONTENT_ID,
  otherLengths,
  OTHER_TRANSFER,
  put,
  secret,
  TRANSFER,
} from "../../test/exchange-lab.ts";
import { concat, hex, utf8 } from "../bytes.ts";
import { ByteWriter } from "../bytes/writer.ts";
import {
  FILE_NAME_BYTES_MAX,
  HEADER_AHEAD_MS,
  HEADER_BYTES_MAX,
  HEADER_VALID_MS,
  MANIFEST_BYTES_MAX,
  MANIFEST_ENTRIES_MAX,
} from "../limits.ts";
import type { WallMs } from "../time.ts";
import { decodeHeader, encodeHeader, isCurrent, type TransferHeader } from "./header.ts";

const CREATED = 1_800_000_000_000 as WallMs;
const UNTIL = (CREATED + HEADER_VALID_MS) as WallMs;
const HEADER = headerOf({ kind: "file", name: "a.txt", size: 3 });
const BYTES = encodeHeader(TRANSFER, HEADER);
const AT = {
  kind: 0,
  transfer: 1,
  created: 17,
  until: 25,
  content: 33,
  seconds: 49,
  flags: 50,
  size: 51,
  entries: 59,
  manifest: 63,
  name: 67,
};
const DIRECTORY: Told = {
  kind: "directory",
  name: "photos",
  size: 2 ** 40,
  manifest: { entries: 3, bytes: 200 },
};
const TWO_TO_53 = [0, 0x20, 0, 0, 0, 0, 0, 0];

type Told = Parameters<typeof contentOf>[0];

function headerOf(told: Told): TransferHeader {
  const content = contentOf(told);
  return { content, created: CREATED, until: UNTIL, sessionSeconds: 5 };
}

function decode(bytes: Uint8Array): TransferHeader {
  return decodeHeader(TRANSFER, bytes);
}

test("encodeHeader() lays out what docs/protocol.md 9 says", () => {
  const fields = ["02", hex(TRANSFER), "000001a3185c5000", "000001a3185d3a60"];
  fields.push(hex(CONTENT_ID), "05", "01", "0000000000000003", "00000000", "00000000");
  fields.push("00000005", hex(utf8("a.txt")));
  assert.equal(hex(BYTES), fields.join(""));
});

test("decodeHeader() gives back what encodeHeader() took", () => {
  const contents: readonly Told[] = [
    { kind: "message", name: "", size: 256 },
    { kind: "file", name: "", size: 0 },
    { kind: "file", name: "x", size: Number.MAX_SAFE_INTEGER },
    { kind: "stream", name: "stdin", size: undefined },
    { kind: "stream", name: "stdin", size: 0 },
    { kind: "stream", name: "stdin", size: undefined, signed: true },
    { kind: "file", name: "x", size: 1, signed: true, contentId: secret("another", 16) },
    DIRECTORY,
    { ...DIRECTORY, size: 1, manifest: { entries: 1, bytes: 1 } },
    { ...DIRECTORY, manifest: { entries: MANIFEST_ENTRIES_MAX, bytes: MANIFEST_BYTES_MAX } },
  ];
  for (const content of contents)
    for (const sessionSeconds of [1, 5, 60]) {
      const header = { ...headerOf(content), sessionSeconds };
      assert.deepEqual(decode(encodeHeader(TRANSFER, header)), header);
    }
});

test("S-12 decodeHeader() gives back file names of 0 to 1,024 bytes, whatever is in them", () => {
  const spaces = [" leading", "trailing ", ";", "a;b", "\0", "\ufeffbom", "a\nb", "../x", "C:\\x"];
  const lengths = [0, 1, 15, 16, 17, 255, 256, FILE_NAME_BYTES_MAX].map((n) => "n".repeat(n));
  const wide = "é".repeat(FILE_NAME_BYTES_MAX / 2);
  for (const name of [...spaces, ...lengths, wide, "📎".repeat(FILE_NAME_BYTES_MAX / 4)]) {
    const header = headerOf({ kind: "file", name, size: 1 });
    assert.deepEqual(decode(encodeHeader(TRANSFER, header)), header);
  }
});

test("S-12 decodeHeader() refuses a file name of 1,025 bytes, however few its characters", () => {
  for (const name of ["n".repeat(FILE_NAME_BYTES_MAX + 1), `${"é".repeat(512)}n`]) {
    const bytes = encodeHeader(TRANSFER, headerOf({ kind: "file", name, size: 1 }));
    assert.equal(
      codeOf(() => decode(bytes)),
      "peer/malformed",
    );
  }
});

test("the longest header fits where it has to", () => {
  const name = "n".repeat(FILE_NAME_BYTES_MAX);
  const bytes = encodeHeader(TRANSFER, headerOf({ kind: "file", name, size: 1 }));
  assert.ok(bytes.length + 16 <= HEADER_BYTES_MAX);
});

test("P-01 S-12 decodeHeader() refuses every other length and a false length of the name", () => {
  for (const bytes of otherLengths(BYTES))
    assert.equal(
      codeOf(() => decode(bytes)),
      "peer/malformed",
      `${bytes.length}`,
    );
  for (const length of [0, 4, 6, 1_025]) {
    const bytes = put(BYTES, AT.name, [0, 0, length >> 8, length & 255]);
    assert.equal(
      codeOf(() => decode(bytes)),
      "peer/malformed",
      `${length}`,
    );
  }
  assert.equal(
    codeOf(() => decode(put(BYTES, AT.name, [255, 255, 255, 255]))),
    "peer/malformed",
  );
});

test("S-12 C-18 decodeHeader() refuses a header with a transfer id of 15 or 17 bytes", () => {
  for (const id of [TRANSFER.subarray(1), concat(TRANSFER, Uint8Array.of(0))])
    assert.equal(
      codeOf(() => decode(encodeHeader(id, HEADER))),
      "peer/malformed",
    );
});

test("C-02 decodeHeader() refuses a header of another transfer", () => {
  assert.equal(
    codeOf(() => decodeHeader(OTHER_TRANSFER, BYTES)),
    "peer/malformed",
  );
  for (let i = 0; i < 16; i++) {
    const at = AT.transfer + i;
    assert.equal(
      codeOf(() => decode(put(BYTES, at, [BYTES[at]! ^ 1]))),
      "peer/malformed",
    );
  }
});

test("P-03 decodeHeader() refuses every kind that is not one of four, and one without its list", () => {
  for (let kind = 0; kind < 256; kind++) {
    const code = codeOf(() => decode(put(BYTES, AT.kind, [kind])));
    assert.equal(code, [1, 2, 4].includes(kind) ? undefined : "peer/malformed", `${kind}`);
  }
});

test("decodeHeader() takes session keys of 1 to 60 seconds and no others", () => {
  for (let seconds = 0; seconds < 256; seconds++) {
    const code = codeOf(() => decode(put(BYTES, AT.seconds, [seconds])));
    assert.equal(code, seconds >= 1 && seconds <= 60 ? undefined : "peer/malformed", `${seconds}`);
  }
});

test("P-03 decodeHeader() takes one form of each size: known, or of a stream and zero", () => {
  const without = (kind: number) => put(put(BYTES, AT.kind, [kind]), AT.flags, new Uint8Array(9));
  assert.equal(
    codeOf(() => decode(without(1))),
    "peer/malformed",
  );
  assert.equal(
    codeOf(() => decode(without(2))),
    "peer/malformed",
  );
  assert.equal(decode(without(4)).content.size, undefined);
  assert.equal(
    codeOf(() => decode(put(without(4), AT.size + 7, [1]))),
    "peer/malformed",
  );
});

test("P-03 decodeHeader() knows two flags and refuses every other", () => {
  for (let flags = 0; flags < 256; flags++) {
    const code = codeOf(() => decode(put(BYTES, AT.flags, [flags])));
    const isTaken = flags === 1 || flags === 3;
    assert.equal(code, isTaken ? undefined : "peer/malformed", `${flags}`);
  }
  assert.equal(decode(put(BYTES, AT.flags, [3])).content.signed, true);
});

test("P-03 decodeHeader() takes a list's size of a directory alone, and within its bounds", () => {
  const codeOfSizes = (kind: number, size: number, entries: number, bytes: number) => {
    const sizes = new ByteWriter().u64(size).u32(entries).u32(bytes).bytes();
    return codeOf(() => decode(put(put(BYTES, AT.kind, [kind]), AT.size, sizes)));
  };
  const [most, long] = [MANIFEST_ENTRIES_MAX, MANIFEST_BYTES_MAX];
  for (const [size, entries, bytes] of [
    [1, 1, 1],
    [long, most, long],
    [2 ** 53 - 1, 1, 1],
  ] as const)
    assert.equal(codeOfSizes(3, size, entries, bytes), undefined);
  for (const [size, entries, bytes] of [
    [9, 0, 1],
    [9, 1, 0],
    [9, 1, 10],
    [0, 1, 1],
    [long + 1, 1, long + 1],
    [long, most + 1, long],
    [2 ** 53 - 1, 2 ** 32 - 1, 2 ** 32 - 1],
  ] as const)
    assert.equal(codeOfSizes(3, size, entries, bytes), "peer/malformed", `${entries} ${bytes}`);
  for (const kind of [1, 2, 4])
    for (const [entries, bytes] of [
      [1, 0],
      [0, 1],
      [1, 1],
    ] as const)
      assert.equal(codeOfSizes(kind, 9, entries, bytes), "peer/malformed", `kind ${kind}`);
  const unknown = put(encodeHeader(TRANSFER, headerOf(DIRECTORY)), AT.flags, new Uint8Array(9));
  assert.equal(
    codeOf(() => decode(unknown)),
    "peer/malformed",
    "a directory of unknown size",
  );
});

test("P-03 decodeHeader() refuses numbers above 2^53 - 1", () => {
  for (const at of [AT.created, AT.until, AT.size])
    assert.equal(
      codeOf(() => decode(put(BYTES, at, TWO_TO_53))),
      "peer/malformed",
      `${at}`,
    );
});

test("P-03 decodeHeader() refuses names that are no UTF-8", () => {
  for (const bad of [
    [0xff],
    [0xc0, 0xaf],
    [0xed, 0xa0, 0x80],
    [0xf4, 0x90, 0x80, 0x80],
    [0xe2, 0x82],
  ]) {
    const bytes = put(BYTES, BYTES.length - bad.length, bad);
    assert.equal(
      codeOf(() => decode(bytes)),
      "peer/malformed",
      bad.join(),
    );
  }
});

test("C-18 isCurrent() holds a header to its times, to the millisecond", () => {
  const judge = (created: number, until: number, now: number): boolean =>
    isCurrent({ ...HEADER, created: created as WallMs, until: until as WallMs }, now as WallMs);
  assert.ok(judge(CREATED, UNTIL, CREATED));
  assert.ok(judge(CREATED, UNTIL, UNTIL), "its last millisecond");
  assert.ok(!judge(CREATED, UNTIL, UNTIL + 1), "past");
  assert.ok(judge(CREATED, UNTIL, CREATED - HEADER_AHEAD_MS), "10 s ahead");
  assert.ok(!judge(CREATED, UNTIL, CREATED - HEADER_AHEAD_MS - 1), "more than 10 s ahead");
  assert.ok(!judge(CREATED, UNTIL + 1, CREATED), "valid for too long");
  assert.ok(judge(CREATED, CREATED, CREATED), "valid for one millisecond");
  assert.ok(!judge(CREATED, CREATED - 1, CREATED - 1), "ends before it begins");
  assert.ok(!judge(0, HEADER_VALID_MS, CREATED), "from 1970");
  assert.ok(!judge(Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER, CREATED), "never");
  assert.ok(!judge(CREATED / 1_000, UNTIL / 1_000, CREATED), "seconds for milliseconds");
});

test("S-11 isCurrent() ends for every header: no time is far enough ahead", () => {
  const times = fc.integer({ min: 0, max: 2 ** 42 });
  fc.assert(
    fc.property(times, times, times, (created, life, now) => {
      const until = (created + life) as WallMs;
      const header = { ...HEADER, created: created as WallMs, until };
      if (!isCurrent(header, now as WallMs)) return;
      const later = (now + HEADER_AHEAD_MS + HEADER_VALID_MS + 1) as WallMs;
      assert.ok(!isCurrent(header, later));
    }),
  );
});

test("decodeHeader() throws nothing but peer/malformed for any bytes", () => {
  const near = fc.tuple(fc.nat(BYTES.length - 1), fc.nat(255));
  const changed = near.map(([at, value]) => put(BYTES, at, [value]));
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 120 }), changed), (bytes) => {
      const code = codeOf(() => decode(bytes));
      assert.ok(code === undefined || code === "peer/malformed");
    }),
  );
});
