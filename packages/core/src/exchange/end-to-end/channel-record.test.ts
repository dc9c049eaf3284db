import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { codeOf, put, secret } from "../../../test/exchange-lab.ts";
import { concat } from "../../bytes.ts";
import { OUTBOX_MAX, RECEIPT_BYTES_MAX, RECORD_PADDING_BYTES } from "../../limits.ts";
import type { WallMs } from "../../time.ts";
import {
  decodeReceiverRecord,
  decodeSenderRecord,
  describeChannel,
  encodeReceiverRecord,
  encodeSenderRecord,
} from "./channel-record.ts";
import type { ReceivedEntry } from "./received-transfers.ts";
import type { ReceiverRecord } from "./receiver-channel.ts";
import { NO_SENDER_RECORD, type OutboxEntry, type SenderRecord } from "./sender-channel.ts";

const RENEWED = 1_800_000_000_000 as WallMs;

const entry = (n: number): OutboxEntry => ({
  n,
  transfer: secret(`transfer ${n}`, 16),
  outer: secret(`outer ${n}`, 1_233),
  sealedHeader: secret(`sealed ${n}`, 272),
  content: secret(`content ${n}`, n % 2 === 0 ? 0 : 272),
  transcript: secret(`th ${n}`),
  receiptKey: secret(`receipt ${n}`),
});

const received = (n: number): ReceivedEntry => ({
  n,
  transfer: secret(`transfer ${n}`, 16),
  offer: secret(`offer ${n}`),
  transcript: secret(`th ${n}`),
  state:
    n % 2 === 0
      ? { kind: "open", receiptKey: secret(`receipt ${n}`) }
      : { kind: "closed", receipt: n % OUTBOX_MAX },
});

/** As version 2 had them. */
const receivedBefore = (n: number): ReceivedEntry => ({
  ...received(n),
  state: { kind: "closed", receipt: secret(`receipt ${n}`, RECEIPT_BYTES_MAX) },
});

const numbers = Array.from({ length: OUTBOX_MAX }, (_, n) => n);
const key = (name: string) => ({
  kid: secret(`${name} kid`, 16),
  seed: secret(`${name} seed`),
  publicKey: secret(`${name} key`, 1_216),
});

const SENDER: SenderRecord = {
  lastEpoch: 2 ** 53 - 1,
  package: secret("package", 1_352),
  channel: {
    epoch: 2 ** 52,
    id: secret("id"),
    next: 2 ** 32 - 1,
    transcript: secret("th"),
    chainKey: secret("chain"),
    keyNumber: 7,
    kid: secret("kid", 16),
    publicKey: secret("key", 1_216),
    renewedAt: RENEWED,
    outbox: numbers.map(entry),
  },
};

const RECEIVER: ReceiverRecord = {
  epoch: 2 ** 52,
  id: secret("id"),
  expected: 2 ** 32 - 1,
  transcript: secret("th"),
  chainKey: secret("chain"),
  keyNumber: 7,
  keys: [key("one"), key("two")],
  renewedAt: RENEWED,
  received: numbers.map(received),
  earlier: numbers.map((n) => secret(`earlier ${n}`, 16)),
};

const RECORDS = [
  [encodeSenderRecord(SENDER), decodeSenderRecord],
  [encodeSenderRecord(NO_SENDER_RECORD), decodeSenderRecord],
  [encodeReceiverRecord(RECEIVER), decodeReceiverRecord],
] as const;

/** No sample ends in a zero of its own, but for an empty last line. */
function unpadded(record: Uint8Array): Uint8Array {
  return record.subarray(0, record.findLastIndex((byte) => byte !== 0) + 1);
}

test("decodeSenderRecord() gives back what encodeSenderRecord() took", () => {
  const outbox = [entry(3)];
  for (const record of [
    SENDER,
    NO_SENDER_RECORD,
    { ...SENDER, package: undefined },
    { ...SENDER, channel: undefined },
    { ...SENDER, channel: { ...SENDER.channel!, outbox } },
    { ...SENDER, channel: { ...SENDER.channel!, outbox: [] } },
  ])
    assert.deepEqual(decodeSenderRecord(encodeSenderRecord(record)), record);
});

test("decodeReceiverRecord() gives back what encodeReceiverRecord() took", () => {
  for (const record of [
    RECEIVER,
    { ...RECEIVER, keys: [key("one")] },
    { ...RECEIVER, received: [] },
    { ...RECEIVER, received: [], earlier: [] },
    { ...RECEIVER, received: [receivedBefore(1), received(2), received(3)] },
  ])
    assert.deepEqual(decodeReceiverRecord(encodeReceiverRecord(record)), record);
});

