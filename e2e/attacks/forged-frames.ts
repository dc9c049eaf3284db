/**
 * Frames of docs/protocol.md 8 as a relay can make them for itself: with keys of its own.
 *
 * @module
 */
import { ByteWriter, concat, label } from "@postern/core/bytes";
import { nativeRsa, nativeSuite as suite } from "@postern/node";

const HEADER_BYTES = 32;

export interface SlippedIn {
  readonly th: Uint8Array;
  readonly transfer: Uint8Array;
  readonly receiverSpki: Uint8Array;
  /** What the relay has for `K_session`. */
  readonly sessionKey: Uint8Array;
  readonly content: Uint8Array;
}

/** A session key of the forger's making, to the receiver's RSA key, and a record under it. */
export async function slipIn(forged: SlippedIn): Promise<readonly Uint8Array[]> {
  const { th, transfer, sessionKey, content } = forged;
  const to = await nativeRsa.importPublic(forged.receiverSpki);
  const secret = suite.random(32);
  const body = await nativeRsa.encrypt(to!, concat(label("asym-session"), transfer), secret);
  const info = new ByteWriter().raw(label("asymmetric session key")).u32(1).bytes();
  const key = suite.expand(suite.extract(sessionKey, secret), info, 32);

  const sessionHeader = header(1, 0x80, body.length + 16);
  const forward = Uint8Array.of(0);
  const tag = suite.seal(
    key,
    nonce(0x80),
    concat(sessionHeader, th, forward, body),
    new Uint8Array(0),
  );
  const recordHeader = header(2, 0, content.length + 16);
  const sealed = suite.seal(key, nonce(0), concat(recordHeader, th, forward), content);
  return [concat(sessionHeader, body, tag), concat(recordHeader, sealed)];
}

/** Of the first frame under key 1, at the start of the content. */
function header(type: number, flags: number, length: number): Uint8Array {
  const start = new ByteWriter().u8(type).u8(flags).u16(0).u32(length).u32(1);
  return concat(start.bytes(), new Uint8Array(HEADER_BYTES - 12));
}

function nonce(flags: number): Uint8Array {
  return concat(Uint8Array.of(flags), new Uint8Array(11));
}
