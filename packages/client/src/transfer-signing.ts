/**
 * This side's part in a signed transfer: it hashes the content as it passes, signs it in the end,
 * and judges what the other side has signed. docs/protocol-transfers.md 9.3.
 *
 * Invariant: a receipt holds both signatures, and this side has checked the other's over the bytes
 * that it has sent or stored itself.
 *
 * @module
 */
import type { Sha256Stream, SigningKeyPair, Suite } from "@postern/core/crypto";
import { PosternError } from "@postern/core/errors";
import type { WallMs } from "@postern/core/time";
import {
  encodeSignedReceipt,
  openReceivedStatement,
  openSentStatement,
  RECEIVED_STATEMENT_BYTES,
  receivedStatement,
  SENT_STATEMENT_BYTES,
  sentStatement,
  signContent,
  type Signed,
  type SignedContent,
} from "@postern/core/transfer";
import type { RecordsSigning } from "./records/options.ts";

export interface SigningPorts {
  readonly suite: Pick<Suite, "sign" | "verify">;
  readonly wall: () => WallMs;
  /** Of this device's identity. */
  readonly signing: SigningKeyPair;
}

export type SignedFacts = Omit<SignedContent, "size" | "digest">;

export class TransferSigning implements RecordsSigning {
  readonly statementBytes: number;
  readonly #ports: SigningPorts;
  readonly #facts: SignedFacts;
  readonly #role: "sent" | "received";
  readonly #hashed: Sha256Stream;
  #hashedTo: number;
  #content: SignedContent | undefined;
  #own: Signed | undefined;
  #other: Signed | undefined;

  /** @param hashed over the content up to `fromOffset`; from now on of this signing. */
  constructor(
    ports: SigningPorts,
    facts: SignedFacts,
    role: "sent" | "received",
    hashed: Sha256Stream,
    fromOffset: number,
  ) {
    this.#ports = ports;
    this.#facts = facts;
    this.#role = role;
    this.#hashed = hashed;
    this.#hashedTo = fromOffset;
    this.statementBytes = role === "sent" ? RECEIVED_STATEMENT_BYTES : SENT_STATEMENT_BYTES;
  }

  update(bytes: Uint8Array, offset: number): void {
    const end = offset + bytes.length;
    if (end <= this.#hashedTo) return;
    this.#hashed.update(bytes.subarray(this.#hashedTo - offset));
    this.#hashedTo = end;
  }

  say(): Uint8Array {
    const { suite, wall, signing } = this.#ports;
    const content = this.#whole();
    this.#own ??= signContent(suite, signing, this.#role, content, wall());
    return this.#role === "sent" ? sentStatement(content, this.#own) : receivedStatement(this.#own);
  }

  judge(statement: Uint8Array): PosternError | undefined {
    const { suite } = this.#ports;
    const open = this.#role === "sent" ? openReceivedStatement : openSentStatement;
    this.#other = open(suite, this.#whole(), statement);
    if (this.#other !== undefined) return undefined;
    return new PosternError("transfer/invalid", "the other side has signed something else");
  }

  /** For anybody to check; `undefined`: the other side's signature has not come. */
  get receipt(): string | undefined {
    const [content, own, other] = [this.#content, this.#own, this.#other];
    if (content === undefined || own === undefined || other === undefined) return undefined;
    const [sent, received] = this.#role === "sent" ? [own, other] : [other, own];
    return encodeSignedReceipt({ content, sent, received });
  }

  /** Nothing is hashed any more. */
  #whole(): SignedContent {
    this.#content ??= { ...this.#facts, size: this.#hashedTo, digest: this.#hashed.digest() };
    return this.#content;
  }
}
