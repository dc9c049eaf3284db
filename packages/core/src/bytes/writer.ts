/**
 * Builds a frame front to back. Integers are big-endian; values are the caller's own and trusted.
 * Nothing is copied before {@link bytes} or {@link into}, which make the one copy there is: until
 * then what was given must not change.
 */
export class ByteWriter {
  readonly #parts: (Uint8Array | number)[] = [];
  /** In bytes, of each part. */
  readonly #lengths: number[] = [];
  #length = 0;

  raw(bytes: Uint8Array): this {
    return this.#add(bytes, bytes.length);
  }

  u8(value: number): this {
    return this.#add(value, 1);
  }

  u16(value: number): this {
    return this.#add(value, 2);
  }

  u32(value: number): this {
    return this.#add(value, 4);
  }

  u64(value: number): this {
    return this.u32(Math.floor(value / 2 ** 32)).u32(value % 2 ** 32);
  }

  /** `lv(x)`: u32 length, then x. */
  lv(bytes: Uint8Array): this {
    return this.u32(bytes.length).raw(bytes);
  }

  text(value: string): this {
    return this.lv(utf8(value));
  }

  /** Bytes so far. */
  get length(): number {
    return this.#length;
  }

  bytes(): Uint8Array {
    const out = new Uint8Array(this.#length);
    this.into(out, 0);
    return out;
  }

  /** Writes all of it to `out` from `start` on, where there must be room. Returns its end. */
  into(out: Uint8Array, start: number): number {
    let offset = start;
    for (let index = 0; index < this.#parts.length; index++) {
      const part = this.#parts[index]!;
      const end = offset + this.#lengths[index]!;
      if (typeof part === "number") writeInteger(out, offset, end, part);
      else out.set(part, offset);
      offset = end;
    }
    return offset;
  }

  #add(part: Uint8Array | number, length: number): this {
    this.#parts.push(part);
    this.#lengths.push(length);
    this.#length += length;
    return this;
  }
}

function writeInteger(out: Uint8Array, start: number, end: number, value: number): void {
  for (let at = end - 1, rest = value; at >= start; at--, rest >>>= 8) out[at] = rest;
}

export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const out = new Uint8Array(length);
  let offset = 0;
  for (const part of parts) {
    out.set(part, offset);
    offset += part.length;
  }
  return out;
}

export function utf8(text: string): Uint8Array {
  return ENCODER.encode(text);
}

const ENCODER = new TextEncoder();

/**
 * `"postern <use>/1\0"`: the domain-separation label of one use (docs/protocol.md 1). The same
 * bytes each time: they are not to be changed.
 */
export function label(use: string): Uint8Array {
  const known = LABELS.get(use);
  if (known !== undefined) return known;
  const made = utf8(`postern ${use}/1\0`);
  LABELS.set(use, made);
  return made;
}

/** A use is a word of the program, so there are few. */
const LABELS = new Map<string, Uint8Array>();
