import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { anyClientFrame, anyPing, anyRelayFrame } from "../../test/link-frames.ts";
import { concat, hex, utf8 } from "../bytes.ts";
import { PosternError, type ErrorCode } from "../errors.ts";
import { encodeId } from "../identity.ts";
import {
  ENVELOPE_BYTES_MAX,
  KEY_PACKAGE_BYTES,
  LINK_FRAME_BYTES_MAX,
  PACKAGES_PER_IDENTITY_MAX,
  PAIR_MESSAGE_BYTES_MAX,
  RECEIVERS_PER_PAGE,
} from "../limits.ts";
import {
  decodeLinkFrame,
  encodeLinkFrame,
  isClientFrame,
  isRelayFrame,
  type LinkFrame,
  type LinkRole,
} from "./frames.ts";

const ID = encodeId(fill(32, 0xaa));
const TO = fill(32, 0xbb);
const TID = fill(16, 0xcc);
const KEY = fill(384, 0xdd);
const PACKAGE = fill(KEY_PACKAGE_BYTES, 0x99);

/** Frames whose last field takes what is there. */
const OPEN: ReadonlySet<LinkFrame["kind"]> = new Set([
  "envelope",
  "delivery",
  "rsa-certificate",
  "auth-open",
  "certificate",
  "package",
  "pair-send",
  "pair-message",
] as const);

