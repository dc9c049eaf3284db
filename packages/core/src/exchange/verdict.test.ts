import assert from "node:assert/strict";
import { test } from "node:test";
import { codeOf } from "../../test/exchange-lab.ts";
import {
  CLEAR_VERDICTS,
  clearVerdictError,
  decodeVerdict,
  encodeVerdict,
  verdictError,
} from "./verdict.ts";
import type { Verdict } from "./verdict.ts";

/** docs/protocol.md 9. */
const NUMBERS: Readonly<Record<Verdict, number>> = {
  accept: 0,
  decline: 1,
  busy: 2,
  expired: 3,
  "wrong-receiver": 4,
  invalid: 5,
  replayed: 6,
  "key-unknown": 7,
  "profile-refused": 8,
  "too-large": 9,
  "no-space": 10,
  "timed-out": 11,
  interrupted: 12,
};
const ENTRIES = Object.entries(NUMBERS) as readonly (readonly [Verdict, number])[];

test("encodeVerdict() and decodeVerdict() keep the numbers of docs/protocol.md 9", () => {
  for (const [verdict, number] of ENTRIES) {
    assert.equal(encodeVerdict(verdict), number);
    assert.equal(decodeVerdict(number), verdict);
  }
});

test("P-03 decodeVerdict() refuses every other number", () => {
  for (let number = ENTRIES.length; number < 256; number++)
    assert.equal(
      codeOf(() => decodeVerdict(number)),
      "peer/malformed",
    );
});

test("CLEAR_VERDICTS are those that need no key, or must not be sealed twice", () => {
  assert.deepEqual(CLEAR_VERDICTS.map(encodeVerdict), [1, 2, 3, 4, 5, 6, 7, 8]);
});

test("S-10 verdictError() tells every refusal from the others that a person acts upon", () => {
  const refusals = ENTRIES.flatMap(([verdict]) => (verdict === "accept" ? [] : [verdict]));
  const codes = refusals.map((verdict) => {
    const error = verdictError(verdict);
    assert.deepEqual(error.details, { verdict });
    return error.code;
  });
  assert.equal(new Set(codes).size, refusals.length);
});

test("C-01 clearVerdictError() has the same codes, and says that no key confirms them", () => {
  for (const verdict of CLEAR_VERDICTS) {
    const { code, details } = clearVerdictError(verdict);
    assert.equal(code, verdictError(verdict).code);
    assert.deepEqual(details, { verdict, confirmed: "no" });
  }
});
