import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { codeOf, otherLengths, put, secret, TRANSFER } from "../../test/exchange-lab.ts";
import { concat, hex } from "../bytes.ts";
import { ENVELOPE_BYTES_MAX, HEADER_BYTES_MAX } from "../limits.ts";
import {
  decodeTransferEnvelope,
  encodeTransferEnvelope,
  FRAMES_PER_ENVELOPE_BYTES_MAX,
  receiptPrefix,
  sealedAnswerPrefix,
  type TransferEnvelope,
} from "./envelope.ts";
import { CLEAR_VERDICTS, encodeVerdict } from "../exchange/verdict.ts";

const FRAMES = secret("frames", 100);
const SEALED = secret("sealed", 57);
const transfer = TRANSFER;

const EVERY_KIND: readonly (readonly [TransferEnvelope, string])[] = [
  [
    {
      kind: "offer",
      transfer,
      outer: Uint8Array.of(1, 2),
      sealedHeader: Uint8Array.of(3),
      content: Uint8Array.of(4),
    },
    `01${hex(transfer)}000000020102000000010304`,
  ],
  [{ kind: "answer", transfer, sealed: SEALED }, `02${hex(transfer)}01${hex(SEALED)}`],
  [{ kind: "refusal", transfer, verdict: "busy" }, `02${hex(transfer)}0002`],
  [{ kind: "content", transfer, frames: FRAMES }, `03${hex(transfer)}${hex(FRAMES)}`],
  [{ kind: "reverse", transfer, frames: FRAMES }, `04${hex(transfer)}${hex(FRAMES)}`],
  [{ kind: "receipt", transfer, sealed: SEALED }, `05${hex(transfer)}${hex(SEALED)}`],
  [{ kind: "withdraw", transfer, reason: 3 }, `06${hex(transfer)}03`],
  [
    { kind: "close", transfer, outer: Uint8Array.of(1, 2), sealedHeader: Uint8Array.of(3) },
    `07${hex(transfer)}0000000201020000000103`,
  ],
  [{ kind: "resync", transfer, resync: SEALED }, `08${hex(transfer)}${hex(SEALED)}`],
];

test("encodeTransferEnvelope() lays out each kind as docs/protocol.md 9 says", () => {
  for (const [envelope, expected] of EVERY_KIND)
    assert.equal(hex(encodeTransferEnvelope(envelope)), expected, envelope.kind);
});

test("decodeTransferEnvelope() gives back what encodeTransferEnvelope() took", () => {
  for (const [envelope] of EVERY_KIND)
    assert.deepEqual(decodeTransferEnvelope(encodeTransferEnvelope(envelope)), envelope);
});

test("decodeTransferEnvelope() gives back any offer, answer, content and receipt", () => {
  const bytes = fc.uint8Array({ maxLength: 500 });
  fc.assert(
    fc.property(bytes, bytes, (a, b) => {
      const envelopes: readonly TransferEnvelope[] = [
        { kind: "offer", transfer, outer: a, sealedHeader: b, content: a },
        { kind: "answer", transfer, sealed: a },
        { kind: "content", transfer, frames: a },
        { kind: "receipt", transfer, sealed: b },
      ];
      for (const envelope of envelopes)
        assert.deepEqual(decodeTransferEnvelope(encodeTransferEnvelope(envelope)), envelope);
    }),
  );
});

test("P-01 decodeTransferEnvelope() refuses every other length of kinds that have one", () => {
  for (const [envelope] of EVERY_KIND) {
    if (!["close", "refusal", "withdraw"].includes(envelope.kind)) continue;
    for (const bytes of otherLengths(encodeTransferEnvelope(envelope)))
      assert.equal(
        codeOf(() => decodeTransferEnvelope(bytes)),
        "peer/malformed",
      );
  }
});

test("P-01 decodeTransferEnvelope() refuses less than kind and transfer for every kind", () => {
  for (let kind = 0; kind < 256; kind++)
    for (const length of [0, 1, 16]) {
      const bytes = put(new Uint8Array(17), 0, [kind]).subarray(0, length);
      assert.equal(
        codeOf(() => decodeTransferEnvelope(bytes)),
        "peer/malformed",
      );
    }
});

test("P-03 decodeTransferEnvelope() refuses unknown kinds, forms and verdicts", () => {
  const rest = new Uint8Array(60);
  for (const kind of [0, 9, 10, 128, 255]) {
    const bytes = concat(Uint8Array.of(kind), transfer, rest);
    assert.equal(
      codeOf(() => decodeTransferEnvelope(bytes)),
      "peer/malformed",
      `kind ${kind}`,
    );
  }
  for (const form of [2, 3, 255]) {
    const bytes = concat(Uint8Array.of(2), transfer, Uint8Array.of(form, 2));
    assert.equal(
      codeOf(() => decodeTransferEnvelope(bytes)),
      "peer/malformed",
      `form ${form}`,
    );
  }
});

