/**
 * Payload of the third handshake message: who the client is (docs/protocol.md 5). The signature is
 * over `label("link-auth") || h`; h holds the relay's key, so it is worthless elsewhere.
 *
 * ```text
 *   0         35               99           100                 132      133    136
 *   +---------+----------------+------------+-------------------+--------+------+
 *   | ID (35) | signature (64) | nameLength | name, zero padded | version| 0^3  |
 *   +---------+----------------+------------+-------------------+--------+------+
 * ```
 *
 * @module
 */
import { ByteReader, ByteWriter, label, malformed, utf8 } from "../bytes.ts";
import { SIGNATURE_BYTES, type Suite } from "../crypto.ts";
import { PosternError } from "../errors.ts";
import { decodeId, isName, type Identity } from "../identity.ts";
import { NAME_BYTES_MAX } from "../limits.ts";
import { readId, readZeros } from "./fields.ts";
import { LINK_VERSION } from "./hello.ts";

export interface Login {
  /** 35 bytes. */
  readonly id: Uint8Array;
  readonly signature: Uint8Array;
  readonly name: string;
}

export const LOGIN_BYTES = 136;
const VERSION_OFFSET = 132;

/** The login of `identity`, signed over the handshake hash `h`. */
export function encodeLogin(
  suite: Suite,
  identity: Identity,
  name: string,
  h: Uint8Array,
): Uint8Array {
  const symbols = utf8(name);
  return new ByteWriter()
    .raw(identity.id)
    .raw(suite.sign(identity.signing, signed(h)))
    .u8(symbols.length)
    .raw(symbols)
    .raw(new Uint8Array(NAME_BYTES_MAX - symbols.length))
    .u8(LINK_VERSION)
    .raw(new Uint8Array(3))
    .bytes();
}

/**
 * Copies what it returns.
 *
 * @throws {@link PosternError} `link/unsupported-version`, `peer/malformed`
 */
export function decodeLogin(bytes: Uint8Array): Login {
  // First: what another version puts into the other fields is not ours to judge.
  const version = bytes[VERSION_OFFSET];
  if (bytes.length === LOGIN_BYTES && version !== undefined && version !== LINK_VERSION)
    throw new PosternError("link/unsupported-version", "the client's version", { version });
  const reader = new ByteReader(bytes);
  const id = new Uint8Array(readId(reader));
  const signature = new Uint8Array(reader.take(SIGNATURE_BYTES, "signature"));
  const length = reader.u8("nameLength");
  if (length > NAME_BYTES_MAX) throw malformed("nameLength", "too long");
  const name = String.fromCharCode(...reader.take(length, "name"));
  if (!isName(name)) throw malformed("name", "not a name");
  readZeros(reader, NAME_BYTES_MAX - length);
  reader.u8("version");
  readZeros(reader, 3);
  reader.end();
  return { id, signature, name };
}

/** Whether the login's own key signed this handshake. */
export function verifyLogin(suite: Suite, login: Login, h: Uint8Array): boolean {
  const key = decodeId(login.id);
  return key !== undefined && suite.verify(key, signed(h), login.signature);
}

function signed(h: Uint8Array): Uint8Array {
  return new ByteWriter().raw(label("link-auth")).raw(h).bytes();
}
