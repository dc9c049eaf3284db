/** What every {@link Store} does with unfinished contents. @module */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  UNFINISHED_MAX,
  UNFINISHED_OF_PEER_MAX,
  UNFINISHED_RECORD_BYTES_MAX,
} from "@postern/core/limits";
import type { WallMs } from "@postern/core/time";
import type { StoredUnfinished } from "../src/store.ts";
import { hasCode } from "./has-code.ts";
import type { StoreMakers } from "./store-makers.ts";
import { bytes, fingerprint, LATER, unfinishedOf } from "./stored-samples.ts";

const refused = hasCode("usage/invalid-argument");
const ONE = unfinishedOf(1);

export function unfinishedConformance(name: string, { make, makeWith }: StoreMakers): void {
  test(`${name} keeps unfinished contents, the one changed last first`, async (t) => {
    const store = await make(t);
    assert.deepEqual(await store.unfinished(), []);
    assert.equal(await store.unfinishedOne(ONE), undefined);
    const others = [
      { ...ONE, role: "sending" as const },
      { ...ONE, peer: fingerprint(5) },
      unfinishedOf(2),
    ];
    for (const one of [ONE, ...others]) await store.saveUnfinished(one);
    assert.deepEqual(await store.unfinished(), [...others.toReversed(), ONE]);
    const changed = { ...ONE, record: bytes(50, 9), changedAt: 7 as WallMs };
    await store.saveUnfinished(changed);
    assert.deepEqual(await store.unfinished(), [changed, ...others.toReversed()]);
    assert.deepEqual(await store.unfinishedOne(ONE), changed);
    await store.dropUnfinished(ONE);
    await store.dropUnfinished(ONE);
    assert.deepEqual(await store.unfinished(), others.toReversed());
  });

  test(`${name} copies what it keeps of an unfinished content`, async (t) => {
    const store = await make(t);
    const record = bytes(40, 1);
    await store.saveUnfinished({ ...ONE, record });
    record.fill(0);
    (await store.unfinishedOne(ONE))?.record.fill(0);
    (await store.unfinished())[0]?.content.fill(0);
    assert.deepEqual(await store.unfinished(), [ONE]);
  });

  test(`${name} takes an unfinished content up to its bounds, and no more`, async (t) => {
    const store = await make(t);
    const largest = { ...ONE, record: bytes(UNFINISHED_RECORD_BYTES_MAX, 1) };
    await store.saveUnfinished(largest);
    const wrong: StoredUnfinished[] = [
      { ...ONE, record: new Uint8Array(UNFINISHED_RECORD_BYTES_MAX + 1) },
      { ...ONE, record: bytes(0, 1) },
      { ...ONE, peer: bytes(31, 1) },
      { ...ONE, content: bytes(15, 1) },
      { ...ONE, role: "both" as "sending" },
      { ...ONE, changedAt: -1 as WallMs },
    ];
    for (const one of wrong) await assert.rejects(store.saveUnfinished(one), refused);
    await assert.rejects(store.unfinishedOne({ ...ONE, content: bytes(17, 1) }), refused);
    await assert.rejects(store.dropUnfinished({ ...ONE, peer: bytes(33, 1) }), refused);
    assert.deepEqual(await store.unfinished(), [largest]);
  });

  test(`${name} keeps the latest of many unfinished contents, for each role`, async (t) => {
    const store = await makeWith(t, { unfinished: UNFINISHED_MAX });
    assert.equal((await store.unfinished()).length, UNFINISHED_MAX);
    await store.saveUnfinished({ ...ONE, role: "sending" });
    await store.saveUnfinished({ ...unfinishedOf(0), peer: fingerprint(0) });
    assert.equal((await store.unfinished()).length, UNFINISHED_MAX + 1);
    const added = unfinishedOf(UNFINISHED_MAX);
    await store.saveUnfinished(added);
    const kept = await store.unfinished();
    assert.equal(kept.length, UNFINISHED_MAX + 1);
    assert.deepEqual(kept.slice(0, 3), [
      added,
      { ...unfinishedOf(0), peer: fingerprint(0) },
      { ...ONE, role: "sending" },
    ]);
    assert.equal(await store.unfinishedOne({ ...ONE, peer: fingerprint(1) }), undefined);
  });

  test(`${name} lets one peer push out its own unfinished contents alone`, async (t) => {
    const store = await make(t);
    const mine = { ...ONE, peer: fingerprint(7), changedAt: LATER };
    await store.saveUnfinished(mine);
    for (let n = 0; n <= UNFINISHED_OF_PEER_MAX; n++) await store.saveUnfinished(unfinishedOf(n));
    const kept = await store.unfinished();
    assert.equal(kept.length, UNFINISHED_OF_PEER_MAX + 1);
    assert.deepEqual(kept.at(-1), mine);
    assert.equal(await store.unfinishedOne(unfinishedOf(0)), undefined);
  });
}
