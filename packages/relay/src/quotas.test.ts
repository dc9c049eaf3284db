import assert from "node:assert/strict";
import { test } from "node:test";
import {
  PACKAGE_FETCHES_PER_MINUTE,
  PACKAGE_PUBLICATIONS_PER_MINUTE,
  QUESTIONS_PER_MINUTE,
} from "@postern/core/limits";
import type { ClientFrame } from "@postern/core/link";
import type { InstantMs } from "@postern/core/time";
import { BoardDriver } from "../test/board-driver.ts";
import { Quotas } from "./quotas.ts";

const MINUTE_MS = 60_000;
const NOBODY = new Uint8Array(32);
const BOUNDED: readonly (readonly [ClientFrame, number])[] = [
  [{ kind: "find", request: 1, name: "eve" }, QUESTIONS_PER_MINUTE],
  [{ kind: "fetch-package", request: 1, of: NOBODY }, PACKAGE_FETCHES_PER_MINUTE],
  [
    { kind: "publish-packages", request: 1, replace: true, packages: [] },
    PACKAGE_PUBLICATIONS_PER_MINUTE,
  ],
];

for (const [frame, countMax] of BOUNDED)
  test(`R-03 stepSwitchboard() gives an identity no other minute of ${frame.kind} with a new link`, () => {
    const driver = new BoardDriver();
    let eve = driver.login("eve");
    const isRefused = (): boolean => {
      eve.send(frame);
      const [answer] = eve.take();
      return answer?.kind === "result" && answer.status === "overloaded";
    };
    let allowed = 0;
    for (let n = 0; n < countMax + 20; n++) {
      if (!isRefused()) allowed++;
      if (n % Math.ceil(countMax / 10) !== 0) continue;
      // It goes and comes, or comes before it has gone.
      if (n % 2 === 0) eve.leave();
      eve = driver.login(eve.who);
    }
    assert.equal(allowed, countMax);
    eve.leave();
    driver.now += MINUTE_MS;
    eve = driver.login(eve.who);
    assert.equal(isRefused(), false);
  });

test("Quotas remember for a minute who left, and nobody for longer", () => {
  const quotas = new Quotas();
  for (let n = 0; n < 1_000; n++) {
    const now = (n * 1_000) as InstantMs;
    const quota = quotas.take(`client-${n}`, now);
    assert(quota.publications.take(now));
    quotas.leave(`client-${n}`, quota);
    assert(quotas.size <= 61, `${quotas.size} are held`);
  }
});
