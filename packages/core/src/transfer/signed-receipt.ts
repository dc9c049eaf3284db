/**
 * What both sides of a signed transfer sign: which content went from whom to whom. Either has both
 * signatures in the end, and with them a receipt that anybody can check.
 * docs/protocol-transfers.md 9.3.
 *
 * ```text
 *   signed    label("signed transfer") | role u8 (0 sent, 1 received) | profile u8
 *             | content id (16) | lv(ID_S) | lv(ID_T) | kind u8 | size u64 | lv(name)
 *             | content digest (32) | at u64
 *   sent      content digest (32) | at u64 | signature (64)      in the last record
 *   received  at u64 | signature (64)                            in `done`
 * ```
 *
 * Invariants: no other signature of Postern is over this label, and none of these says anything of
 * a transfer's keys. Statements of a peer never make a function here throw.
 *
 * @module
 */
import { equalBytes } from "../bytes/equal.ts";
import { ByteReader, ifWellFormed } from "../bytes/reader.ts";
import { ByteWriter, label } from "../bytes/writer.ts";
import { HASH_BYTES, SIGNATURE_BYTES, type SigningKeyPair, type Suite } from "../crypto/suite.ts";
import { profileNumber, type Profile } from "../exchange/profile.ts";
import { decodeId } from "../identity/id.ts";
import type { WallMs } from "../time.ts";
import { kindNumber, type ContentKind } from "./header.ts";

/** A content that went from one to another, whole: what both of them know of it in the end. */
export interface SignedContent {
  readonly profile: Profile;
  /** 16 bytes. */
  readonly contentId: Uint8Array;
  /** ID of who sent it (35 bytes), and of who received it. */
  readonly sender: Uint8Array;
  readonly receiver: Uint8Array;
  readonly kind: ContentKind;
  /** As the sender gave it: hostile text. */
  readonly name: string;
  /** All bytes, also of a stream whose length was not known before. */
  readonly size: number;
  /** SHA-256 over them: of a directory, over its list and all its files after it. */
  readonly digest: Uint8Array;
}

/** When one side signed, by its own clock, and its signature. */
export interface Signed {
  readonly at: WallMs;
  readonly signature: Uint8Array;
}

export interface SignedReceipt {
  readonly content: SignedContent;
  readonly sent: Signed;
  readonly received: Signed;
}

type Role = keyof typeof ROLES;
type Ports = Pick<Suite, "sign" | "verify">;

const ROLES = { sent: 0, received: 1 } as const;
export const RECEIVED_STATEMENT_BYTES = 8 + SIGNATURE_BYTES;
export const SENT_STATEMENT_BYTES = HASH_BYTES + RECEIVED_STATEMENT_BYTES;

/** Signs as who sent (`sent`) or who received; the key is that of the ID in `content`. */
export function signContent(
  suite: Ports,
  signing: SigningKeyPair,
  role: Role,
  content: SignedContent,
  at: WallMs,
): Signed {
  return { at, signature: suite.sign(signing, signedBytes(role, content, at)) };
}

/** What a sender adds to its last record. */
export function sentStatement({ digest }: Pick<SignedContent, "digest">, sent: Signed): Uint8Array {
  return new ByteWriter().raw(digest).u64(sent.at).raw(sent.signature).bytes();
}

/** What a receiver adds to `done`. */
export function receivedStatement(received: Signed): Uint8Array {
  return new ByteWriter().u64(received.at).raw(received.signature).bytes();
}

/**
 * Judges what a sender signed by what arrived. `undefined`: it signed something else, or did not
 * sign.
 */
export function openSentStatement(
  suite: Ports,
  content: SignedContent,
  statement: Uint8Array,
): Signed | undefined {
  const digest = statement.subarray(0, HASH_BYTES);
  if (!equalBytes(digest, content.digest)) return undefined;
  return opened(suite, "sent", content, statement.subarray(HASH_BYTES));
}

/** Judges what a receiver signed by what was sent. */
export function openReceivedStatement(
  suite: Ports,
  content: SignedContent,
  statement: Uint8Array,
): Signed | undefined {
  return opened(suite, "received", content, statement);
}

/** Whether both sides have signed what the receipt says. */
export function verifySignedReceipt(
  suite: Ports,
  { content, sent, received }: SignedReceipt,
): boolean {
  return holds(suite, "sent", content, sent) && holds(suite, "received", content, received);
}

function opened(
  suite: Ports,
  role: Role,
  content: SignedContent,
  statement: Uint8Array,
): Signed | undefined {
  const signed = ifWellFormed(() => {
    const reader = new ByteReader(statement);
    const at = reader.u64("at") as WallMs;
    const signature = reader.take(SIGNATURE_BYTES, "signature").slice();
    reader.end();
    return { at, signature };
  });
  return signed !== undefined && holds(suite, role, content, signed) ? signed : undefined;
}

function holds(suite: Ports, role: Role, content: SignedContent, signed: Signed): boolean {
  const publicKey = decodeId(role === "sent" ? content.sender : content.receiver);
  if (publicKey === undefined) return false;
  return suite.verify(publicKey, signedBytes(role, content, signed.at), signed.signature);
}

function signedBytes(role: Role, content: SignedContent, at: WallMs): Uint8Array {
  return new ByteWriter()
    .raw(label("signed transfer"))
    .u8(ROLES[role])
    .u8(profileNumber(content.profile))
    .raw(content.contentId)
    .lv(content.sender)
    .lv(content.receiver)
    .u8(kindNumber(content.kind))
    .u64(content.size)
    .text(content.name)
    .raw(content.digest)
    .u64(at)
    .bytes();
}
