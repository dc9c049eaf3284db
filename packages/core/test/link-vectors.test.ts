/** `vectors/link.json` from the text alone, and `vectors/frames.json`: every frame of a link. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { hex } from "../src/bytes.ts";
import { nobleSuite } from "../src/crypto/noble-suite.ts";
import { PosternError } from "../src/errors.ts";
import { FrameChannel } from "../src/link/frame-channel.ts";
import { decodeLinkFrame, encodeLinkFrame, type LinkRole } from "../src/link/frames.ts";
import { Inbox } from "../src/link/inbox.ts";
import { CipherState } from "../src/link/noise.ts";
import { unhex } from "./plain-crypto.ts";
import {
  plainEncapsulations,
  plainHandshake,
  plainLinkFrame,
  plainRekey,
  type LinkInputs,
} from "./plain-link.ts";

interface Frame {
  readonly plaintext: string;
  readonly bytes: string;
}

interface LinkFile {
  readonly inputs: LinkInputs;
  readonly transcript: ReturnType<typeof plainHandshake> & {
    readonly frames: readonly (Frame & { readonly from: LinkRole })[];
  };
  readonly rekey: {
    readonly everyFrames: number;
    readonly key: string;
    readonly frames: readonly (Frame & { readonly key: string })[];
  };
}

interface Refused {
  readonly name: string;
  readonly from: LinkRole;
  readonly bytes: string;
  readonly outcome: string;
}

interface FramesFile {
  readonly frames: readonly {
    readonly from: LinkRole;
    readonly frame: { readonly kind: string };
    readonly bytes: string;
  }[];
  readonly ignored: readonly Omit<Refused, "outcome">[];
  readonly refused: readonly Refused[];
}

const { inputs, transcript, rekey } = read("link.json") as LinkFile;
const { frames, ignored, refused } = read("frames.json") as FramesFile;
/** Types 1 and 2, 0x10 to 0x1f and 0x40 to 0x52; a bundle (3) is in link.json. */
const TYPES = [...range(1, 2), ...range(0x10, 0x1f), ...range(0x40, 0x52)];

test("link.json: plain node:crypto makes the handshake from the inputs", () => {
  const { frames: _, ...expected } = transcript;
  assert.deepEqual(plainEncapsulations(inputs), inputs.encapsulations);
  assert.deepEqual(plainHandshake(inputs), expected);
});

test("link.json: plain node:crypto seals the frames of both directions", () => {
  const counters = { client: 0, relay: 0 };
  for (const { from, plaintext, bytes } of transcript.frames)
    assert.equal(plainLinkFrame(transcript.keys[from], counters[from]++, plaintext), bytes);
});

test("link.json: the counter goes on after a Rekey(), in plain node:crypto and FrameChannel", () => {
  const state = (): CipherState => new CipherState(nobleSuite, bytesOf(rekey.key));
  const channel = new FrameChannel(state(), state(), new Inbox(), rekey.everyFrames);
  let { key } = rekey;
  rekey.frames.forEach((frame, counter) => {
    if (counter > 0 && counter % rekey.everyFrames === 0) key = plainRekey(key);
    assert.equal(frame.key, key);
    assert.equal(plainLinkFrame(key, counter, frame.plaintext), frame.bytes);
    assert.equal(hex(channel.seal(bytesOf(frame.plaintext))), frame.bytes);
    channel.push(bytesOf(frame.bytes));
    assert.equal(hex(channel.next() ?? bytesOf("")), frame.plaintext);
  });
});

test("frames.json: every frame is read as it says, and written again", () => {
  for (const { from, frame, bytes } of frames) {
    const taken = decodeLinkFrame(bytesOf(bytes), from);
    assert.ok(taken !== undefined);
    assert.deepEqual(inHexadecimal(taken), frame);
    assert.equal(hex(encodeLinkFrame(taken)), bytes);
  }
  assert.deepEqual([...new Set(frames.map(({ bytes }) => unhex(bytes)[0]))], TYPES);
});

test("frames.json: what is refused ends the link, what is ignored does not (P-01, P-03)", () => {
  for (const { name, from, bytes, outcome } of refused)
    assert.throws(
      () => decodeLinkFrame(bytesOf(bytes), from),
      (error) => error instanceof PosternError && error.code === outcome,
      name,
    );
  for (const { name, from, bytes } of ignored)
    assert.equal(decodeLinkFrame(bytesOf(bytes), from), undefined, name);
});

function inHexadecimal(value: unknown): unknown {
  if (value instanceof Uint8Array) return hex(value);
  if (Array.isArray(value)) return value.map(inHexadecimal);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, field]) => [name, inHexadecimal(field)]),
  );
}

function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(unhex(text));
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, i) => from + i);
}

function read(file: string): unknown {
  return JSON.parse(readFileSync(join(import.meta.dirname, "../../../vectors", file), "utf8"));
}
