/** `vectors/records.json`: the frames of docs/protocol-transfers.md 8, byte by byte, twice. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { unhex } from "../../test/plain-crypto.ts";
import {
  plainFrame,
  plainReverse,
  type PlainFrame,
  type PlainReverse,
} from "../../test/plain-records.ts";
import { concat, hex } from "../bytes.ts";
import { nobleSuite as suite } from "../crypto/noble-suite.ts";
import type { InstantMs } from "../time.ts";
import { RecordReceiver, type Incoming, type Outcome } from "./record-receiver.ts";
import { RecordSender } from "./record-sender.ts";
import { ReverseSealer, type ReverseFrame } from "./reverse-frame.ts";

interface Frame extends PlainFrame {
  readonly sessionKey: string;
  readonly body: string;
  readonly plaintext: string;
  readonly nonce: string;
  readonly associatedData: string;
  readonly bytes: string;
}

interface Vectors {
  readonly transcript: string;
  readonly wrapKey: string;
  readonly reverseKey: string;
  readonly sessionMs: number;
  readonly transfer: Transfer;
  readonly resumed: Transfer & { readonly fromOffset: number; readonly statement: string };
  readonly cancelled: { readonly fromOffset: number; readonly frames: readonly Frame[] };
  readonly reverse: readonly (PlainReverse & { readonly bytes: string })[];
}

interface Transfer {
  readonly total: number;
  readonly digest: string;
  readonly content: string;
  readonly frames: readonly Frame[];
}

const path = join(import.meta.dirname, "../../../../vectors/records.json");
const vectors = JSON.parse(readFileSync(path, "utf8")) as Vectors;
const bytes = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, "hex"));
const at = (ms: number): InstantMs => ms as InstantMs;

const common = {
  suite,
  th: bytes(vectors.transcript),
  reverseKey: bytes(vectors.reverseKey),
  sessionMs: vectors.sessionMs,
};

/** The session keys that the frames name, so that the sender makes the same bytes. */
function keysOf(frames: readonly Frame[]) {
  const sessions = frames.filter(({ frame }) => frame === "session");
  return {
    next(j: number) {
      const session = sessions.find((frame) => frame.j === j);
      assert.ok(session !== undefined);
      return { key: bytes(session.sessionKey), body: bytes(session.body) };
    },
    wipe: () => undefined,
  };
}

function unwrap(j: number, body: Uint8Array): Uint8Array | undefined {
  const nonce = new Uint8Array(12);
  new DataView(nonce.buffer).setUint32(8, j);
  return suite.open(bytes(vectors.wrapKey), nonce, common.th, body);
}

test("plain node:crypto makes the bytes of the vectors", () => {
  const th = unhex(vectors.transcript);
  for (const { frames } of [vectors.transfer, vectors.resumed, vectors.cancelled]) {
    let key: Buffer = Buffer.alloc(0);
    for (const frame of frames) {
      if (frame.frame === "session") key = unhex(frame.sessionKey);
      assert.equal(plainFrame(th, key, frame), frame.bytes);
    }
  }
  vectors.reverse.forEach(({ bytes: expected, ...frame }, seq) =>
    assert.equal(plainReverse(th, unhex(vectors.reverseKey), seq, frame), expected),
  );
});

const TRANSFERS = {
  transfer: { ...vectors.transfer, fromOffset: 0, statement: "" },
  resumed: vectors.resumed,
};

for (const [name, transfer] of Object.entries(TRANSFERS)) {
  test(`RecordSender writes the frames of the vectors: ${name}`, () => assertWrites(transfer));
  test(`RecordReceiver takes the frames of the vectors: ${name}`, () => assertTakes(transfer));
}