test("decodeReceiverRecord() reads version 1, which knows of no earlier transfers", () => {
  const record = { ...RECEIVER, received: numbers.map(receivedBefore), earlier: [] };
  const encoded = encodeReceiverRecord(record);
  const old = put(unpadded(encoded), 0, [1]);
  assert.deepEqual(decodeReceiverRecord(old), record);
  const withLastLine = concat(old, Uint8Array.of(0));
  for (const other of [withLastLine, put(old, 0, [2]), put(encoded, 0, [4])])
    assert.equal(
      codeOf(() => decodeReceiverRecord(other)),
      "store/failed",
    );
});

test("decodeReceiverRecord() reads version 2, in which the receipts are", () => {
  const record = { ...RECEIVER, received: numbers.map(receivedBefore) };
  const encoded = encodeReceiverRecord(record);
  assert.deepEqual(decodeReceiverRecord(put(unpadded(encoded), 0, [2])), record);
  for (const other of [encoded, unpadded(encodeReceiverRecord(RECEIVER))])
    assert.equal(
      codeOf(() => decodeReceiverRecord(put(other, 0, [2]))),
      "store/failed",
      "which knows of no padding and no slots",
    );
});

test("decodeSenderRecord() reads version 1, which has no padding", () => {
  const encoded = encodeSenderRecord(SENDER);
  assert.deepEqual(decodeSenderRecord(put(unpadded(encoded), 0, [1])), SENDER);
  assert.equal(
    codeOf(() => decodeSenderRecord(put(encoded, 0, [1]))),
    "store/failed",
  );
});

test("records keep their length while a channel serves", () => {
  const lengthOf = (record: ReceiverRecord): number => encodeReceiverRecord(record).length;
  const closed = RECEIVER.received.map(({ n }) => received(2 * n + 1));
  const asked = { ...RECEIVER, received: [...closed.slice(1), received(0)], keys: [key("one")] };
  assert.equal(lengthOf({ ...RECEIVER, received: closed }), lengthOf(asked));
  const channel = { ...SENDER.channel!, outbox: [entry(1)] };
  const before = { ...SENDER, package: undefined, channel };
  const after = { ...before, channel: { ...channel, outbox: [] } };
  assert.equal(encodeSenderRecord(before).length, encodeSenderRecord(after).length);
});

test("P-08 padding that is not zeros, or a block too many, is damaged", () => {
  for (const [bytes, decode] of RECORDS)
    for (const other of [
      put(bytes, bytes.length - 1, [1]),
      put(bytes, unpadded(bytes).length + 9, [1]),
      concat(bytes, new Uint8Array(RECORD_PADDING_BYTES)),
    ])
      assert.equal(
        codeOf(() => decode(other)),
        "store/failed",
      );
});

test("decoders copy what they keep", () => {
  for (const [bytes, decode] of RECORDS) {
    const copy = bytes.slice();
    const decoded = decode(copy);
    copy.fill(0);
    assert.deepEqual(decoded, decode(bytes));
  }
});

test("P-08 a record that is cut anywhere, or longer, is damaged", () => {
  for (const [bytes, decode] of RECORDS) {
    const step = bytes.length > 10_000 ? 97 : 1;
    for (let length = 0; length < bytes.length; length += step)
      assert.equal(
        codeOf(() => decode(bytes.subarray(0, length))),
        "store/failed",
        `${length}`,
      );
    const longer = concat(bytes, Uint8Array.of(0));
    assert.equal(
      codeOf(() => decode(longer)),
      "store/failed",
    );
  }
});

test("P-08 a record of another version, of the other end, or of nothing is damaged", () => {
  const [sender, , receiver] = RECORDS.map(([bytes]) => bytes);
  const damaged = [
    () => decodeSenderRecord(put(sender!, 0, [3])),
    () => decodeReceiverRecord(put(receiver!, 0, [0])),
    () => decodeSenderRecord(receiver!),
    () => decodeReceiverRecord(sender!),
    () => decodeSenderRecord(put(sender!, 1, [3])),
  ];
  for (const [i, decode] of damaged.entries()) assert.equal(codeOf(decode), "store/failed", `${i}`);
});

