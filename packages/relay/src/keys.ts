/** A map key of a byte string: one character a byte. For lookups only, never shown or logged. */
export function keyOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");
}
