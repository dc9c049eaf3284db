/**
 * Clients that come again: after a link, after a restart, and with an older copy of their state.
 * docs/protocol-end-to-end.md 7.3.5, 7.3.6.
 *
 * @module
 */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { keySource, Lab, type Person } from "./end-to-end-lab.ts";

const lab = await Lab.open({ after });

test("the channel goes on after both have restarted", async () => {
  let [ann, bob] = [await lab.person("ann"), await lab.receiver("bob")];
  assert.equal(keySource(await ann.tell("bob", "one")), "key-package 0");
  await Promise.all([ann.client.close(), bob.client.close()]);
  [ann, bob] = [await lab.person("ann"), await lab.receiver("bob")];
  assert.equal(keySource(await ann.tell("bob", "two")), "channel 1");
});

test("C-04 a sender whose state is set back begins anew, and is told", async () => {
  let carl = await lab.person("carl");
  const dora = await lab.receiver("dora");
  assert.equal(await carl.outcome("dora", "one"), "done");
  await carl.client.close();
  await lab.save("carl");
  carl = await lab.person("carl");
  assert.equal(await carl.outcome("dora", "two"), "done");
  await carl.client.close();
  await lab.restore("carl");
  carl = await lab.person("carl");
  await renewed(carl, "dora", "three");
  assert.equal(keySource(await carl.tell("dora", "four")), "channel 1");
  await dora.hasArrived(4);
  assert.deepEqual(dora.texts(), ["one", "two", "three", "four"]);
});

test("C-04 a receiver whose state is set back says so, and the sender begins anew", async () => {
  const emil = await lab.person("emil");
  let fred = await lab.receiver("fred");
  assert.equal(await emil.outcome("fred", "one"), "done");
  await fred.hasArrived(1);
  await fred.client.close();
  await lab.save("fred");
  fred = await lab.receiver("fred");
  for (const text of ["two", "three"]) assert.equal(await emil.outcome("fred", text), "done");
  await fred.hasArrived(2);
  await fred.client.close();
  await lab.restore("fred");
  fred = await lab.receiver("fred");
  await renewed(emil, "fred", "four");
  await fred.hasArrived(1);
  assert.deepEqual(fred.texts(), ["four"]);
});

test("a receiver that has lost everything is reached by its new packages", async () => {
  const gwen = await lab.person("gwen");
  let hans = await lab.person("hans");
  await hans.client.close();
  await lab.save("hans");
  hans = await lab.receiver("hans");
  assert.equal(await gwen.outcome("hans", "one"), "done");
  await hans.client.close();
  // As it was before it made its first package: the relay holds those of another life.
  await lab.restore("hans");
  hans = await lab.receiver("hans");
  await renewed(gwen, "hans", "two");
  await hans.hasArrived(1);
  const ines = await lab.person("ines");
  assert.equal(await ines.outcome("hans", "three"), "done");
});

/** Sends and arrives, though with keys that are made anew. */
async function renewed(from: Person, to: string, text: string): Promise<void> {
  const events = await from.tell(to, text);
  assert.deepEqual(
    [events.some(({ type }) => type === "key-renewed"), events.at(-1)?.type, keySource(events)],
    [true, "done", "key-package 0"],
  );
}
