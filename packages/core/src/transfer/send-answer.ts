/**
 * A receiver's yes, at its sender: where the content begins, and whether what the receiver holds is
 * its beginning. docs/protocol.md 9.
 *
 * @module
 */
import { ifWellFormed } from "../bytes/reader.ts";
import { PosternError } from "../errors.ts";
import { hasOfferedAgain, openAnswerKeys } from "../exchange/sender-exchange.ts";
import { verdictError } from "../exchange/verdict.ts";
import { ANSWER_TIMEOUT_MS, INLINE_TIMEOUT_MS } from "../limits.ts";
import { after } from "../time.ts";
import { openAnswer, type Answer } from "./answer.ts";
import { fail, refused } from "./send-end.ts";
import type { Offered, SendPlan, SendState, SendStep } from "./send-state.ts";
import {
  emit,
  heldCheckMs,
  holdAtOf,
  ridesInEnvelopes,
  type Moment,
  type RecordsPath,
} from "./steps.ts";

export function answered(
  plan: SendPlan,
  before: Extract<SendState, { kind: "expect-answer" }>,
  bytes: Uint8Array,
  now: Moment,
): SendStep {
  const { suite, transfer } = plan.context;
  const { keys, sealed } = openAnswerKeys(plan.context, before.ready, bytes);
  const ready = { ...before.ready, keys };
  const state = { ...before, ready };
  const answer = ifWellFormed(() => openAnswer(suite, keys.answer, transfer, sealed));
  if (answer === undefined) {
    const code = hasOfferedAgain(before.exchange) ? "transfer/interrupted" : "transfer/invalid";
    return fail(plan, state, new PosternError(code, "the receiver's answer does not open"));
  }
  if (answer.verdict !== "accept") return refused(state, verdictError(answer.verdict));
  if (plan.context.message !== undefined)
    return fail(plan, state, new PosternError("peer/unexpected-frame", "a message has a receipt"));
  return accepted(plan, state, answer, now);
}

function accepted(
  plan: SendPlan,
  state: Offered & SendState,
  { offset, prefixDigest: digest }: Answer,
  now: Moment,
): SendStep {
  const { exchange, ready } = state;
  const inEnvelopes = ridesInEnvelopes(plan.content);
  const most = inEnvelopes ? 0 : (plan.content.size ?? offset);
  const event = emit({ kind: "accepted", offset });
  if (offset > most)
    return fail(plan, state, new PosternError("peer/malformed", "an offset beyond the content"));
  if (inEnvelopes) {
    const next = stream(plan, state, { kind: "envelopes" }, 0, now);
    return { state: next.state, effects: [event, ...next.effects] };
  }
  if (offset === 0) {
    const next = expectPipe(state, 0, now);
    return { state: next.state, effects: [event, ...next.effects] };
  }
  const deadline = after(now.instant, heldCheckMs(offset));
  return {
    state: { kind: "expect-check", exchange, ready, offset, deadline },
    effects: [event, { kind: "check-held", offset, digest }],
  };
}

function expectPipe({ exchange, ready }: Offered, offset: number, now: Moment): SendStep {
  const deadline = after(now.instant, ANSWER_TIMEOUT_MS);
  return {
    state: { kind: "expect-pipe", exchange, ready, offset, deadline },
    effects: [{ kind: "open-pipe" }],
  };
}

export function heldChecked(
  plan: SendPlan,
  state: Extract<SendState, { kind: "expect-check" }>,
  same: boolean,
  now: Moment,
): SendStep {
  if (same) return expectPipe(state, state.offset, now);
  const text = "the receiver holds the beginning of something else";
  return fail(plan, state, new PosternError("transfer/other-content", text));
}

export function stream(
  plan: SendPlan,
  { exchange, ready }: Offered,
  path: RecordsPath,
  fromOffset: number,
  now: Moment,
): SendStep {
  const { content, sessionSeconds } = plan;
  const holdAt = holdAtOf(content, fromOffset);
  const deadline = path.kind === "envelopes" ? after(now.instant, INLINE_TIMEOUT_MS) : undefined;
  return {
    state: { kind: "streaming", exchange, ready, receipt: undefined, deadline },
    effects: [{ kind: "run-records", keys: ready.keys, path, fromOffset, holdAt, sessionSeconds }],
  };
}
