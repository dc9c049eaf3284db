/** RFC 4648 base32, lower case, no padding: fingerprints are read aloud and typed. */
const ALPHABET = "abcdefghijklmnopqrstuvwxyz234567";

export function encodeBase32(bytes: Uint8Array): string {
  let text = "";
  let bits = 0;
  let held = 0;
  for (const byte of bytes) {
    held = (held << 8) | byte;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text += ALPHABET[(held >>> bits) & 31];
    }
    held &= (1 << bits) - 1;
  }
  return bits === 0 ? text : text + ALPHABET[(held << (5 - bits)) & 31];
}

/** `undefined` for anything but the canonical form; upper case and the dashes of groups pass. */
export function decodeBase32(text: string): Uint8Array | undefined {
  const symbols = text.toLowerCase().replaceAll("-", "");
  const out = new Uint8Array(Math.floor((symbols.length * 5) / 8));
  let bits = 0;
  let held = 0;
  let length = 0;
  for (const symbol of symbols) {
    const value = ALPHABET.indexOf(symbol);
    if (value < 0) return undefined;
    held = (held << 5) | value;
    bits += 5;
    if (bits < 8) continue;
    bits -= 8;
    out[length++] = held >>> bits;
    held &= (1 << bits) - 1;
  }
  return encodeBase32(out) === symbols ? out : undefined;
}

/** Groups of four, as people compare them: `abcd-efgh-...`. */
export function groupBase32(text: string): string {
  return text.match(/.{1,4}/g)?.join("-") ?? "";
}