test("P-08 counts and lengths that lie allocate nothing and are damaged", () => {
  const record = encodeSenderRecord({ ...SENDER, channel: { ...SENDER.channel!, outbox: [] } });
  const countAt = 10 + 4 + 1_352 + 1 + 8 + 32 + 4 + 32 + 32 + 4 + 16 + 1_216 + 8;
  for (const count of [32, 33, 255])
    assert.equal(
      codeOf(() => decodeSenderRecord(put(record, countAt, [count]))),
      "store/failed",
    );
  for (const length of [
    [0xff, 0xff, 0xff, 0xff],
    [0x7f, 0xff, 0xff, 0xff],
    [0, 0, 5, 0x49],
  ])
    assert.equal(
      codeOf(() => decodeSenderRecord(put(record, 10, length))),
      "store/failed",
    );
  const flagAt = 10 + 4 + 1_352;
  assert.equal(
    codeOf(() => decodeSenderRecord(put(record, flagAt, [2]))),
    "store/failed",
  );
  const empty = encodeReceiverRecord({
    ...RECEIVER,
    received: [received(0)],
    earlier: [],
  });
  const keysAt = 2 + 8 + 32 + 4 + 32 + 32 + 4;
  const closedAt = keysAt + 1 + 2 * (16 + 32 + 1_216) + 8 + 1 + 4 + 16 + 32 + 32;
  for (const closed of [2, 3, 255])
    assert.equal(
      codeOf(() => decodeReceiverRecord(put(empty, closedAt, [closed]))),
      "store/failed",
    );
  assert.equal(
    codeOf(() => decodeReceiverRecord(put(empty, keysAt, [3]))),
    "store/failed",
  );
});

test("P-08 more entries than a channel can have are damaged, though each is well-formed", () => {
  const outbox = [...numbers.map(entry), entry(40)];
  const records = [
    () =>
      decodeSenderRecord(
        encodeSenderRecord({ ...SENDER, channel: { ...SENDER.channel!, outbox } }),
      ),
    () =>
      decodeReceiverRecord(
        encodeReceiverRecord({ ...RECEIVER, keys: [key("1"), key("2"), key("3")] }),
      ),
    () =>
      decodeReceiverRecord(
        encodeReceiverRecord({ ...RECEIVER, received: [...numbers, 40].map(received) }),
      ),
    () =>
      decodeReceiverRecord(
        encodeReceiverRecord({ ...RECEIVER, earlier: [...RECEIVER.earlier, secret("33", 16)] }),
      ),
  ];
  for (const [i, decode] of records.entries()) assert.equal(codeOf(decode), "store/failed", `${i}`);
});

test("P-08 a receipt that is too long, and a slot that is none, are damaged", () => {
  for (const receipt of [OUTBOX_MAX, 255, secret("long", RECEIPT_BYTES_MAX + 1)]) {
    const entryOf = { ...received(1), state: { kind: "closed", receipt } as const };
    assert.equal(
      codeOf(() =>
        decodeReceiverRecord(encodeReceiverRecord({ ...RECEIVER, received: [entryOf] })),
      ),
      "store/failed",
    );
  }
});

test("P-08 a receipt's key of another length is damaged", () => {
  const state = { kind: "open", receiptKey: secret("short", 31) } as const;
  const record = encodeReceiverRecord({ ...RECEIVER, received: [{ ...received(0), state }] });
  assert.equal(
    codeOf(() => decodeReceiverRecord(record)),
    "store/failed",
  );
});

test("P-08 any bytes are read, or damaged: nothing else is thrown", () => {
  const [sender, , receiver] = RECORDS.map(([bytes]) => bytes.subarray(0, 4_000));
  const near = fc
    .tuple(fc.constantFrom(sender!, receiver!), fc.nat(3_999), fc.nat(255))
    .map(([bytes, at, value]) => put(bytes, at, [value]));
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 300 }), near), (bytes) => {
      for (const decode of [decodeSenderRecord, decodeReceiverRecord])
        assert.ok([undefined, "store/failed"].includes(codeOf(() => decode(bytes))));
    }),
  );
});

test("describeChannel() tells of either end, and of a record without a channel", () => {
  const [sender, none, receiver] = RECORDS.map(([bytes]) => bytes);
  const shared = { epoch: 2 ** 52, transfers: 2 ** 32 - 1, renewedAt: RENEWED };
  assert.deepEqual(describeChannel(sender!), { ...shared, unacknowledged: 32 });
  assert.deepEqual(describeChannel(receiver!), { ...shared, unacknowledged: 16 });
  assert.equal(describeChannel(none!), undefined);
  assert.equal(
    codeOf(() => describeChannel(sender!.subarray(0, 40))),
    "store/failed",
  );
});
