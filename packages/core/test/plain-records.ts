/**
 * The frames of docs/protocol-transfers.md 8 written out from its text with `plain-crypto.ts`, as
 * hexadecimal. `vectors/records.json` holds the same.
 *
 * @module
 */
import { seal, uint, unhex } from "./plain-crypto.ts";

export interface PlainFrame {
  readonly frame: "session" | "content" | "last" | "cancelled";
  readonly j: number;
  /** None in a session frame. */
  readonly seq?: number;
  readonly offset: number;
  readonly elapsedMs: number;
  readonly sessionKey?: string;
  readonly body?: string;
  readonly plaintext?: string;
}

const FLAGS = { session: 0x80, content: 0, last: 1, cancelled: 3 } as const;
const TAG_BYTES = 16;

/** A forward frame under the key of its session. */
export function plainFrame(th: Buffer, sessionKey: Buffer, frame: PlainFrame): string {
  const isSession = frame.frame === "session";
  const flags = FLAGS[frame.frame];
  const seq = frame.seq ?? 0;
  const body = unhex(frame.body ?? "");
  const plaintext = unhex(frame.plaintext ?? "");
  const place = { j: frame.j, seq, offset: frame.offset, elapsedMs: frame.elapsedMs };
  const length = body.length + plaintext.length + TAG_BYTES;
  const header = plainFrameHeader(isSession ? 1 : 2, flags, length, place);
  const aad = Buffer.concat([header, th, uint(0, 1), body]);
  const box = seal(sessionKey, plainFrameNonce(flags, seq), aad, plaintext);
  return Buffer.concat([header, body, box]).toString("hex");
}

export type PlainReverse = Readonly<Record<string, string | number>> & { readonly kind: string };

const REVERSE_KINDS = ["progress", "resend", "pause", "continue", "cancel", "done", "proceed"];

/** The `seq`th frame of a receiver. */
export function plainReverse(th: Buffer, key: Buffer, seq: number, frame: PlainReverse): string {
  const number = (name: string, length: number): Buffer =>
    frame[name] === undefined ? Buffer.alloc(0) : uint(Number(frame[name]), length);
  const hex = (name: string): Buffer => unhex(`${frame[name] ?? ""}`);
  const fields = [number("reason", 1), number("j", 4), number("offset", 8), number("total", 8)];
  const kind = uint(REVERSE_KINDS.indexOf(frame.kind) + 1, 1);
  const body = Buffer.concat([kind, ...fields, hex("digest"), hex("statement")]);
  const place = { j: 0, seq, offset: 0, elapsedMs: 0 };
  const header = plainFrameHeader(3, 0, body.length + TAG_BYTES, place);
  const box = seal(key, plainFrameNonce(0, seq), Buffer.concat([header, th, uint(1, 1)]), body);
  return Buffer.concat([header, box]).toString("hex");
}

function plainFrameHeader(
  type: number,
  flags: number,
  length: number,
  { j, seq, offset, elapsedMs }: Readonly<Record<"j" | "seq" | "offset" | "elapsedMs", number>>,
): Buffer {
  const start = [uint(type, 1), uint(flags, 1), uint(0, 2), uint(length, 4)];
  return Buffer.concat([...start, uint(j, 4), uint(seq, 8), uint(offset, 8), uint(elapsedMs, 4)]);
}

function plainFrameNonce(flags: number, seq: number): Buffer {
  return Buffer.concat([uint(flags, 1), Buffer.alloc(3), uint(seq, 8)]);
}