/** The layout of every frame, byte for byte. */
const LAYOUTS: readonly (readonly [LinkRole, LinkFrame, string])[] = [
  ["client", { kind: "ping", token: 0x0102030405 }, "01 0000000102030405"],
  ["relay", { kind: "pong", token: 7 }, "02 0000000000000007"],
  ["client", { kind: "presence", free: 258, listed: true, profiles: 5 }, "10 0102 01 05"],
  ["client", { kind: "list-receivers", request: 1, after: "" }, "11 00000001 00"],
  ["client", { kind: "list-receivers", request: 2, after: "bo" }, "11 00000002 02 626f"],
  ["client", { kind: "find", request: 3, name: "a.b" }, "12 00000003 03 612e62"],
  [
    "client",
    { kind: "envelope", request: 4, to: TO, body: fill(2, 9) },
    `13 00000004 ${hex(TO)} 0909`,
  ],
  [
    "client",
    { kind: "open-pipe", request: 5, to: TO, transfer: TID },
    `14 00000005 ${hex(TO)} ${hex(TID)}`,
  ],
  ["client", { kind: "rsa-certificate", certificate: fill(3, 1) }, "15 010101"],
  [
    "client",
    { kind: "key-up", request: 6, to: TO, transfer: TID, use: "next", ciphertext: KEY },
    `16 00000006 ${hex(TO)} ${hex(TID)} 01 ${hex(KEY)}`,
  ],
  ["client", { kind: "auth-open", nonce: TO, certificate: fill(2, 3) }, `17 ${hex(TO)} 0303`],
  ["client", { kind: "auth-response", ciphertext: KEY, mac: TO }, `18 ${hex(KEY)} ${hex(TO)}`],
  ["client", { kind: "fetch-certificate", request: 6, of: TO }, `19 00000006 ${hex(TO)}`],
  [
    "client",
    { kind: "publish-packages", request: 10, replace: true, packages: [PACKAGE, PACKAGE] },
    `1a 0000000a 01 02 ${hex(PACKAGE)} ${hex(PACKAGE)}`,
  ],
  [
    "client",
    { kind: "publish-packages", request: 10, replace: false, packages: [] },
    "1a 0000000a 00 00",
  ],
  ["client", { kind: "fetch-package", request: 11, of: TO }, `1b 0000000b ${hex(TO)}`],
  ["client", { kind: "pair-open", request: 12 }, "1c 0000000c"],
  ["client", { kind: "pair-join", request: 13, slot: 999 }, "1d 0000000d 000003e7"],
  ["client", { kind: "pair-send", slot: 37, body: fill(2, 7) }, "1e 00000025 0707"],
  ["client", { kind: "pair-close", slot: 37 }, "1f 00000025"],
  [
    "relay",
    {
      kind: "receivers",
      request: 7,
      more: true,
      receivers: [{ name: "z", id: ID, free: 3, profiles: 1 }],
    },
    `40 00000007 01 0001 01 7a ${hex(ID)} 0003 01`,
  ],
  [
    "relay",
    { kind: "found", request: 8, status: "busy", id: ID, profiles: 6 },
    `41 00000008 02 ${hex(ID)} 06`,
  ],
  ["relay", { kind: "result", request: 9, status: "failed" }, "42 00000009 05"],
  ["relay", { kind: "delivery", from: ID, name: "q", body: fill(1, 8) }, `43 ${hex(ID)} 01 71 08`],
  [
    "relay",
    { kind: "pipe-ticket", peer: TO, transfer: TID, ticket: fill(32, 0xee) },
    `44 ${hex(TO)} ${hex(TID)} ${"ee".repeat(32)}`,
  ],
  ["relay", { kind: "rsa-key", spki: fill(2, 4) }, "45 00000002 0404"],
  [
    "relay",
    { kind: "key-down", from: ID, transfer: TID, use: "this", ciphertext: KEY },
    `46 ${hex(ID)} ${hex(TID)} 00 ${hex(KEY)}`,
  ],
  ["relay", { kind: "peer-gone", peer: TO }, `47 ${hex(TO)}`],
  ["relay", { kind: "notice", notice: "superseded", afterMs: 256 }, "48 01 00000100"],
  [
    "relay",
    { kind: "auth-challenge", spki: fill(2, 4), ciphertext: KEY },
    `49 00000002 0404 ${hex(KEY)}`,
  ],
  ["relay", { kind: "auth-confirm", mac: TO }, `4a ${hex(TO)}`],
  ["relay", { kind: "certificate", request: 9, certificate: fill(2, 5) }, "4b 00000009 0505"],
  ["relay", { kind: "certificate", request: 9, certificate: fill(0, 5) }, "4b 00000009"],
  ["relay", { kind: "policy", profiles: 6 }, "4c 06"],
  [
    "relay",
    {
      kind: "packages-held",
      request: 14,
      held: [
        { kid: TID, type: "last-resort" },
        { kid: fill(16, 1), type: "one-time" },
      ],
    },
    `4d 0000000e 02 ${hex(TID)} 01 ${"01".repeat(16)} 00`,
  ],
  ["relay", { kind: "package", request: 15, keyPackage: PACKAGE }, `4e 0000000f ${hex(PACKAGE)}`],
  ["relay", { kind: "package", request: 15, keyPackage: fill(0, 0) }, "4e 0000000f"],
  [
    "relay",
    { kind: "pair-slot", request: 16, slot: 37, validMs: 256 },
    "4f 00000010 00000025 00000100",
  ],
  ["relay", { kind: "pair-joined", slot: 37 }, "50 00000025"],
  ["relay", { kind: "pair-message", slot: 37, body: fill(2, 7) }, "51 00000025 0707"],
  ["relay", { kind: "pair-closed", slot: 37, reason: "closed" }, "52 00000025 01"],
  ["relay", { kind: "pair-closed", slot: 37, reason: "expired" }, "52 00000025 02"],
  ["relay", { kind: "pair-closed", slot: 37, reason: "gone" }, "52 00000025 03"],
];

for (const [from, frame, layout] of LAYOUTS) {
  test(`encodeLinkFrame() lays out ${frame.kind} as docs/protocol.md 5.1 says`, () => {
    assert.equal(hex(encodeLinkFrame(frame)), layout.replaceAll(" ", ""));
    assert.deepEqual(decodeLinkFrame(unhex(layout), from), frame);
  });
}

