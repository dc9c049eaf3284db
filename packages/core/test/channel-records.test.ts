/**
 * `inChannel` of `vectors/records.json`: records under the session keys of an end-to-end chain, one
 * of them damaged on the way, from both ends and once more from the text alone.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { concat, hex } from "../src/bytes.ts";
import { nobleSuite as suite } from "../src/crypto/noble-suite.ts";
import { chainSink, chainSource } from "../src/exchange/end-to-end/session-chain.ts";
import { RecordReceiver } from "../src/session/record-receiver.ts";
import { RecordSender } from "../src/session/record-sender.ts";
import type { InstantMs } from "../src/time.ts";
import { expand, label, unhex } from "./plain-crypto.ts";
import { plainFrame, plainReverse, type PlainFrame } from "./plain-records.ts";

interface Frame extends PlainFrame {
  readonly bytes: string;
  readonly damaged?: true;
}

interface InChannel {
  readonly sessionChain: string;
  readonly reverseKey: string;
  readonly total: number;
  readonly digest: string;
  readonly content: string;
  readonly resend: { readonly j: number; readonly offset: number; readonly bytes: string };
  readonly frames: readonly Frame[];
}

const FILE = join(import.meta.dirname, "../../../vectors/records.json");
const vectors = JSON.parse(readFileSync(FILE, "utf8")) as {
  readonly transcript: string;
  readonly sessionMs: number;
  readonly inChannel: InChannel;
};
const { sessionChain, reverseKey, resend, frames, total, digest, content } = vectors.inChannel;
const bytes = (text: string): Uint8Array => Uint8Array.from(unhex(text));
const at = (ms: number): InstantMs => ms as InstantMs;
const common = {
  suite,
  th: bytes(vectors.transcript),
  reverseKey: bytes(reverseKey),
  sessionMs: vectors.sessionMs,
};

test("records.json, in a channel: plain node:crypto makes keys and bytes", () => {
  const th = unhex(vectors.transcript);
  let chain = unhex(sessionChain);
  let step = 1;
  let key: Buffer = Buffer.alloc(0);
  for (const frame of frames) {
    for (; step < frame.j; step++) chain = expand(chain, label("e2e session next"));
    if (frame.frame === "session") {
      key = expand(chain, label("e2e session key"));
      assert.equal(key.toString("hex"), frame.sessionKey);
    }
    assert.equal(plainFrame(th, key, frame), frame.bytes);
  }
  const { bytes: expected, ...said } = resend;
  assert.equal(plainReverse(th, unhex(reverseKey), 0, { kind: "resend", ...said }), expected);
});

test("records.json, in a channel: RecordSender writes it, and again what is asked for", () => {
  const keys = chainSource(suite, { session: bytes(sessionChain) });
  const sender = new RecordSender({ ...common, keys, fromOffset: 0, startedAt: at(0) });
  for (const frame of frames) {
    const now = at(frame.elapsedMs);
    const plaintext = bytes(frame.plaintext ?? "");
    if (frame.frame === "session")
      assert.equal(hex(sender.sessionFor(1, now) ?? bytes("")), frame.bytes);
    else if (frame.frame === "last") assert.deepEqual(sender.last(now).map(hex), [frame.bytes]);
    else {
      const plan = sender.plan(plaintext.length, now);
      const sealed = suite.seal(plan.key, plan.nonce, plan.aad, plaintext);
      assert.equal(hex(concat(plan.header, sealed)), frame.bytes);
      sender.sealed(sealed.subarray(-16));
    }
    if (frame.damaged === undefined) continue;
    const said = bytes(resend.bytes);
    const outcome = sender.reverse(said.subarray(0, 32), said.subarray(32));
    assert.deepEqual(outcome, { kind: "resend", offset: resend.offset, damaged: 1 });
  }
});

test("records.json, in a channel: RecordReceiver asks again, and takes the whole", async () => {
  const chain = chainSink(suite, { session: bytes(sessionChain) });
  const receiver = new RecordReceiver({ ...common, bodyBytes: 0, fromOffset: 0, size: total });
  const taken: Uint8Array[] = [];
  const outcomes = [];
  for (const frame of frames) {
    const whole = bytes(frame.bytes);
    if (frame.damaged === true) whole[whole.length - 1]! ^= 1;
    const rest = whole.subarray(32);
    const incoming = receiver.frame(whole.subarray(0, 32), at(frame.elapsedMs));
    if (incoming.kind === "session")
      outcomes.push(receiver.session(rest, await chain.open(incoming.j, rest.subarray(0, -16))));
    else if (incoming.kind === "end") outcomes.push(receiver.end(rest));
    else {
      assert.ok(incoming.kind === "content");
      const opened = suite.open(incoming.key, incoming.nonce, incoming.aad, rest);
      if (opened !== undefined) taken.push(opened);
      outcomes.push(receiver.content(opened !== undefined, rest.subarray(-16)));
    }
  }
  const asked = outcomes.find((outcome) => outcome.kind === "resend");
  assert.equal(hex(asked?.frame ?? bytes("")), resend.bytes);
  assert.equal(hex(concat(...taken)), content);
  const end = { total, digest: bytes(digest), statement: bytes("") };
  assert.deepEqual(outcomes.at(-1), { kind: "complete", ...end });
});
