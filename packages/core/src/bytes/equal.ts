/** Compares in a time that depends on the lengths alone. Lengths are public. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= a[i]! ^ b[i]!;
  return difference === 0;
}

/** Whether every byte is 0, for bytes that are no secret: paddings are long. */
export function areZeros(bytes: Uint8Array): boolean {
  const { buffer, byteOffset, length } = bytes;
  let at = 0;
  for (; at < length && (byteOffset + at) % 4 !== 0; at++) if (bytes[at] !== 0) return false;
  const count = (length - at) >>> 2;
  const words = count === 0 ? [] : new Uint32Array(buffer, byteOffset + at, count);
  for (let word = 0; word < count; word++) if (words[word] !== 0) return false;
  for (at += 4 * count; at < length; at++) if (bytes[at] !== 0) return false;
  return true;
}

/** Overwrites retired secrets. `undefined` is allowed: an optional secret may be absent. */
export function wipe(...secrets: readonly (Uint8Array | undefined)[]): void {
  for (const secret of secrets) secret?.fill(0);
}
