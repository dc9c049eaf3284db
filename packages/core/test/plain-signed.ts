/**
 * What both sides of a signed transfer sign, and their receipt, written out from
 * docs/protocol-transfers.md 9.3 with `plain-crypto.ts`. `vectors/signed-receipts.json` holds the
 * same.
 *
 * @module
 */
import { label, lv, party, sha256, signed, uint, unhex } from "./plain-crypto.ts";

export interface SignedInputs {
  readonly sender: string;
  readonly receiver: string;
  readonly profile: keyof typeof PROFILES;
  readonly contentId: string;
  readonly kind: keyof typeof KINDS;
  readonly name: string;
  /** The whole of it. */
  readonly content: string;
  readonly sentAt: number;
  readonly receivedAt: number;
}

export interface SignedExpected {
  readonly digest: string;
  readonly sentMessage: string;
  readonly sentStatement: string;
  readonly receivedMessage: string;
  readonly receivedStatement: string;
  readonly receipt: string;
}

const PROFILES = { symmetric: 1, asymmetric: 2, "end-to-end": 3 } as const;
const KINDS = { message: 1, file: 2, directory: 3, stream: 4 } as const;

export function plainSignedTransfer(inputs: SignedInputs): SignedExpected {
  const content = unhex(inputs.content);
  const digest = sha256(content);
  const message = (role: number, at: number): Buffer =>
    Buffer.concat([
      label("signed transfer"),
      uint(role, 1),
      uint(PROFILES[inputs.profile], 1),
      unhex(inputs.contentId),
      lv(party(unhex(inputs.sender)).id),
      lv(party(unhex(inputs.receiver)).id),
      uint(KINDS[inputs.kind], 1),
      uint(content.length, 8),
      lv(Buffer.from(inputs.name, "utf8")),
      digest,
      uint(at, 8),
    ]);
  const sentMessage = message(0, inputs.sentAt);
  const sent = signed(unhex(inputs.sender), sentMessage);
  const receivedMessage = message(1, inputs.receivedAt);
  const received = signed(unhex(inputs.receiver), receivedMessage);
  return {
    digest: digest.toString("hex"),
    sentMessage: sentMessage.toString("hex"),
    sentStatement: Buffer.concat([digest, uint(inputs.sentAt, 8), sent]).toString("hex"),
    receivedMessage: receivedMessage.toString("hex"),
    receivedStatement: Buffer.concat([uint(inputs.receivedAt, 8), received]).toString("hex"),
    receipt: plainReceiptText(inputs, content.length, digest, { sent, received }),
  };
}

function plainReceiptText(
  inputs: SignedInputs,
  size: number,
  digest: Buffer,
  { sent, received }: Readonly<Record<"sent" | "received", Buffer>>,
): string {
  const text = (bytes: Buffer): string => bytes.toString("base64url");
  const fields: readonly (readonly [string, string | number])[] = [
    ["type", "postern signed receipt"],
    ["version", 1],
    ["profile", inputs.profile],
    ["content", text(unhex(inputs.contentId))],
    ["sender", text(party(unhex(inputs.sender)).id)],
    ["receiver", text(party(unhex(inputs.receiver)).id)],
    ["kind", inputs.kind],
    ["name", inputs.name],
    ["size", size],
    ["digest", text(digest)],
  ];
  const lines = fields.map(([name, value]) => `  "${name}": ${JSON.stringify(value)}`);
  const side = (name: string, at: number, signature: Buffer): string =>
    `  "${name}": {\n    "at": ${at},\n    "signature": "${text(signature)}"\n  }`;
  lines.push(side("sent", inputs.sentAt, sent), side("received", inputs.receivedAt, received));
  return `{\n${lines.join(",\n")}\n}\n`;
}