test("decodeLinkFrame() gives back what encodeLinkFrame() was given", () => {
  const cases: readonly (readonly [LinkRole, fc.Arbitrary<LinkFrame>])[] = [
    ["client", fc.oneof(anyClientFrame, anyPing)],
    ["relay", fc.oneof(anyRelayFrame, anyPing)],
  ];
  for (const [from, frames] of cases)
    fc.assert(
      fc.property(frames, (frame) => {
        assert.deepEqual(decodeLinkFrame(encodeLinkFrame(frame), from), frame);
      }),
      { numRuns: 300 },
    );
});

test("P-01 decodeLinkFrame() refuses every frame cut anywhere but in an open body", () => {
  for (const [from, frame] of LAYOUTS) {
    const bytes = encodeLinkFrame(frame);
    for (let cut = 0; cut < bytes.length; cut++) {
      if (OPEN.has(frame.kind) && code(bytes.subarray(0, cut), from) === undefined) continue;
      assert.equal(code(bytes.subarray(0, cut), from), "link/malformed", `${frame.kind} ${cut}`);
    }
  }
});

test("P-03 decodeLinkFrame() refuses trailing bytes", () => {
  for (const [from, frame] of LAYOUTS) {
    if (OPEN.has(frame.kind)) continue;
    const longer = concat(encodeLinkFrame(frame), Uint8Array.of(0));
    assert.equal(code(longer, from), "link/malformed", frame.kind);
  }
});

test("P-03 decodeLinkFrame() refuses unknown types below 0x80 and ignores the others", () => {
  const known = new Set(LAYOUTS.map(([, frame]) => encodeLinkFrame(frame)[0]));
  for (let type = 0; type < 256; type++) {
    if (known.has(type)) continue;
    for (const from of ["client", "relay"] as const) {
      const expected = type < 0x80 ? "link/unexpected-frame" : undefined;
      assert.equal(code(Uint8Array.of(type, 1, 2), from), expected, `type ${type}`);
    }
  }
  assert.equal(decodeLinkFrame(Uint8Array.of(0x80), "relay"), undefined);
});

test("C-12 decodeLinkFrame() refuses what only the other side sends", () => {
  for (const [from, frame] of LAYOUTS) {
    const both = frame.kind === "ping" || frame.kind === "pong";
    const other = from === "client" ? "relay" : "client";
    const expected = both ? undefined : "link/unexpected-frame";
    assert.equal(code(encodeLinkFrame(frame), other), expected, frame.kind);
    assert.equal(isClientFrame(frame), !both && from === "client");
    assert.equal(isRelayFrame(frame), !both && from === "relay");
  }
});

test("P-07 decodeLinkFrame() answers any bytes with a frame or a link error", () => {
  const types = LAYOUTS.map(([, frame]) => encodeLinkFrame(frame)[0]!);
  const anyBytes = fc
    .tuple(fc.constantFrom(...types), fc.uint8Array({ maxLength: 500 }))
    .map(([type, body]) => concat(Uint8Array.of(type), body));
  fc.assert(
    fc.property(anyBytes, fc.constantFrom("client" as const, "relay" as const), (bytes, from) => {
      code(bytes, from);
    }),
    { numRuns: 1_000 },
  );
});

