/**
 * Questions to the relay that belong to no transfer: who is there, and who has which RSA key
 * (docs/protocol.md 5.1).
 *
 * @module
 */
import type { RequestStatus } from "../exchange/steps.ts";
import type { LinkFrame, RelayFrame } from "../link/frames.ts";
import type { DirectoryAnswer, DirectoryQuery, PeerEffect } from "./steps.ts";

/** What a request was for. */
export interface Question {
  readonly kind: "query";
  readonly token: number;
  readonly query: DirectoryQuery["kind"];
}

export type AnswerFrame = Extract<
  RelayFrame,
  { readonly kind: "receivers" | "found" | "certificate" }
>;

/** A `result` where an answer was owed; too many requests say `overloaded` themselves. */
export function refusal(status: RequestStatus): DirectoryAnswer {
  return status === "overloaded" ? { kind: status } : { kind: "refused", status };
}

export function answered({ token, query }: Question, answer: DirectoryAnswer): PeerEffect {
  return { kind: "answered", token, query, answer };
}

export function questionFrame(request: number, query: DirectoryQuery): LinkFrame {
  switch (query.kind) {
    case "list":
      return { kind: "list-receivers", request, after: query.after };
    case "find":
      return { kind: "find", request, name: query.name };
    case "certificate":
      return { kind: "fetch-certificate", request, of: query.of };
  }
}