function assertWrites({ frames, total, digest, fromOffset, statement }: Vectors["resumed"]): void {
  const keys = keysOf(frames);
  const sender = new RecordSender({ ...common, keys, fromOffset, startedAt: at(0) });
  for (const frame of frames) {
    if (frame.frame === "session") {
      assert.equal(hex(sender.sessionFor(1, at(frame.elapsedMs)) ?? bytes("")), frame.bytes);
    } else if (frame.frame === "last") {
      const last = sender.last(at(frame.elapsedMs), bytes(statement));
      assert.deepEqual(last.map(hex), [frame.bytes]);
    } else {
      const plaintext = bytes(frame.plaintext);
      const plan = sender.plan(plaintext.length, at(frame.elapsedMs));
      assert.equal(hex(plan.nonce), frame.nonce);
      assert.equal(hex(plan.aad), frame.associatedData);
      const sealed = suite.seal(plan.key, plan.nonce, plan.aad, plaintext);
      assert.equal(hex(concat(plan.header, sealed)), frame.bytes);
      sender.sealed(sealed.subarray(-16));
    }
  }
  assert.equal(sender.offset, total);
  assert.ok(frames.at(-1)?.plaintext?.endsWith(digest + statement));
}

function receive(receiver: RecordReceiver, frame: Frame, content: Uint8Array[]): Outcome {
  const frameBytes = bytes(frame.bytes);
  const rest = frameBytes.subarray(32);
  const incoming: Incoming = receiver.frame(frameBytes.subarray(0, 32), at(frame.elapsedMs));
  if (incoming.kind === "session")
    return receiver.session(rest, unwrap(incoming.j, rest.subarray(0, -16)));
  if (incoming.kind === "end") return receiver.end(rest);
  assert.ok(incoming.kind === "content");
  const opened = suite.open(incoming.key, incoming.nonce, incoming.aad, rest);
  if (opened !== undefined) content.push(opened);
  return receiver.content(opened !== undefined, rest.subarray(-16));
}

function assertTakes(transfer: Vectors["resumed"]): void {
  const { frames, total, digest, content, fromOffset } = transfer;
  const statement = bytes(transfer.statement);
  const options = { ...common, bodyBytes: 48, fromOffset, size: total };
  const receiver = new RecordReceiver({ ...options, statementBytes: statement.length });
  const taken: Uint8Array[] = [];
  const outcomes = frames.map((frame) => receive(receiver, frame, taken));
  assert.equal(hex(concat(...taken)), content);
  assert.deepEqual(outcomes.at(-1), { kind: "complete", total, digest: bytes(digest), statement });
}

test("the vectors' cancelled transfer is written and taken as such", () => {
  const { frames, fromOffset } = vectors.cancelled;
  const [session, end] = frames;
  assert.ok(session !== undefined && end !== undefined);
  const options = { ...common, bodyBytes: 48, fromOffset, size: undefined };
  const receiver = new RecordReceiver(options);
  // A session of its own: it is the third of the sender, and here the first.
  assert.equal(receiver.frame(bytes(session.bytes).subarray(0, 32), at(0)).kind, "skip");

  const keys = { ...keysOf(frames), next: () => keysOf(frames).next(3) };
  const sender = new RecordSender({ ...common, keys, fromOffset, startedAt: at(0) });
  sender.nextSession(at(0));
  sender.nextSession(at(0));
  assert.equal(hex(sender.nextSession(at(session.elapsedMs))), session.bytes);
  assert.deepEqual(sender.cancelled(2, at(end.elapsedMs)).map(hex), [end.bytes]);
});

test("ReverseSealer writes the reverse frames of the vectors", () => {
  const sealer = new ReverseSealer(suite, common.th, common.reverseKey);
  for (const { bytes: expected, ...fields } of vectors.reverse) {
    const binary = ["digest", "statement"].flatMap((name) =>
      fields[name] === undefined ? [] : [[name, bytes(`${fields[name]}`)]],
    );
    const frame = { ...fields, ...Object.fromEntries(binary) };
    assert.equal(hex(sealer.seal(frame as ReverseFrame)), expected);
  }
});
