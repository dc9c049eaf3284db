/**
 * Who may send what to whom: keys that are pinned at the first contact, steps back to RSA, people
 * who are blocked. docs/protocol-end-to-end.md 7.3.5.
 *
 * @module
 */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { OUTBOX_MAX } from "@postern/core/limits";
import { Lab } from "./end-to-end-lab.ts";

const ALL = ["end-to-end", "asymmetric", "symmetric"] as const;
const lab = await Lab.open({ after });

test("C-10 the first contact pins both keys, the sender's view before its offer leaves", async () => {
  const ann = await lab.receiver("ann");
  const bob = await lab.receiver("bob");
  bob.decide = () => "decline";
  const transfer = await ann.start("bob", "hello");
  assert.equal(transfer.peer.trust, "first-use");
  await assert.rejects(transfer.finished, { code: "peer/declined" });
  assert.equal(bob.offers[0]?.from.trust, undefined);
  assert.deepEqual(await bob.client.contacts.list(), [], "who was declined is no contact");
  bob.decide = () => "accept";
  assert.equal(await ann.outcome("bob", "hello"), "done");
  await bob.hasArrived(1);
  const [pinned] = await bob.client.contacts.list();
  assert.deepEqual(
    [pinned?.name, pinned?.trust, pinned?.fingerprint],
    ["ann", "first-use", ann.client.fingerprint],
  );
  const known = await ann.client.contacts.find("bob");
  assert.deepEqual(known?.safetyNumber, pinned?.safetyNumber);
  await ann.client.contacts.verify("bob");
  assert.equal((await ann.start("bob", "again")).peer.trust, "verified");
});

test("C-10 another key under a contact's name stops the sender, in every profile", async () => {
  const elsewhere = await Lab.open({ after });
  const gwen = await lab.person("gwen");
  const hans = await lab.receiver("hans", { profiles: ALL });
  assert.equal(await gwen.outcome("hans", "hello"), "done");
  await Promise.all([gwen.client.close(), hans.client.close()]);
  const impostor = await elsewhere.receiver("hans", { profiles: ALL });
  const again = await elsewhere.person("gwen", lab);
  for (const profile of ALL)
    assert.equal(await again.outcome("hans", "secret", profile), "peer/key-changed");
  // A name that the person chose does not hide whose name at the relay it was.
  await again.client.contacts.rename("hans", "hansi");
  assert.equal(await again.outcome("hansi", "secret"), "peer/key-changed");
  assert.equal(await again.outcome("hans", "secret"), "peer/key-changed");
  assert.deepEqual(impostor.offers, []);
  await again.client.contacts.remove("hansi");
  assert.equal(await again.outcome("hans", "hello again"), "done");
});

test("C-09 a pair with a channel takes no step back to RSA, at either end", async () => {
  const ines = await lab.receiver("ines", { profiles: ALL });
  const jack = await lab.receiver("jack", { profiles: ALL });
  assert.equal(await ines.outcome("jack", "by RSA first", "symmetric"), "done");
  assert.equal(await ines.outcome("jack", "end-to-end"), "done");
  await jack.hasArrived(2);
  for (const profile of ["symmetric", "asymmetric"] as const)
    assert.equal(await ines.outcome("jack", "back", profile), "contact/downgrade");
  await ines.client.contacts.remove("jack");
  for (const profile of ["symmetric", "asymmetric"] as const)
    assert.equal(await ines.outcome("jack", "back", profile), "peer/profile-refused");
  assert.equal(jack.offers.length, 2, "refused unseen");
  await jack.client.contacts.remove("ines");
  assert.equal(await ines.outcome("jack", "as agreed", "symmetric"), "done");
});

test("the refusal of a step back outlives the client", async () => {
  const kate = await lab.receiver("kate", { profiles: ALL });
  const liam = await lab.receiver("liam", { profiles: ALL });
  assert.equal(await kate.outcome("liam", "end-to-end"), "done");
  await liam.hasArrived(1);
  await Promise.all([kate.client.close(), liam.client.close()]);
  const [kateAgain] = [await lab.person("kate"), await lab.receiver("liam", { profiles: ALL })];
  assert.equal(await kateAgain.outcome("liam", "back", "symmetric"), "contact/downgrade");
});

test("who is blocked is not sent to, and its offers are declined unseen", async () => {
  const mona = await lab.receiver("mona", { profiles: ALL });
  const nick = await lab.receiver("nick", { profiles: ALL });
  assert.equal(await nick.outcome("mona", "hello"), "done");
  await mona.hasArrived(1);
  await mona.client.contacts.block("nick", true);
  assert.equal(await mona.outcome("nick", "?"), "peer/blocked");
  assert.equal(await nick.outcome("mona", "anybody there?"), "peer/declined");
  assert.equal(mona.offers.length, 1);
  await mona.client.contacts.block("nick", false);
  assert.equal(await nick.outcome("mona", "thanks"), "done");
  await mona.hasArrived(2);
  assert.deepEqual(mona.texts(), ["hello", "thanks"]);
});

test("who was blocked for more offers than wait for a receipt can send again", async () => {
  const quin = await lab.receiver("quin");
  const rita = await lab.person("rita");
  assert.equal(await rita.outcome("quin", "hello"), "done");
  await quin.hasArrived(1);
  await quin.client.contacts.block("rita", true);
  for (let i = 0; i < OUTBOX_MAX; i++)
    assert.equal(await rita.outcome("quin", `${i}`), "peer/declined");
  await quin.client.contacts.block("rita", false);
  // As a command that sends one thing: the next one would find its channel as full.
  await rita.client.close();
  const again = await lab.person("rita");
  assert.equal(await again.outcome("quin", "thanks"), "done");
  await quin.hasArrived(2);
  assert.deepEqual(quin.texts(), ["hello", "thanks"]);
});

test("a removed contact is a stranger again, and its old keys are gone", async () => {
  const olga = await lab.receiver("olga");
  const paul = await lab.receiver("paul");
  assert.equal(await olga.outcome("paul", "one"), "done");
  await paul.hasArrived(1);
  await paul.client.contacts.remove("olga");
  const events = await olga.tell("paul", "two");
  assert.ok(
    events.some(({ type }) => type === "key-renewed"),
    "the person is told of new keys",
  );
  await paul.hasArrived(2);
  assert.equal(paul.arrived[1]?.offer.from.trust, undefined);
});