const REFUSED: readonly (readonly [string, LinkRole, string])[] = [
  ["a token above 2^53 - 1", "client", "01 0020000000000000"],
  ["a listed that is no boolean", "client", "10 0001 02 01"],
  ["an unknown profile bit", "client", "10 0001 01 08"],
  ["request 0", "client", "12 00000000 01 61"],
  ["an empty name to find", "client", "12 00000001 00"],
  ["a name over 32", "client", `12 00000001 21 ${"61".repeat(33)}`],
  ["a name in upper case", "client", "12 00000001 01 41"],
  ["a name with ESC", "client", "12 00000001 01 1b"],
  ["a name that is not ASCII", "client", "12 00000001 02 c3a9"],
  ["an empty envelope", "client", `13 00000001 ${hex(TO)}`],
  ["an envelope over its bound", "client", `13 00000001 ${hex(TO)} ${"00".repeat(61_441)}`],
  ["a certificate over its bound", "client", `15 ${"00".repeat(589)}`],
  ["an empty certificate", "client", "15"],
  ["an auth-open without a certificate", "client", `17 ${hex(TO)}`],
  ["an auth-open over its bound", "client", `17 ${hex(TO)} ${"00".repeat(589)}`],
  ["a request 0 for a certificate", "client", `19 00000000 ${hex(TO)}`],
  ["an unlisted use", "client", `16 00000001 ${hex(TO)} ${hex(TID)} 02 ${hex(KEY)}`],
  ["P-01 a count over a page", "relay", "40 00000001 00 0101"],
  ["P-01 a count over what is there", "relay", "40 00000001 00 0100"],
  ["P-04 an empty page that promises more", "relay", "40 00000001 01 0000"],
  ["an unlisted found status", "relay", `41 00000001 04 ${hex(ID)} 00`],
  ["an ID for one who is unknown", "relay", `41 00000001 00 ${hex(ID)} 00`],
  ["profiles of one who is absent", "relay", `41 00000001 03 ${hex(ID)} 01`],
  ["C-11 an ID of another version", "relay", `41 00000001 01 02${hex(ID).slice(2)} 01`],
  ["C-11 an ID of another suite", "relay", `43 010002${hex(ID).slice(6)} 01 61 00`],
  ["an unlisted result", "relay", "42 00000001 06"],
  ["an SPKI over its bound", "relay", `45 00000201 ${"00".repeat(513)}`],
  ["an empty SPKI", "relay", "45 00000000"],
  ["P-01 an SPKI of 2^32 - 1 bytes", "relay", "45 ffffffff 00"],
  ["a challenge without a key", "relay", `49 00000000 ${hex(KEY)}`],
  ["a challenge with a key over its bound", "relay", `49 00000201 ${"00".repeat(897)}`],
  ["a policy with an unknown profile", "relay", "4c 08"],
  ["a certificate answer over its bound", "relay", `4b 00000001 ${"00".repeat(589)}`],
  ["P-01 packages beyond those of one identity", "client", `1a 00000001 00 22 ${hex(PACKAGE)}`],
  ["P-01 a count of packages over what is there", "client", `1a 00000001 00 02 ${hex(PACKAGE)}`],
  ["P-03 a package behind the count", "client", `1a 00000001 00 00 ${hex(PACKAGE)}`],
  ["a replace that is no boolean", "client", "1a 00000001 02 00"],
  [
    "P-01 held packages beyond those of one identity",
    "relay",
    `4d 00000001 22 ${"00".repeat(578)}`,
  ],
  ["a held package of type reply", "relay", `4d 00000001 01 ${hex(TID)} 02`],
  ["P-03 a package that is one byte long", "relay", "4e 00000001 01"],
  ["P-03 a package with a byte behind it", "relay", `4e 00000001 ${hex(PACKAGE)} 00`],
  ["request 0 for a slot", "client", "1c 00000000"],
  ["an empty pair-send", "client", "1e 00000001"],
  ["P-01 a pair-send over its bound", "client", `1e 00000001 ${"00".repeat(513)}`],
  ["an empty pair-message", "relay", "51 00000001"],
  ["P-01 a pair-message over its bound", "relay", `51 00000001 ${"00".repeat(513)}`],
  ["pair-closed without a reason", "relay", "52 00000001 00"],
  ["pair-closed with an unlisted reason", "relay", "52 00000001 04"],
  ["notice 0", "relay", "48 00 00000000"],
  ["notice 4", "relay", "48 04 00000000"],
];

for (const [what, from, bytes] of REFUSED) {
  test(`decodeLinkFrame() refuses ${what}`, () => {
    assert.equal(code(unhex(bytes), from), "link/malformed");
  });
}

