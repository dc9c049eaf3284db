/**
 * Content records by OpenSSL, synchronous (docs/protocol.md 8).
 *
 * OpenSSL's output is new memory each time, and a megabyte of new memory costs more (page faults,
 * cold caches) than sealing it. So it works on pieces that stay in the cache, and each is copied
 * into a reused block: 0.57 against 2.3 s of CPU for a GiB, measured in a running transfer. Larger
 * pieces are fewer calls; their memory must not go back to the system in between
 * ({@link keepFreedMemory}), or each page of it is a fault again: up to 180,000 for a GiB.
 *
 * Invariant: a block is with one owner at a time; {@link RecordCipher.release} gives it back.
 *
 * @module
 */
import { createCipheriv, createDecipheriv, type CipherGCM, type DecipherGCM } from "node:crypto";
import { RECORD_BYTES_MAX } from "@postern/core/limits";
import { FRAME_HEADER_BYTES } from "@postern/core/session";
import type { RecordCipher } from "../records/record-cipher.ts";

const ALGORITHM = "aes-256-gcm";
const TAG_BYTES = 16;
const OPTIONS = { authTagLength: TAG_BYTES };
const PIECE_BYTES = 262_144;
/** A whole frame of the longest record. */
const BLOCK_BYTES = FRAME_HEADER_BYTES + RECORD_BYTES_MAX + TAG_BYTES;
/** Blocks kept for reuse: what one transfer in each direction has under way. */
const FREE_BLOCKS_MAX = 8;

export const nodeRecordCipher: RecordCipher = {
  seal({ header, key, nonce, aad }, plaintext) {
    const cipher = createCipheriv(ALGORITHM, key, nonce, OPTIONS);
    cipher.setAAD(aad);
    const end = header.length + plaintext.length;
    const frame = block(end + TAG_BYTES);
    frame.set(header);
    transform(cipher, plaintext, frame.subarray(header.length, end));
    // GCM is a stream: `final` adds no bytes, it makes the tag.
    cipher.final();
    const tag = cipher.getAuthTag();
    frame.set(tag, end);
    return { frame, tag };
  },

  open(key, nonce, aad, sealed) {
    const length = sealed.length - TAG_BYTES;
    if (length < 0) return undefined;
    const decipher = createDecipheriv(ALGORITHM, key, nonce, OPTIONS);
    decipher.setAAD(aad);
    decipher.setAuthTag(sealed.subarray(length));
    const plaintext = block(length);
    transform(decipher, sealed.subarray(0, length), plaintext);
    try {
      decipher.final();
      return plaintext;
    } catch {
      plaintext.fill(0);
      this.release(plaintext);
      return undefined;
    }
  },

  release({ buffer }) {
    // Twice, or memory of somebody else: not ours to hand out.
    if (!given.delete(buffer) || free.length >= FREE_BLOCKS_MAX) return;
    free.push(buffer);
  },
};

/**
 * The C library of most Linux systems returns large free blocks to the system at once; what "large"
 * means it learns from the first such block that it gets back (mallopt(3), M_MMAP_THRESHOLD).
 * Nothing is written to this one, so it costs nothing; elsewhere it does nothing.
 */
function keepFreedMemory(): void {
  new ArrayBuffer(4 * RECORD_BYTES_MAX).transfer(0);
}

keepFreedMemory();
const free: ArrayBufferLike[] = [];
const given = new WeakSet<ArrayBufferLike>();

function transform(cipher: CipherGCM | DecipherGCM, input: Uint8Array, output: Uint8Array): void {
  for (let at = 0; at < input.length; at += PIECE_BYTES) {
    const piece = cipher.update(input.subarray(at, at + PIECE_BYTES));
    output.set(piece, at);
    // Detaching frees at once, so that the next piece gets the same, still cached memory.
    if (piece.buffer instanceof ArrayBuffer && piece.buffer.byteLength === piece.byteLength)
      piece.buffer.transfer(0);
  }
}

function block(length: number): Uint8Array {
  const memory = free.pop() ?? new ArrayBuffer(Math.max(length, BLOCK_BYTES));
  if (memory.byteLength < length) return block(length);
  given.add(memory);
  return new Uint8Array(memory, 0, length);
}
