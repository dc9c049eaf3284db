/** Lower-case hexadecimal, for map keys and logs; never for secrets. */
export function hex(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at++) text += BYTES[bytes[at]!];
  return text;
}

const BYTES = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));
