/** Door of the `bytes` room. @module */
export { decodeBase32, encodeBase32, groupBase32 } from "./bytes/base32.ts";
export { decodeBase64url } from "./bytes/base64url.ts";
export { areZeros, equalBytes, wipe } from "./bytes/equal.ts";
export { hex } from "./bytes/hex.ts";
export { ByteReader, ifWellFormed, malformed } from "./bytes/reader.ts";
export { ByteWriter, concat, label, utf8 } from "./bytes/writer.ts";
