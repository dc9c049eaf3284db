import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ByteWriter, concat, ifWellFormed } from "@postern/core/bytes";
import {
  FILE_NAME_BYTES_MAX,
  MANIFEST_BYTES_MAX,
  MANIFEST_ENTRIES_MAX,
  NAME_BYTES_MAX,
  PART_NAMES_MAX,
  PATH_BYTES_MAX,
  STORED_NAME_BYTES_MAX,
  UNFINISHED_RECORD_BYTES_MAX,
  UNFINISHED_TRANSFERS_MAX,
} from "@postern/core/limits";
import type { WallMs } from "@postern/core/time";
import { hasCode } from "../test/has-code.ts";
import { decodeUnfinished, encodeUnfinished, type UnfinishedRecord } from "./unfinished-record.ts";

const NOTE = { directory: "/home/bob", name: "a.bin", part: ".a.bin.part", bytes: 7, boot: "b" };
const FILE: UnfinishedRecord = {
  content: { kind: "file", name: "a.bin", size: 9 },
  profile: "end-to-end",
  signed: false,
  relayName: "ann",
  bytes: 7,
  beganAt: 3 as WallMs,
  error: "peer/gone",
  paths: ["/home/ann/a.bin", "/b"],
  links: "skip",
  transfers: [],
  note: NOTE,
  whole: false,
};
const FOLDER: UnfinishedRecord = {
  ...FILE,
  content: { kind: "directory", name: "é", size: 99, manifest: { entries: 2, bytes: 30 } },
  profile: "symmetric",
  signed: true,
  error: undefined,
  paths: [],
  links: "keep",
  transfers: [new Uint8Array(16).fill(1), new Uint8Array(16).fill(2)],
  note: undefined,
};
const STREAM: UnfinishedRecord = {
  ...FOLDER,
  content: { kind: "stream", name: "", size: undefined },
  profile: "asymmetric",
  whole: true,
};
const MANY = Array.from({ length: PART_NAMES_MAX + 1 }, () => "a");
const LOST: UnfinishedRecord = { ...FILE, note: { ...NOTE, boot: undefined } };
const DIGEST = Uint8Array.from({ length: 32 }, (_, at) => at);
const COMPLETE: UnfinishedRecord = {
  ...FILE,
  note: { ...NOTE, digest: DIGEST, names: ["a", "é"] },
};
const TOO_MANY = UNFINISHED_TRANSFERS_MAX + 1;
const refused = hasCode("usage/invalid-argument");
const malformed = hasCode("peer/malformed");

test("decodeUnfinished() gives back what encodeUnfinished() was given", () => {
  for (const record of [FILE, FOLDER, LOST, COMPLETE, STREAM])
    assert.deepEqual(decodeUnfinished(encodeUnfinished(record)), record);
});

test("decodeUnfinished() takes a note of the version before for what it says", () => {
  const text = Buffer.from(DIGEST).toString("base64url");
  for (const [boot, said] of [
    ["b", { boot: "b" }],
    ["lost", { boot: undefined }],
    [`whole-${text}`, { boot: undefined, digest: DIGEST, names: ["a.bin"] }],
  ] as const)
    assert.deepEqual(decodeUnfinished(ofBefore(boot)), { ...FILE, note: { ...NOTE, ...said } });
  for (const wrong of ["", text.slice(1), `${text}A`, `${text.slice(1)}=`])
    assert.throws(() => decodeUnfinished(ofBefore(`whole-${wrong}`)), malformed, wrong);
});

/** As version 1 wrote it: without a digest, and what comes behind it. */
function ofBefore(boot: string): Uint8Array {
  const bytes = encodeUnfinished({ ...FILE, note: { ...NOTE, boot } });
  bytes[0] = 1;
  return bytes.subarray(0, -8);
}

