/**
 * Questions to the relay that belong to no transfer: who is there, who has which RSA key or key
 * package, and where to meet for a pairing (docs/protocol.md 5.1).
 *
 * @module
 */
import type { RequestStatus } from "../exchange/steps.ts";
import type { LinkFrame, RelayFrame } from "../link/frames.ts";
import type { AnswerFrame, DirectoryAnswer, DirectoryQuery, PeerEffect } from "./steps.ts";

/** What a request was for. */
export interface Question {
  readonly kind: "query";
  readonly token: number;
  readonly query: DirectoryQuery["kind"];
}

/** The kinds of {@link AnswerFrame}, so that none is forgotten. */
const ANSWERS: Readonly<Record<AnswerFrame["kind"], true>> = {
  receivers: true,
  found: true,
  certificate: true,
  package: true,
  "packages-held": true,
  "pair-slot": true,
};

export function isAnswer(frame: RelayFrame): frame is AnswerFrame {
  return Object.hasOwn(ANSWERS, frame.kind);
}

/** A `result`: the answer to `pair-join`, and a refusal of everything else. */
export function resulted(query: DirectoryQuery["kind"], status: RequestStatus): DirectoryAnswer {
  if (status === "done" && query === "pair-join") return { kind: "done" };
  // Too many requests say `overloaded` themselves.
  return status === "overloaded" ? { kind: status } : { kind: "refused", status };
}

export function answered({ token, query }: Question, answer: DirectoryAnswer): PeerEffect {
  return { kind: "answered", token, query, answer };
}

/** Of the requests that had no answer in their time: a transfer has a deadline of its own. */
export function unanswered(
  purposes: readonly (Question | { readonly kind: string })[],
): readonly PeerEffect[] {
  return purposes.flatMap((purpose) =>
    "query" in purpose ? [answered(purpose, { kind: "unanswered" })] : [],
  );
}

export function questionFrame(request: number, query: DirectoryQuery): LinkFrame {
  switch (query.kind) {
    case "list":
      return { kind: "list-receivers", request, after: query.after };
    case "find":
      return { kind: "find", request, name: query.name };
    case "certificate":
      return { kind: "fetch-certificate", request, of: query.of };
    case "package":
      return { kind: "fetch-package", request, of: query.of };
    case "publish": {
      const { replace, packages } = query;
      return { kind: "publish-packages", request, replace, packages };
    }
    case "pair-open":
      return { kind: "pair-open", request };
    case "pair-join":
      return { kind: "pair-join", request, slot: query.slot };
  }
}
