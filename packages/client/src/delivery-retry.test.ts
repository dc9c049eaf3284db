import assert from "node:assert/strict";
import { test } from "node:test";
import { PosternError, type ErrorCode } from "@postern/core/errors";
import { DELIVERY_TRIES_MAX } from "@postern/core/limits";
import type { InstantMs } from "@postern/core/time";
import { DeliveryRetry, type Wait } from "./delivery-retry.ts";

const at = (ms: number): InstantMs => ms as InstantMs;

function retry({ patienceMs = undefined as number | undefined, jitter = 0.5 } = {}) {
  const made = new DeliveryRetry({ patienceMs, jitter: () => jitter }, false);
  const next = (code: ErrorCode, now = 0, isResumed = false): Wait | undefined =>
    made.next(new PosternError(code, "x"), isResumed, at(now));
  return { made, next };
}

test("DeliveryRetry waits for nobody who has never taken the content", () => {
  for (const code of ["peer/absent", "peer/gone", "link/closed", "transfer/pipe-lost"] as const)
    assert.equal(retry().next(code), undefined, code);
});

test("DeliveryRetry waits for whoever a content is gone on with, and for nothing else then", () => {
  for (const code of ["peer/absent", "peer/busy", "link/closed", "relay/unreachable"] as const)
    assert.equal(retry().next(code, 0, true)?.inMs, 1_000, code);
  for (const code of ["peer/unknown", "peer/declined", "transfer/pipe-lost"] as const)
    assert.equal(retry().next(code, 0, true), undefined, code);
});

test("DeliveryRetry waits 1 s, twice as long each time, 30 s at most, and 1 s after progress", () => {
  const { made, next } = retry();
  made.accepted();
  const waits = (codes: number) => Array.from({ length: codes }, () => next("peer/gone")?.inMs);
  assert.deepEqual(waits(7), [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
  made.accepted();
  assert.deepEqual(waits(1), [30_000], "to be accepted again is no progress");
  made.progressed();
  assert.deepEqual(waits(2), [1_000, 2_000]);
});

test("DeliveryRetry asks for the receiver in a moment when the relay is back after a long time", () => {
  const { made, next } = retry();
  made.accepted();
  for (let tries = 0; tries < 5; tries++) next("link/closed");
  assert.equal(next("peer/busy")?.inMs, 1_000, "it comes back as this side does");
  assert.equal(next("peer/absent")?.inMs, 2_000);
  assert.equal(next("relay/unreachable")?.inMs, 30_000);
});

test("DeliveryRetry spreads those who were cut off together by a quarter, either way", () => {
  for (const [jitter, inMs] of [
    [0, 750],
    [1, 1_250],
  ] as const) {
    const { made, next } = retry({ jitter });
    made.accepted();
    assert.equal(next("link/closed")?.inMs, inMs);
  }
});

test("DeliveryRetry says whom it waits for", () => {
  const { made, next } = retry();
  made.accepted();
  for (const code of ["link/closed", "link/timed-out", "relay/restarting"] as const)
    assert.equal(next(code)?.for, "relay", code);
  for (const code of ["peer/gone", "peer/unknown", "transfer/truncated"] as const)
    assert.equal(next(code)?.for, "receiver", code);
});

test("DeliveryRetry has patience since the last time that the receiver was there", () => {
  const { made, next } = retry({ patienceMs: 10_000 });
  made.accepted();
  assert.equal(next("peer/gone", 5_000)?.inMs, 1_000);
  assert.equal(next("peer/absent", 13_500)?.inMs, 1_500, "no longer than it lasts");
  assert.equal(next("peer/absent", 15_000), undefined);
  made.accepted();
  assert.equal(next("peer/absent", 16_000)?.inMs, 4_000);
  const none = retry({ patienceMs: 0 });
  none.made.accepted();
  assert.equal(none.next("peer/gone"), undefined);
});

test("DeliveryRetry tries a content that breaks without progress so often, and no more", () => {
  const { made, next } = retry();
  made.accepted();
  for (let tries = 1; tries < DELIVERY_TRIES_MAX; tries++) {
    assert.notEqual(next("transfer/damaged"), undefined);
    // Somebody who is away is no break.
    assert.notEqual(next("peer/absent"), undefined);
    made.accepted();
  }
  assert.equal(next("transfer/damaged"), undefined);
  made.progressed();
  assert.notEqual(next("transfer/damaged"), undefined);
});

test("DeliveryRetry takes a no, a full disk and a changed source for final", () => {
  const { made, next } = retry();
  made.accepted();
  for (const code of [
    "peer/declined",
    "peer/cancelled",
    "peer/no-space",
    "peer/key-changed",
    "transfer/cancelled",
    "transfer/other-content",
    "transfer/source-changed",
    "link/superseded",
    "relay/pin-changed",
    "store/failed",
  ] as const)
    assert.equal(next(code), undefined, code);
});
