/**
 * Two people meet by a short code at a real relay, keep each other or only pass something on.
 * docs/protocol-pairing.md.
 *
 * @module
 */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { Paired, Pairing } from "@postern/client";
import { keySource, Lab, type Person } from "./end-to-end-lab.ts";

const lab = await Lab.open({ after });

/** The next code that an opening shows. */
async function nextCode(events: AsyncIterator<{ readonly type: string }>): Promise<string> {
  for (;;) {
    const { value, done } = await events.next();
    if (done === true) throw new Error("no code came");
    if ("code" in value) return String(value.code);
  }
}

async function meet(opener: Person, joiner: Person): Promise<readonly [Paired, Paired]> {
  const opening = opener.client.pair();
  const code = await nextCode(opening[Symbol.asyncIterator]());
  const joining = joiner.client.pair({ code });
  return await Promise.all([opening.paired, joining.paired]);
}

/** Another code for the same slot. */
function wrong(code: string): string {
  const [slot, first, ...rest] = code.split("-");
  return [slot, first === "zoo" ? "zebra" : "zoo", ...rest].join("-");
}

test("a code makes both contacts verified, and their first key takes its secret", async () => {
  const [ann, bob] = [await lab.receiver("ann"), await lab.receiver("bob")];
  const [atAnn, atBob] = await meet(ann, bob);
  assert.deepEqual(
    [atAnn.peer.name, atAnn.peer.fingerprint, atAnn.peer.trust],
    ["bob", bob.client.fingerprint, undefined],
  );
  const [bobKept, annKept] = [await atAnn.keep("robert"), await atBob.keep()];
  assert.deepEqual([bobKept.name, bobKept.trust, bobKept.paired], ["robert", "verified", true]);
  assert.deepEqual([annKept.name, annKept.trust, annKept.paired], ["ann", "verified", true]);
  assert.deepEqual(bobKept.safetyNumber, annKept.safetyNumber);
  assert.equal(keySource(await ann.tell("robert", "hello")), "key-package 0");
  await bob.hasArrived(1);
  assert.deepEqual([bob.arrived[0]?.offer.from.trust], ["verified"]);
  // The secret outlives both clients, and only who has it is taken for a first key.
  await Promise.all([ann.client.close(), bob.client.close()]);
  const [annAgain, bobAgain] = [await lab.person("ann"), await lab.receiver("bob")];
  assert.equal(keySource(await annAgain.tell("robert", "again")), "channel 1");
  await bobAgain.client.contacts.remove("ann");
  assert.equal(await annAgain.outcome("robert", "who are you?"), "peer/pairing-lost");
  const again = await meet(annAgain, bobAgain);
  await Promise.all(again.map(async (paired) => await paired.keep()));
  assert.equal(await annAgain.outcome("robert", "paired again"), "done");
});

test("pairing with somebody known puts both channels on the new secret", async () => {
  const [carl, dora] = [await lab.receiver("carl"), await lab.receiver("dora")];
  assert.equal(await carl.outcome("dora", "one"), "done");
  assert.equal(await dora.outcome("carl", "two"), "done");
  const [atCarl, atDora] = await meet(dora, carl);
  assert.equal(atCarl.peer.trust, "first-use");
  await Promise.all([atCarl.keep(), atDora.keep()]);
  assert.equal((await carl.client.contacts.find("dora"))?.trust, "verified");
  assert.equal(keySource(await carl.tell("dora", "three")), "key-package 0");
  assert.equal(keySource(await dora.tell("carl", "four")), "key-package 0");
  assert.equal(keySource(await dora.tell("carl", "five")), "channel 1");
});

test("C-14 a wrong code costs its one guess: both are told, and the code is burned", async () => {
  const [emil, fred] = [await lab.person("emil"), await lab.person("fred")];
  const opening = emil.client.pair({ words: 3 });
  const events = opening[Symbol.asyncIterator]();
  const burned = await nextCode(events);
  assert.equal(burned.split("-").length, 4);
  await failsWith(fred.client.pair({ code: wrong(burned) }), "pairing/wrong-code");
  assert.deepEqual((await events.next()).value, { type: "guessed" });
  const code = await nextCode(events);
  await failsWith(fred.client.pair({ code: burned }), "pairing/unknown-code");
  const joining = fred.client.pair({ code: code.toUpperCase().replaceAll("-", " ") });
  const [atEmil, atFred] = await Promise.all([opening.paired, joining.paired]);
  assert.deepEqual([atEmil.peer.name, atFred.peer.name], ["fred", "emil"]);
  assert.equal((await events.next()).done, true);
});

test("a pairing that is given up, mistyped or left behind ends with its own code", async () => {
  const [gwen, hans] = [await lab.person("gwen"), await lab.person("hans")];
  assert.throws(() => gwen.client.pair({ code: "7-nonsense-words" }), {
    code: "pairing/invalid-code",
  });
  await failsWith(gwen.client.pair({ code: "999999-zoo-zebra" }), "pairing/unknown-code");
  const opening = gwen.client.pair();
  const code = await nextCode(opening[Symbol.asyncIterator]());
  opening.cancel();
  await failsWith(opening, "pairing/cancelled");
  await failsWith(hans.client.pair({ code }), "pairing/unknown-code");
  const other = gwen.client.pair();
  await nextCode(other[Symbol.asyncIterator]());
  await gwen.client.close();
  await failsWith(other, "pairing/cancelled");
});

test("a transfer by code: sender and receiver are strangers before and after", async () => {
  const [ines, jack, kate] = [
    await lab.person("ines"),
    await lab.person("jack"),
    await lab.person("kate"),
  ];
  const [atInes, atJack] = await meet(ines, jack);
  // The receiver may be slower: the sender waits for it.
  const sent = ines.outcome(atInes, "by code");
  await jack.listen({ from: atJack, listed: false });
  assert.equal(await sent, "done");
  await jack.hasArrived(1);
  assert.deepEqual(jack.texts(), ["by code"]);
  assert.equal(await kate.outcome("jack", "me too"), "peer/declined");
  assert.equal(jack.offers.length, 1, "declined unseen");
  assert.deepEqual(await ines.client.contacts.list(), []);
  assert.deepEqual(await jack.client.contacts.list(), []);
});

test("what comes by a code is sealed under its secret: without it nothing opens", async () => {
  const [liam, mona] = [await lab.person("liam"), await lab.person("mona")];
  const [atLiam] = await meet(liam, mona);
  await mona.client.close();
  const monaAgain = await lab.receiver("mona");
  assert.equal(await liam.outcome(atLiam, "for whom I met"), "peer/pairing-lost");
  assert.deepEqual(monaAgain.offers, []);
});

async function failsWith(pairing: Pairing, code: string): Promise<void> {
  await assert.rejects(pairing.paired, { code });
}
