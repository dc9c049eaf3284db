/**
 * Finds marks (texts, names, keys) in bytes, however they are written there: as they are, in
 * hexadecimal, base64 or base32 from any bit on, in UTF-16, or one half of them alone.
 *
 * @module
 */
export interface Mark {
  readonly what: string;
  readonly bytes: Uint8Array;
}

interface Form {
  readonly what: string;
  readonly bytes: Uint8Array;
}

/** Shorter ones are met by chance. */
const MARK_BYTES_MIN = 10;
const BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const BASE64_URL = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const BASE32 = "abcdefghijklmnopqrstuvwxyz234567";
/** As many bytes choose the forms that a place is held against. */
const INDEX_BYTES = 3;

export class MarkScanner {
  readonly #forms = new Map<number, Form[]>();
  /** One bit for each index that has forms. */
  readonly #hasForms = new Uint8Array(2 ** (8 * INDEX_BYTES - 3));

  constructor(marks: Iterable<Mark>) {
    for (const { what, bytes } of marks) {
      if (bytes.length < MARK_BYTES_MIN) throw new RangeError(`${what} is too short for a mark`);
      for (const form of formsOf(what, bytes)) this.#add(form);
    }
  }

  /** Which marks stand in `haystack`, and how. */
  find(haystack: Uint8Array): string[] {
    const found = new Set<string>();
    let index = 0;
    for (let end = 0; end < haystack.length; end++) {
      index = ((index << 8) | haystack[end]!) & 0xff_ffff;
      if ((this.#hasForms[index >> 3]! & (1 << (index & 7))) === 0) continue;
      const at = end + 1 - INDEX_BYTES;
      for (const { what, bytes } of this.#forms.get(index) ?? [])
        if (at >= 0 && startsWith(haystack, at, bytes)) found.add(what);
    }
    return [...found];
  }

  #add(form: Form): void {
    const [first = 0, second = 0, third = 0] = form.bytes;
    const index = (first << 16) | (second << 8) | third;
    this.#hasForms[index >> 3]! |= 1 << (index & 7);
    const known = this.#forms.get(index);
    if (known === undefined) this.#forms.set(index, [form]);
    else known.push(form);
  }
}

/** For the bytes of a text: as UTF-8. */
export function textMark(what: string, text: string): Mark {
  return { what, bytes: Buffer.from(text) };
}

function formsOf(what: string, bytes: Uint8Array): Form[] {
  const whole = Buffer.from(bytes);
  const half = Math.floor(bytes.length / 2);
  // A key of which one half got out is no key any more.
  const parts =
    bytes.length < 2 * MARK_BYTES_MIN ? [whole] : [whole.subarray(0, half), whole.subarray(half)];
  const texts = parts.flatMap((part) => [
    ["hex", part.toString("hex")],
    ["hex", part.toString("hex").toUpperCase()],
    ...([BASE64, BASE64_URL, BASE32] as const).flatMap((alphabet) =>
      shifted(part, alphabet).map((text) => [`base${alphabet.length}`, text]),
    ),
  ]);
  const utf16 = parts.map((part) => Buffer.from(part.toString("latin1"), "utf16le"));
  return [
    ...parts.map((part) => ({ what: `${what} (raw)`, bytes: part })),
    ...utf16.flatMap((part) => [
      { what: `${what} (UTF-16)`, bytes: part },
      { what: `${what} (UTF-16)`, bytes: Buffer.from(part).swap16() },
    ]),
    ...texts.flatMap(([how, text]) => [
      { what: `${what} (${how})`, bytes: Buffer.from(text!) },
      { what: `${what} (${how} in UTF-16)`, bytes: Buffer.from(text!, "utf16le") },
    ]),
  ];
}

/** The digits that `bytes` has wherever in a longer text it begins; its ends depend on others. */
function shifted(bytes: Uint8Array, alphabet: string): string[] {
  const width = Math.log2(alphabet.length);
  const bits = Array.from(bytes, (byte) => byte.toString(2).padStart(8, "0")).join("");
  return Array.from({ length: width }, (_, start) => {
    let text = "";
    for (let at = start; at + width <= bits.length; at += width)
      text += alphabet[Number.parseInt(bits.slice(at, at + width), 2)];
    return text;
  });
}

function startsWith(haystack: Uint8Array, at: number, bytes: Uint8Array): boolean {
  if (at + bytes.length > haystack.length) return false;
  for (let i = INDEX_BYTES; i < bytes.length; i++) if (haystack[at + i] !== bytes[i]) return false;
  return true;
}
