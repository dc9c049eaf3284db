import assert from "node:assert/strict";
import { test } from "node:test";
import { hasCode } from "../../test/has-code.ts";
import { scratch } from "../../test/scratch.ts";
import {
  atEachStep,
  CHEAP,
  copyOf,
  expectFilled,
  expectNoSecret,
  fill,
  FIRST,
  leaveTrace,
  openIn,
  SECOND,
} from "../../test/state-lab.ts";
import type { SealableStore } from "./sqlite-store.ts";

const CHANGES = [
  { name: "sets", from: undefined, to: FIRST },
  { name: "changes", from: FIRST, to: SECOND },
  { name: "removes", from: FIRST, to: undefined },
];

for (const { name, from, to } of CHANGES)
  test(`C-04 setPassphrase() ${name} it whole or not at all, whichever step a crash hits`, async (t) => {
    const directory = await scratch(t);
    const store = await filled(directory, from);
    const left: string[] = [];
    const stop = atEachStep(t, () => void left.push(copyOf(directory)));
    await store.setPassphrase(to, CHEAP);
    stop();
    await store.close();
    assert.ok(left.length > 30, `${left.length} steps`);
    let [before, after] = [0, 0];
    for (const copy of left) {
      const passphrase = await under(copy, [from, to]);
      if (passphrase === to) after++;
      else before++;
      if (passphrase !== undefined) expectNoSecret(copy);
    }
    assert.ok(before > 0 && after > 2, `${before} before, ${after} after`);
  });

for (const { name, from, to } of CHANGES)
  test(`setPassphrase() leaves a store that works when a step fails while it ${name} it`, async (t) => {
    const directory = await scratch(t);
    const store = await filled(directory, from);
    let [calls, failing] = [0, 0];
    const stop = atEachStep(t, () => {
      if (++calls === failing) throw new Error("out of order");
    });
    for (let at = 1; ; at++) {
      [calls, failing] = [0, at];
      const error = await store.setPassphrase(to, CHEAP).then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      failing = 0;
      await expectFilled(store);
      // The store goes on under what it says that it is under.
      assert.equal(store.isProtected, (await under(copyOf(directory), [from, to])) !== undefined);
      if (error === undefined) break;
      assert.ok(hasCode("store/failed")(error), `step ${at}`);
    }
    stop();
    await store.close();
    assert.equal(await under(directory, [to]), to);
    if (to !== undefined) expectNoSecret(directory);
  });

async function filled(
  directory: string,
  passphrase: Uint8Array | undefined,
): Promise<SealableStore> {
  const first = await openIn(directory);
  await fill(first);
  await first.close();
  leaveTrace(directory);
  const store = await openIn(directory);
  if (passphrase !== undefined) await store.setPassphrase(passphrase, CHEAP);
  return store;
}

/** Which of them the state is under; it has everything. */
async function under(
  directory: string,
  candidates: readonly (Uint8Array | undefined)[],
): Promise<Uint8Array | undefined> {
  for (const passphrase of candidates) {
    const store = await openIn(directory, passphrase).catch((error: unknown) => {
      assert.ok(hasCode("store/locked")(error) || hasCode("store/wrong-passphrase")(error));
    });
    if (store === undefined) continue;
    const { isProtected } = store;
    await expectFilled(store);
    await store.close();
    return isProtected ? passphrase : undefined;
  }
  return assert.fail("none of them opens the state");
}