test("C-12 decodeTransferEnvelope() takes in the clear only what needs no key", () => {
  const allowed = new Set(CLEAR_VERDICTS.map(encodeVerdict));
  for (let verdict = 0; verdict < 256; verdict++) {
    const bytes = concat(Uint8Array.of(2), transfer, Uint8Array.of(0, verdict));
    const code = codeOf(() => decodeTransferEnvelope(bytes));
    assert.equal(code, allowed.has(verdict) ? undefined : "peer/malformed", `verdict ${verdict}`);
  }
  for (const verdict of CLEAR_VERDICTS) {
    const envelope = { kind: "refusal", transfer, verdict } as const;
    assert.deepEqual(decodeTransferEnvelope(encodeTransferEnvelope(envelope)), envelope);
  }
});

test("S-12 a transfer id of 17 bytes moves no field unnoticed", () => {
  const long = concat(transfer, Uint8Array.of(9));
  for (const [envelope] of EVERY_KIND) {
    const bytes = encodeTransferEnvelope({ ...envelope, transfer: long });
    if (["offer", "answer", "refusal", "withdraw", "close"].includes(envelope.kind)) {
      assert.equal(
        codeOf(() => decodeTransferEnvelope(bytes)),
        "peer/malformed",
        envelope.kind,
      );
      continue;
    }
    // Frames and a sealed receipt are opaque here: the moved byte spoils the frame or the tag.
    const decoded = decodeTransferEnvelope(bytes);
    assert.notDeepEqual(decoded, envelope);
    assert.deepEqual(decoded.transfer, transfer);
  }
});

test("P-01 decodeTransferEnvelope() bounds both parts of an offer before it takes them", () => {
  const most = new Uint8Array(HEADER_BYTES_MAX);
  const more = new Uint8Array(HEADER_BYTES_MAX + 1);
  const cases = [
    [most, most, undefined],
    [more, most, "peer/malformed"],
    [most, more, "peer/malformed"],
  ] as const;
  for (const [outer, sealedHeader, code] of cases) {
    const bytes = encodeTransferEnvelope({
      kind: "offer",
      transfer,
      outer,
      sealedHeader,
      content: new Uint8Array(0),
    });
    assert.equal(
      codeOf(() => decodeTransferEnvelope(bytes)),
      code,
    );
  }
  for (const claim of [0x7fff_ffff, 0x8000_0000, 0xffff_ffff]) {
    const bytes = new Uint8Array(21);
    bytes[0] = 1;
    new DataView(bytes.buffer).setUint32(17, claim);
    assert.equal(
      codeOf(() => decodeTransferEnvelope(bytes)),
      "peer/malformed",
    );
  }
});

test("FRAMES_PER_ENVELOPE_BYTES_MAX fills an envelope exactly", () => {
  const frames = new Uint8Array(FRAMES_PER_ENVELOPE_BYTES_MAX);
  const bytes = encodeTransferEnvelope({ kind: "content", transfer, frames });
  assert.equal(bytes.length, ENVELOPE_BYTES_MAX);
});

test("decodeTransferEnvelope() copies what outlives the frame it came in", () => {
  for (const [envelope] of EVERY_KIND) {
    if (envelope.kind === "content" || envelope.kind === "reverse") continue;
    const bytes = encodeTransferEnvelope(envelope);
    const decoded = decodeTransferEnvelope(bytes);
    bytes.fill(0);
    assert.deepEqual(decoded, envelope);
  }
});

test("C-12 sealed answers and receipts are bound to different bytes", () => {
  assert.equal(hex(sealedAnswerPrefix(transfer)), `02${hex(transfer)}01`);
  assert.equal(hex(receiptPrefix(transfer)), `05${hex(transfer)}`);
});

test("decodeTransferEnvelope() throws nothing but peer/malformed for any bytes", () => {
  const kinds = fc.integer({ min: 0, max: 8 });
  const anything = fc.tuple(kinds, fc.uint8Array({ maxLength: 120 }));
  fc.assert(
    fc.property(anything, ([kind, rest]) => {
      const code = codeOf(() => decodeTransferEnvelope(concat(Uint8Array.of(kind), rest)));
      assert.ok(code === undefined || code === "peer/malformed");
    }),
  );
});
