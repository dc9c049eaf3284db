/**
 * Payload of the second handshake message: what a relay asks of this link (docs/protocol.md 5).
 *
 * ```text
 *   0        1          3                  7           11          15          23     32
 *   +--------+----------+------------------+-----------+-----------+-----------+------+
 *   | version| suite u16| frameBytesMax u32| pingMs u32| deadMs u32| timeMs u64| 0^9  |
 *   +--------+----------+------------------+-----------+-----------+-----------+------+
 * ```
 *
 * @module
 */
import { ByteReader, ByteWriter, malformed } from "../bytes.ts";
import { SUITE_ID } from "../crypto.ts";
import { PosternError } from "../errors.ts";
import { LINK_FRAME_BYTES_MAX, LINK_PING_MS_MIN } from "../limits.ts";
import type { WallMs } from "../time.ts";
import { readZeros } from "./fields.ts";

/** What a relay says about its links. */
export interface LinkLimits {
  /** At least `LINK_FRAME_BYTES_MAX`: every frame of this version fits. */
  readonly frameBytesMax: number;
  readonly pingMs: number;
  readonly deadMs: number;
}

export interface RelayHello {
  readonly limits: LinkLimits;
  /** The relay's wall clock. */
  readonly time: WallMs;
}

export const LINK_VERSION = 1;
export const HELLO_BYTES = 32;

export function encodeHello(hello: RelayHello): Uint8Array {
  return new ByteWriter()
    .u8(LINK_VERSION)
    .u16(SUITE_ID)
    .u32(hello.limits.frameBytesMax)
    .u32(hello.limits.pingMs)
    .u32(hello.limits.deadMs)
    .u64(hello.time)
    .raw(new Uint8Array(9))
    .bytes();
}

/** @throws {@link PosternError} `link/unsupported-version`, `peer/malformed` */
export function decodeHello(bytes: Uint8Array): RelayHello {
  const reader = new ByteReader(bytes);
  const version = reader.u8("version");
  if (version !== LINK_VERSION)
    throw new PosternError("link/unsupported-version", "the relay's version", { version });
  if (reader.u16("suite") !== SUITE_ID) throw malformed("suite", "not a listed value");
  const frameBytesMax = reader.u32("frameBytesMax");
  if (frameBytesMax < LINK_FRAME_BYTES_MAX) throw malformed("frameBytesMax", "too small");
  const pingMs = reader.u32("pingMs");
  // A relay must not be able to keep its clients busy with pings.
  if (pingMs < LINK_PING_MS_MIN) throw malformed("pingMs", "too small");
  const deadMs = reader.u32("deadMs");
  if (deadMs <= pingMs) throw malformed("deadMs", "not above pingMs");
  const time = reader.u64("timeMs") as WallMs;
  readZeros(reader, 9);
  reader.end();
  return { limits: { frameBytesMax, pingMs, deadMs }, time };
}
