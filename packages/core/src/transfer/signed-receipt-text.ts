/**
 * A signed receipt as a text to keep and to hand on. docs/protocol-transfers.md 9.3.
 *
 * Invariant: one receipt has one text. What {@link encodeSignedReceipt} would not write is none,
 * but for white space around it and the ends of its lines.
 *
 * @module
 */
import { decodeBase64url, encodeBase64url } from "../bytes/base64url.ts";
import { utf8 } from "../bytes/writer.ts";
import { HASH_BYTES, SIGNATURE_BYTES } from "../crypto/suite.ts";
import { PosternError } from "../errors.ts";
import { PROFILES } from "../exchange/profile.ts";
import { decodeId, ID_BYTES } from "../identity/id.ts";
import { FILE_NAME_BYTES_MAX, SIGNED_RECEIPT_LENGTH_MAX } from "../limits.ts";
import type { WallMs } from "../time.ts";
import { CONTENT_ID_BYTES, CONTENT_KINDS } from "./header.ts";
import type { Signed, SignedReceipt } from "./signed-receipt.ts";

const TYPE = "postern signed receipt";
const VERSION = 1;

export function encodeSignedReceipt({ content, sent, received }: SignedReceipt): string {
  const { profile, contentId, sender, receiver, kind, name, size, digest } = content;
  const text = {
    type: TYPE,
    version: VERSION,
    profile,
    content: encodeBase64url(contentId),
    sender: encodeBase64url(sender),
    receiver: encodeBase64url(receiver),
    kind,
    name,
    size,
    digest: encodeBase64url(digest),
    sent: encodeSigned(sent),
    received: encodeSigned(received),
  };
  return `${JSON.stringify(text, undefined, 2)}\n`;
}

/**
 * Whether it was signed is another question: `verifySignedReceipt`.
 *
 * @throws {@link PosternError} `transfer/receipt-invalid`
 */
export function decodeSignedReceipt(text: string): SignedReceipt {
  if (text.length > SIGNED_RECEIPT_LENGTH_MAX) throw invalid("too long");
  const plain = text.replaceAll("\r\n", "\n").trim();
  const receipt = readReceipt(new Fields(parse(plain)));
  if (encodeSignedReceipt(receipt).trim() !== plain) throw invalid("not as it is written");
  return receipt;
}

function readReceipt(fields: Fields): SignedReceipt {
  if (fields.text("type") !== TYPE) throw invalid("no receipt");
  if (fields.number("version") !== VERSION) throw invalid("another version");
  const profile = PROFILES.find((each) => each === fields.text("profile"));
  const kind = CONTENT_KINDS.find((each) => each === fields.text("kind"));
  if (profile === undefined || kind === undefined) throw invalid("no such profile or kind");
  const name = fields.text("name");
  if (!name.isWellFormed() || utf8(name).length > FILE_NAME_BYTES_MAX) throw invalid("name");
  return {
    content: {
      profile,
      contentId: fields.bytes("content", CONTENT_ID_BYTES),
      sender: fields.id("sender"),
      receiver: fields.id("receiver"),
      kind,
      name,
      size: fields.number("size"),
      digest: fields.bytes("digest", HASH_BYTES),
    },
    sent: readSigned(fields.fields("sent")),
    received: readSigned(fields.fields("received")),
  };
}

function encodeSigned({ at, signature }: Signed) {
  return { at, signature: encodeBase64url(signature) };
}

function readSigned(fields: Fields): Signed {
  const at = fields.number("at") as WallMs;
  return { at, signature: fields.bytes("signature", SIGNATURE_BYTES) };
}

/** The fields of a JSON object, each with the one type that it may have. */
class Fields {
  readonly #values: ReadonlyMap<string, unknown>;

  constructor(value: unknown) {
    if (typeof value !== "object" || value === null) throw invalid("no object");
    this.#values = new Map(Object.entries(value));
  }

  text(name: string): string {
    const value = this.#values.get(name);
    if (typeof value !== "string") throw invalid(name);
    return value;
  }

  number(name: string): number {
    const value = this.#values.get(name);
    if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0) throw invalid(name);
    return value;
  }

  bytes(name: string, length: number): Uint8Array {
    const bytes = decodeBase64url(this.text(name));
    if (bytes?.length !== length) throw invalid(name);
    return bytes;
  }

  id(name: string): Uint8Array {
    const id = this.bytes(name, ID_BYTES);
    if (decodeId(id) === undefined) throw invalid(name);
    return id;
  }

  fields(name: string): Fields {
    return new Fields(this.#values.get(name));
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw invalid("no JSON");
  }
}

/** `field` is Postern's own word for what is wrong. */
function invalid(field: string): PosternError {
  return new PosternError("transfer/receipt-invalid", `a signed receipt: ${field}`, { field });
}
