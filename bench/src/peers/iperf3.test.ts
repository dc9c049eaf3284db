import assert from "node:assert/strict";
import { test } from "node:test";

import { parseSeconds } from "./iperf3.ts";

test("parseSeconds() takes the receiver's time, for what had arrived by then", () => {
  const sent = { seconds: 1, bytes: 4_000 };
  const json = JSON.stringify({
    end: { sum_sent: sent, sum_received: { seconds: 2, bytes: 1_000 } },
  });
  assert.equal(parseSeconds(json, 4_000), 8);
});

test("parseSeconds() says when there is no result", () => {
  for (const json of [
    '{ "error": "refused" }',
    '{ "end": {} }',
    '{ "end": { "sum_received": { "seconds": 1 } } }',
  ])
    assert.throws(() => parseSeconds(json, 1), /no result/);
});