const UNSENDABLE: readonly LinkFrame[] = [
  { kind: "ping", token: -1 },
  { kind: "presence", free: 65_536, listed: true, profiles: 1 },
  { kind: "presence", free: 1, listed: true, profiles: 8 },
  { kind: "find", request: 0, name: "a" },
  { kind: "find", request: 2 ** 32, name: "a" },
  { kind: "find", request: 1, name: "A" },
  { kind: "list-receivers", request: 1, after: "é" },
  { kind: "envelope", request: 1, to: TO, body: new Uint8Array(0) },
  { kind: "envelope", request: 1, to: TO, body: fill(ENVELOPE_BYTES_MAX + 1, 0) },
  { kind: "envelope", request: 1, to: TO.subarray(1), body: fill(1, 0) },
  { kind: "open-pipe", request: 1, to: TO, transfer: TO },
  { kind: "peer-gone", peer: ID },
  { kind: "rsa-key", spki: fill(513, 0) },
  { kind: "rsa-certificate", certificate: fill(589, 0) },
  { kind: "notice", notice: "restarting", afterMs: 0.5 },
  { kind: "auth-open", nonce: TID, certificate: fill(1, 0) },
  { kind: "auth-response", ciphertext: KEY, mac: KEY },
  { kind: "auth-challenge", spki: fill(1, 0), ciphertext: TO },
  { kind: "auth-confirm", mac: TID },
  { kind: "fetch-certificate", request: 1, of: TID },
  { kind: "certificate", request: 1, certificate: fill(589, 0) },
  { kind: "publish-packages", request: 1, replace: false, packages: [TO] },
  {
    kind: "publish-packages",
    request: 1,
    replace: false,
    packages: Array.from({ length: PACKAGES_PER_IDENTITY_MAX + 1 }, () => PACKAGE),
  },
  { kind: "fetch-package", request: 1, of: TID },
  { kind: "packages-held", request: 1, held: [{ kid: TO, type: "one-time" }] },
  { kind: "package", request: 1, keyPackage: TO },
  { kind: "pair-join", request: 1, slot: 2 ** 32 },
  { kind: "pair-send", slot: 1, body: fill(0, 0) },
  { kind: "pair-send", slot: 1, body: fill(PAIR_MESSAGE_BYTES_MAX + 1, 0) },
  { kind: "pair-slot", request: 1, slot: 1, validMs: -1 },
];

test("encodeLinkFrame() refuses values that no frame can carry", () => {
  for (const frame of UNSENDABLE)
    assert.throws(
      () => encodeLinkFrame(frame),
      (error) => error instanceof PosternError && error.code === "usage/invalid-argument",
      frame.kind,
    );
});

test("the largest frames fit into LINK_FRAME_BYTES_MAX", () => {
  const name = "n".repeat(32);
  const body = fill(ENVELOPE_BYTES_MAX, 1);
  const entry = { name, id: ID, free: 1, profiles: 7 };
  const receivers = Array.from({ length: RECEIVERS_PER_PAGE }, () => entry);
  const packages = Array.from({ length: PACKAGES_PER_IDENTITY_MAX }, () => PACKAGE);
  const largest: readonly LinkFrame[] = [
    { kind: "envelope", request: 1, to: TO, body },
    { kind: "delivery", from: ID, name, body },
    { kind: "receivers", request: 1, more: true, receivers },
    { kind: "publish-packages", request: 1, replace: true, packages },
  ];
  for (const frame of largest)
    assert(encodeLinkFrame(frame).length + 16 <= LINK_FRAME_BYTES_MAX, frame.kind);
});

test("decodeLinkFrame() repeats no text of the peer in its error", () => {
  const bytes = concat(unhex("12 00000001 06"), utf8("SECRET"));
  assert.throws(() => decodeLinkFrame(bytes, "client"), { message: /^(?!.*SECRET)/s });
});

/** `undefined` when it decodes or is ignored. Anything but a link error fails the test. */
function code(bytes: Uint8Array, from: LinkRole): ErrorCode | undefined {
  try {
    decodeLinkFrame(bytes, from);
    return undefined;
  } catch (error) {
    assert(error instanceof PosternError);
    assert.match(error.code, /^link\/(malformed|unexpected-frame)$/);
    return error.code;
  }
}

function fill(length: number, value: number): Uint8Array {
  return new Uint8Array(length).fill(value);
}

function unhex(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text.replaceAll(" ", ""), "hex"));
}
