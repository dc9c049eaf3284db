import assert from "node:assert/strict";
import { test } from "node:test";
import { PosternError, type ErrorCode } from "../errors.ts";
import { nobleSuite } from "../crypto/noble-suite.ts";
import { LINK_FRAME_BYTES_MAX } from "../limits.ts";
import { FrameChannel } from "./frame-channel.ts";
import { Inbox } from "./inbox.ts";
import { CipherState } from "./noise.ts";

const KEY_A = new Uint8Array(32).fill(1);
const KEY_B = new Uint8Array(32).fill(2);

function cipher(key: Uint8Array): CipherState {
  return new CipherState(nobleSuite, key);
}

function pair(rekeyFrames?: number): readonly [FrameChannel, FrameChannel] {
  return [
    new FrameChannel(cipher(KEY_A), cipher(KEY_B), new Inbox(), rekeyFrames),
    new FrameChannel(cipher(KEY_B), cipher(KEY_A), new Inbox(), rekeyFrames),
  ];
}

function refusal(channel: FrameChannel, bytes: Uint8Array): ErrorCode | undefined {
  channel.push(bytes);
  try {
    assert.equal(channel.next(), undefined);
    return undefined;
  } catch (error) {
    assert(error instanceof PosternError);
    return error.code;
  }
}

test("FrameChannel carries frames both ways, each once", () => {
  const [a, b] = pair();
  for (const size of [1, 2, 1_025, 61_477]) {
    const plaintext = nobleSuite.random(size);
    const bytes = a.seal(plaintext);
    assert.equal(bytes.length, 3 + size + 16);
    b.push(bytes);
    assert.deepEqual(b.next(), plaintext);
    assert.equal(b.next(), undefined);
    a.push(b.seal(plaintext));
    assert.deepEqual(a.next(), plaintext);
  }
});

test("FrameChannel rekeys both sides after the same number of frames of a direction", () => {
  const [a, b] = pair(3);
  const [plain] = pair();
  const sealed: Uint8Array[] = [];
  for (let i = 0; i < 10; i++) {
    const bytes = a.seal(Uint8Array.of(i));
    sealed.push(bytes);
    b.push(bytes);
    assert.deepEqual(b.next(), Uint8Array.of(i));
    const unchanged = plain.seal(Uint8Array.of(i));
    assert.equal(Buffer.compare(bytes, unchanged) === 0, i < 3, `frame ${i}`);
  }
  // REKEY(k) is ENCRYPT(k, 2^64 - 1, zerolen, zeros)'s first 32 bytes, and n goes on.
  const maxNonce = new Uint8Array(12).fill(0xff, 4);
  const next = nobleSuite.seal(KEY_A, maxNonce, new Uint8Array(0), new Uint8Array(32));
  const nonce = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3);
  const fourth = nobleSuite.seal(
    next.subarray(0, 32),
    nonce,
    Uint8Array.of(0, 0, 17),
    Uint8Array.of(3),
  );
  assert.deepEqual(sealed[3]?.subarray(3), fourth);
});

test("P-01 FrameChannel.next() refuses lengths that no frame has before it waits for them", () => {
  for (const length of [0, 1, 16, LINK_FRAME_BYTES_MAX + 1, 2 ** 23, 2 ** 24 - 1]) {
    const prefix = Uint8Array.of(length >>> 16, length >>> 8, length);
    assert.equal(refusal(pair()[1], prefix), "link/malformed", `${length}`);
  }
  for (const length of [17, LINK_FRAME_BYTES_MAX]) {
    const prefix = Uint8Array.of(length >>> 16, length >>> 8, length);
    assert.equal(refusal(pair()[1], prefix), undefined, `${length}`);
  }
});

test("P-01 FrameChannel.next() waits at every cut of a frame and takes it when it is whole", () => {
  const [a, b] = pair();
  for (let cut = 0; cut < 3 + 5 + 16; cut++) {
    const bytes = a.seal(Uint8Array.of(1, 2, 3, 4, cut));
    const first = bytes.slice(0, cut);
    b.push(first);
    assert.equal(b.next(), undefined);
    // The driver reuses its buffer.
    first.fill(0xee);
    b.push(bytes.subarray(cut));
    assert.deepEqual(b.next(), Uint8Array.of(1, 2, 3, 4, cut));
  }
});

test("C-01 FrameChannel.next() refuses a frame with any bit flipped", () => {
  const frame = pair()[0].seal(Uint8Array.of(1, 2, 3));
  for (let bit = 0; bit < frame.length * 8; bit++) {
    const changed = new Uint8Array(frame);
    changed[bit >>> 3]! ^= 1 << (bit & 7);
    const code = refusal(pair()[1], changed);
    // A greater length waits for bytes that must then fail; a smaller one fails at once.
    if (code === undefined) assert(bit < 24, `bit ${bit}`);
    else assert.match(code, /^link\/(authentication-failed|malformed)$/);
  }
});

test("C-01 FrameChannel.next() refuses a frame whose greater length was filled up", () => {
  const frame = pair()[0].seal(Uint8Array.of(1, 2, 3));
  const longer = new Uint8Array(frame.length + 1);
  longer.set(frame);
  longer[2]!++;
  assert.equal(refusal(pair()[1], longer), "link/authentication-failed");
});

test("C-02 FrameChannel.next() refuses replayed, reordered, dropped and reflected frames", () => {
  const [a, b] = pair();
  const [first, second] = [a.seal(Uint8Array.of(1)), a.seal(Uint8Array.of(2))];
  assert.equal(refusal(pair()[1], second), "link/authentication-failed", "reordered or dropped");
  assert.equal(refusal(a, first), "link/authentication-failed", "reflected");
  b.push(first);
  assert.deepEqual(b.next(), Uint8Array.of(1));
  assert.equal(refusal(b, first), "link/authentication-failed", "replayed");
  const other = new FrameChannel(cipher(KEY_B), cipher(new Uint8Array(32).fill(3)), new Inbox());
  assert.equal(refusal(other, first), "link/authentication-failed", "another link");
});

test("FrameChannel.wipe() overwrites the keys", () => {
  const [a] = pair();
  a.wipe();
  const zero = new FrameChannel(cipher(new Uint8Array(32)), cipher(KEY_B), new Inbox());
  assert.deepEqual(a.seal(Uint8Array.of(1)), zero.seal(Uint8Array.of(1)));
});
