/**
 * What a transfer by code leaves behind: nothing of its own, and everything else as it was. One of
 * the two stays connected all the time. docs/protocol-pairing.md 10.3.
 *
 * @module
 */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { Paired } from "@postern/client";
import { keySource, Lab, type Person } from "./end-to-end-lab.ts";
import { meetByCode, until } from "./lab.ts";

const lab = await Lab.open({ after });
let pairs = 0;

interface Two {
  readonly stays: Person;
  readonly leaves: Person;
}

/** Two people, named after their pair. */
async function two(): Promise<Two> {
  pairs += 1;
  return { stays: await lab.person(`ann-${pairs}`), leaves: await lab.person(`bob-${pairs}`) };
}

/** One message by code; afterwards nobody listens. */
async function byCode(from: Person, to: Person, text: string): Promise<void> {
  const [atFrom, atTo] = await meetByCode(from, to);
  const count = to.arrived.length;
  const sent = from.outcome(atFrom, text);
  await to.listen({ from: atTo, listed: false });
  assert.equal(await sent, "done");
  await to.hasArrived(count + 1);
  await to.deafen();
  await hasServed(from, atFrom);
  await hasServed(to, atTo);
}

/** Nothing of the meeting is left to use. */
async function hasServed(person: Person, paired: Paired): Promise<void> {
  await until(async () => (await person.outcome(paired, "more")) === "usage/wrong-state");
  await assert.rejects(paired.keep(), { code: "usage/wrong-state" });
}

async function restarted(person: Person): Promise<Person> {
  await person.client.close();
  return await lab.person(person.name);
}

/** `done key-package 0` or a code, for a message by name to who listens to everybody. */
async function byName(from: Person, to: Person): Promise<string> {
  await to.listen();
  const events = await from.tell(to.name, "by name");
  await to.deafen();
  const last = events.at(-1);
  if (last?.type === "failed") return last.error.code;
  const isRenewed = events.some(({ type }) => type === "key-renewed");
  return isRenewed ? "renewed" : keySource(events);
}

for (const isStayingTheSender of [true, false]) {
  const who = isStayingTheSender ? "sends" : "receives";

  test(`strangers: who stays ${who} by code, and is reached by name afterwards`, async () => {
    const { stays, leaves } = await two();
    const [from, to] = isStayingTheSender ? [stays, leaves] : [leaves, stays];
    await byCode(from, to, "by code");
    const back = await restarted(leaves);
    for (const person of [stays, back])
      assert.deepEqual(await person.client.contacts.list(), [], "nobody was kept");
    assert.equal(await byName(back, stays), "key-package 0");
    assert.equal(await byName(stays, back), "key-package 0");
    assert.equal(await byName(back, stays), "channel 1");
  });

  for (const isPaired of [true, false])
    test(`contacts, ${isPaired ? "paired" : "first use"}: who stays ${who} by code; their channels go on`, async () => {
      const { stays, leaves } = await two();
      if (isPaired) {
        const both = await meetByCode(stays, leaves);
        await Promise.all(both.map(async (paired) => await paired.keep()));
      }
      assert.equal(await byName(stays, leaves), "key-package 0");
      assert.equal(await byName(leaves, stays), "key-package 0");
      const [from, to] = isStayingTheSender ? [stays, leaves] : [leaves, stays];
      const before = await from.client.contacts.list();
      await byCode(from, to, "by code");
      assert.deepEqual(await from.client.contacts.list(), before, "trust and channels included");
      assert.equal(await byName(leaves, stays), "channel 1");
      const back = await restarted(leaves);
      assert.equal(await byName(back, stays), "channel 2");
      assert.equal(await byName(stays, back), "channel 1");
      await byCode(from === leaves ? back : stays, to === leaves ? back : stays, "again");
      const staysAgain = await restarted(stays);
      assert.equal(await byName(staysAgain, back), "channel 2");
      assert.equal(await byName(back, staysAgain), "channel 3");
    });
}

test("a transfer by code that its receiver refuses leaves no more than one that it takes", async () => {
  const { stays, leaves } = await two();
  const [atStays, atLeaves] = await meetByCode(stays, leaves);
  leaves.decide = () => "decline";
  const sent = stays.outcome(atStays, "by code");
  await leaves.listen({ from: atLeaves, listed: false });
  assert.equal(await sent, "peer/declined");
  await leaves.deafen();
  await hasServed(stays, atStays);
  leaves.decide = () => "accept";
  assert.equal(await byName(stays, leaves), "key-package 0");
});

test("a meeting that is kept while its transfer runs becomes the contact's afterwards", async () => {
  const { stays, leaves } = await two();
  const [atStays, atLeaves] = await meetByCode(stays, leaves);
  const sent = stays.outcome(atStays, "by code");
  await leaves.listen({ from: atLeaves, listed: false });
  await Promise.all([atStays.keep(), atLeaves.keep()]);
  assert.equal(await sent, "done");
  await leaves.deafen();
  // It may have been made with the keys of the contact already.
  assert.match(await byName(stays, leaves), /^(key-package 0|channel 1)$/);
  assert.equal(await byName(leaves, stays), "key-package 0");
});
