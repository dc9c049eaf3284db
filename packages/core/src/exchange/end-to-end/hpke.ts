/**
 * The key schedule of HPKE (RFC 9180 5.1) as far as its Export (5.3) needs it, for the suite of
 * docs/protocol-end-to-end.md 7.3.3: KEM 0x647a, HKDF-SHA-256, AES-256-GCM. What RFC 9180 calls
 * key and base nonce are not made: nothing is sealed with HPKE itself.
 *
 * @module
 */
import { wipe } from "../../bytes/equal.ts";
import { ByteWriter, concat, utf8 } from "../../bytes/writer.ts";
import { HASH_BYTES, type Suite } from "../../crypto/suite.ts";

export interface HpkeInputs {
  /** The KEM's shared secret; stays the caller's. */
  readonly sharedSecret: Uint8Array;
  readonly info: Uint8Array;
  /** mode_psk with it, mode_base without. */
  readonly psk?: { readonly key: Uint8Array; readonly id: Uint8Array };
  readonly exporterContext: Uint8Array;
  /** Bytes to export. */
  readonly length: number;
}

const KEM_X_WING = 0x647a;
const KDF_HKDF_SHA256 = 0x0001;
const AEAD_AES_256_GCM = 0x0002;
const MODE_BASE = 0;
const MODE_PSK = 1;
const EMPTY = new Uint8Array(0);

/** `Context.Export(exporterContext, length)` of a context set up with these inputs. */
export function hpkeExport(suite: Suite, inputs: HpkeInputs): Uint8Array {
  const { sharedSecret, info, psk, exporterContext, length } = inputs;
  const { key = EMPTY, id = EMPTY } = psk ?? {};
  const idHash = labeledExtract(suite, EMPTY, "psk_id_hash", id);
  const infoHash = labeledExtract(suite, EMPTY, "info_hash", info);
  const mode = Uint8Array.of(psk === undefined ? MODE_BASE : MODE_PSK);
  const context = concat(mode, idHash, infoHash);
  const secret = labeledExtract(suite, sharedSecret, "secret", key);
  const exporterSecret = labeledExpand(suite, secret, "exp", context, HASH_BYTES);
  const exported = labeledExpand(suite, exporterSecret, "sec", exporterContext, length);
  wipe(secret, exporterSecret);
  return exported;
}

const SUITE_ID = new ByteWriter()
  .raw(utf8("HPKE"))
  .u16(KEM_X_WING)
  .u16(KDF_HKDF_SHA256)
  .u16(AEAD_AES_256_GCM)
  .bytes();
const VERSION = utf8("HPKE-v1");

function labeledExtract(suite: Suite, salt: Uint8Array, name: string, ikm: Uint8Array): Uint8Array {
  const labeled = concat(VERSION, SUITE_ID, utf8(name), ikm);
  const extracted = suite.extract(salt, labeled);
  wipe(labeled);
  return extracted;
}

function labeledExpand(
  suite: Suite,
  key: Uint8Array,
  name: string,
  info: Uint8Array,
  length: number,
): Uint8Array {
  const labeled = new ByteWriter().u16(length).raw(VERSION).raw(SUITE_ID).raw(utf8(name));
  return suite.expand(key, labeled.raw(info).bytes(), length);
}
