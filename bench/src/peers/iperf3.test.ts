import assert from "node:assert/strict";
import { test } from "node:test";

import { parseSeconds } from "./iperf3.ts";

test("parseSeconds() takes the time of the receiver", () => {
  const json = '{ "end": { "sum_sent": { "seconds": 1 }, "sum_received": { "seconds": 2.5 } } }';
  assert.equal(parseSeconds(json), 2.5);
});

test("parseSeconds() says when there is no result", () => {
  for (const json of ['{ "error": "refused" }', '{ "end": {} }'])
    assert.throws(() => parseSeconds(json), /no result/);
});
