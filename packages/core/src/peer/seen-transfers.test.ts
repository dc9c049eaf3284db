import assert from "node:assert/strict";
import { test } from "node:test";
import { HEADER_AHEAD_MS, HEADER_VALID_MS, SEEN_TRANSFERS_MAX } from "../limits.ts";
import type { InstantMs } from "../time.ts";
import { SeenTransfers } from "./seen-transfers.ts";

const REMEMBERED_MS = HEADER_VALID_MS + HEADER_AHEAD_MS;

test("C-02 SeenTransfers has room for 900 messages a second, for ever", () => {
  const seen = new SeenTransfers();
  for (let n = 0; n < 3 * SEEN_TRANSFERS_MAX; n++) {
    const now = (n / 0.9) as InstantMs;
    assert.ok(seen.hasRoom(now), `message ${n}`);
    seen.add(`${n}`, now);
  }
});

test("C-02 SeenTransfers refuses when it is full, forgets nothing that lives, then has room", () => {
  const seen = new SeenTransfers();
  for (let n = 0; n < SEEN_TRANSFERS_MAX; n++) {
    assert.ok(seen.hasRoom(n as InstantMs));
    seen.add(`${n}`, 0 as InstantMs);
  }
  assert.ok(!seen.hasRoom(REMEMBERED_MS as InstantMs));
  for (const n of [0, SEEN_TRANSFERS_MAX - 1]) assert.ok(seen.has(`${n}`));
  assert.ok(seen.hasRoom((REMEMBERED_MS + 1) as InstantMs));
  assert.ok(!seen.has("0"));
});

test("C-02 SeenTransfers remembers one that was seen again from then on", () => {
  const seen = new SeenTransfers();
  seen.add("a", 0 as InstantMs);
  seen.add("a", 1_000 as InstantMs);
  assert.ok(seen.hasRoom((REMEMBERED_MS + 1_000) as InstantMs));
  assert.ok(seen.has("a"));
  assert.ok(seen.hasRoom((REMEMBERED_MS + 1_001) as InstantMs));
  assert.ok(!seen.has("a"));
});
