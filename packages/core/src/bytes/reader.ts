import { PosternError } from "../errors.ts";

/**
 * Reads a frame front to back. Every read is bounds-checked; {@link end} refuses trailing bytes.
 */
export class ByteReader {
  readonly #bytes: Uint8Array;
  #offset = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /**
   * A view of the next `length` bytes; the caller copies what it keeps.
   *
   * @throws {@link PosternError} `peer/malformed` when fewer remain.
   */
  take(length: number, field: string): Uint8Array {
    const start = this.#advance(length, field);
    return this.#bytes.subarray(start, start + length);
  }

  u8(field: string): number {
    return this.#integer(1, field);
  }

  u16(field: string): number {
    return this.#integer(2, field);
  }

  u32(field: string): number {
    return this.#integer(4, field);
  }

  /**
   * @throws {@link PosternError} `peer/malformed` above 2^53 - 1: no size or time is that large.
   */
  u64(field: string): number {
    const value = this.#integer(8, field);
    // Where it is not exact any more it is above.
    if (value > Number.MAX_SAFE_INTEGER) throw malformed(field, "number out of range");
    return value;
  }

  /** `lv(x)`: u32 length, then that many bytes, at most `lengthMax`. */
  lv(field: string, lengthMax: number): Uint8Array {
    const length = this.u32(field);
    if (length > lengthMax) throw malformed(field, `length ${length} over ${lengthMax}`);
    return this.take(length, field);
  }

  /** A well-formed UTF-8 text as {@link lv}. */
  text(field: string, lengthMax: number): string {
    const bytes = this.lv(field, lengthMax);
    try {
      return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    } catch {
      throw malformed(field, "not UTF-8");
    }
  }

  rest(): Uint8Array {
    return this.take(this.#bytes.length - this.#offset, "rest");
  }

  get remaining(): number {
    return this.#bytes.length - this.#offset;
  }

  /** @throws {@link PosternError} `peer/malformed` when bytes remain. */
  end(): void {
    if (this.remaining !== 0) throw malformed("end", `${this.remaining} trailing bytes`);
  }

  #integer(length: number, field: string): number {
    const start = this.#advance(length, field);
    let value = 0;
    for (let at = start; at < start + length; at++) value = value * 256 + this.#bytes[at]!;
    return value;
  }

  #advance(length: number, field: string): number {
    const start = this.#offset;
    if (length > this.#bytes.length - start)
      throw malformed(field, `wanted ${length} bytes at ${start}, have ${this.remaining}`);
    this.#offset = start + length;
    return start;
  }
}

export function malformed(field: string, why: string): PosternError {
  return new PosternError("peer/malformed", `${field}: ${why}`, { field });
}

/** What a peer sent, decoded; `undefined` when it is malformed. */
export function ifWellFormed<T>(decode: () => T): T | undefined {
  try {
    return decode();
  } catch (error) {
    if (error instanceof PosternError && error.code === "peer/malformed") return undefined;
    throw error;
  }
}