test("encodeUnfinished() refuses what could not be read again", () => {
  const long = (bytes: number): string => "x".repeat(bytes + 1);
  const wrong: UnfinishedRecord[] = [
    { ...FILE, content: { ...FILE.content, name: long(FILE_NAME_BYTES_MAX) } },
    { ...FILE, relayName: long(NAME_BYTES_MAX) },
    { ...FILE, paths: [long(PATH_BYTES_MAX)] },
    { ...FILE, note: { ...NOTE, directory: long(PATH_BYTES_MAX) } },
    { ...FILE, note: { ...NOTE, boot: long(64) } },
    { ...FILE, note: { ...NOTE, digest: DIGEST.subarray(1), names: ["a"] } },
    { ...FILE, note: { ...NOTE, digest: DIGEST, names: [long(STORED_NAME_BYTES_MAX)] } },
    { ...FILE, note: { ...NOTE, digest: DIGEST, names: MANY } },
    { ...FILE, transfers: [new Uint8Array(15)] },
    { ...FILE, transfers: Array.from({ length: TOO_MANY }, () => new Uint8Array(16)) },
    { ...FILE, paths: Array.from({ length: 65 }, () => long(PATH_BYTES_MAX - 2)) },
  ];
  for (const record of wrong) assert.throws(() => encodeUnfinished(record), refused);
  const paths = Array.from({ length: 63 }, () => long(PATH_BYTES_MAX - 2));
  assert.ok(encodeUnfinished({ ...FILE, paths }).length < UNFINISHED_RECORD_BYTES_MAX);
});

test("decodeUnfinished() refuses what was not encoded, byte by byte", () => {
  for (const record of [FILE, FOLDER, COMPLETE, STREAM]) {
    const bytes = encodeUnfinished(record);
    for (let length = 0; length < bytes.length; length++)
      assert.throws(() => decodeUnfinished(bytes.subarray(0, length)), malformed);
    assert.throws(() => decodeUnfinished(Uint8Array.of(...bytes, 0)), malformed);
  }
  const changed = (at: number, value: number): Uint8Array => {
    const bytes = encodeUnfinished(STREAM);
    bytes[at] = value;
    return bytes;
  };
  // Version, kind, profile, flags, a size that is not known, entries and bytes of no directory;
  // how many transfers.
  for (const [at, value] of [
    [0, 3],
    [1, 4],
    [2, 3],
    [3, 64],
    [encodeUnfinished(STREAM).length - 33, 0],
    [encodeUnfinished(STREAM).length - 33, UNFINISHED_TRANSFERS_MAX + 1],
    [11, 1],
    [15, 1],
    [19, 1],
  ] as const)
    assert.throws(() => decodeUnfinished(changed(at, value)), malformed, `byte ${at}`);
  for (const manifest of [
    { entries: MANIFEST_ENTRIES_MAX + 1, bytes: 30 },
    { entries: 2, bytes: MANIFEST_BYTES_MAX + 1 },
  ]) {
    const content = { ...FOLDER.content, manifest };
    assert.throws(() => decodeUnfinished(encodeUnfinished({ ...FOLDER, content })), malformed);
  }
  const short = encodeUnfinished(FILE);
  assert.equal(decodeUnfinished(short).note?.digest, undefined);
  for (const [digest, names] of [
    [DIGEST.subarray(1), []],
    [new Uint8Array(0), ["a"]],
    [DIGEST, MANY],
  ] as const) {
    const written = new ByteWriter().lv(digest).u32(names.length);
    for (const name of names) written.text(name);
    const wrong = concat(short.subarray(0, -8), written.bytes());
    assert.throws(() => decodeUnfinished(wrong), malformed);
  }
  const error = "no/code" as "peer/gone";
  assert.throws(() => decodeUnfinished(encodeUnfinished({ ...FILE, error })), malformed);
});

test("decodeUnfinished() never throws anything else, whatever it is given", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
      ifWellFormed(() => decodeUnfinished(bytes));
    }),
  );
});
