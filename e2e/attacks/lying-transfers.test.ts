/** A relay that reflects, mixes and slips in what transfers are made of, and that downgrades. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { messageSource, type ClientPorts, type ProfileName } from "@postern/client";
import { equalBytes, hex, label, utf8 } from "@postern/core/bytes";
import type { TransferEnvelope } from "@postern/core/transfer";
import { nativeSuite as suite } from "@postern/node";
import { bytesSource, digests, outcomeOf, Stage, type Actor } from "./cast.ts";
import { carrying, changeDeliveries, envelopeOf, lastDelivery, turned } from "./envelopes.ts";
import { transcriptOf } from "./forged-offer.ts";
import { slipIn } from "./forged-frames.ts";
import type { FramePlace } from "./relay-pipes.ts";

const PROFILES = ["asymmetric", "symmetric"] as const;
/** Too long for envelopes. */
const FILE = suite.random(150_000);

for (const profile of PROFILES) {
  test(`S-01 C-02 ${profile}: envelopes that come back to their sender are no offers`, async () => {
    for (const as of ["alice", "bob"] as const) {
      const stage = await Stage.open();
      const [alice, bob] = await stage.pair();
      void alice.listen(PROFILES);
      await stage.clock.advance(0);
      changeDeliveries(stage.relay, (to, delivery) => {
        const { id } = (as === "alice" ? alice : bob).identity;
        if (to === "bob") stage.relay.say("alice", { ...delivery, from: id, name: as });
        return [delivery];
      });
      const content = bytesSource(FILE);
      assert.equal(await stage.send(alice, "bob", { profile, content }), "done", as);
      assert.equal(alice.offers.length, 0);
      assert.deepEqual(digests(bob.received), digests([FILE]));
    }
  });

  test(`C-02 ${profile}: content that comes back to its sender ends the transfer`, async () => {
    const stage = await Stage.open();
    const [alice, bob] = await stage.pair();
    changeDeliveries(stage.relay, (to, delivery, { kind }) => {
      if (to !== "bob" || kind !== "content") return [delivery];
      stage.relay.say("alice", { ...delivery, from: bob.identity.id, name: "bob" });
      return [];
    });
    assert.equal(await stage.send(alice, "bob", { profile }), "peer/unexpected-frame");
    assert.deepEqual(await stage.clock.until(bob.ends()), ["peer/cancelled"]);
    assert.equal(bob.received.length, 0);
  });

  test(`C-02 ${profile}: frames of a pipe that come back to who wrote them are not believed`, async () => {
    for (const who of ["alice", "bob"]) {
      const stage = await Stage.open();
      const [alice, bob] = await stage.pair();
      stage.relay.pipes.onFrame = (frame, { writer, back }) => {
        if (writer !== who) return [frame];
        back(frame);
        return [];
      };
      const outcome = await stage.send(alice, "bob", { profile, content: bytesSource(FILE) });
      // Bob has everything when only his own words are lost; a receipt may tell Alice so.
      assert.deepEqual(digests(bob.received), digests(who === "alice" ? [] : [FILE]));
      assert.ok(outcome !== "done" || who === "bob", outcome);
      assert.equal(alice.received.length, 0);
    }
  });

  test(`C-02 ${profile}: an envelope of one transfer serves for no other`, async () => {
    // Which envelopes are mixed up, what the sender hears, and how many texts Bob has got.
    const cases = [
      ["answer", "transfer/invalid", 0],
      ["content", "transfer/damaged", 0],
      // Bob has read both texts before his own words went astray.
      ["reverse", "transfer/damaged", 2],
      ["receipt", "done", 2],
    ] as const satisfies readonly (readonly [TransferEnvelope["kind"], string, number])[];
    for (const [kind, outcome, received] of cases) {
      const stage = await Stage.open();
      const [alice, bob] = await twoOffers(stage);
      const running = ["one", "two"].map((text) =>
        outcomeOf(stage.start(alice, "bob", { profile, content: messageSource(text) })),
      );
      await stage.clock.advance(0);
      const [first, second] = bob.offers.map(({ id }) => id);
      changeDeliveries(stage.relay, (_to, delivery, envelope) => {
        if (envelope.kind !== kind) return [delivery];
        const other = hex(envelope.transfer) === first ? second : first;
        const transfer = new Uint8Array(Buffer.from(other!, "hex"));
        return [carrying(delivery, { ...envelope, transfer })];
      });
      for (const offer of bob.offers) bob.accept(offer);
      const ended = await stage.clock.until(Promise.all(running));
      assert.deepEqual(ended, [outcome, outcome], kind);
      const texts = bob.received.map((content) => Buffer.from(content.subarray(4, 7)).toString());
      assert.deepEqual(texts.toSorted(), received === 2 ? ["one", "two"] : [], kind);
    }
  });

  test(`C-02 ${profile}: session frames swapped between two transfers cost a resend each`, async () => {
    const stage = await Stage.open();
    const [alice, bob] = await twoOffers(stage);
    bob.answer = () => "accept";
    const held = new Map<number, [FramePlace, Uint8Array][]>();
    let isSwapped = false;
    stage.relay.pipes.onFrame = (frame, place) => {
      if (place.writer !== "alice" || isSwapped) return [frame];
      held.set(place.pipe, [...(held.get(place.pipe) ?? []), [place, frame]]);
      if (held.size < 2) return [];
      isSwapped = true;
      const [one, two] = [...held.values()];
      const [[toOne, first] = [], [toTwo, second] = []] = [one![0], two![0]];
      toOne!.forward(second!);
      toTwo!.forward(first!);
      for (const [to, each] of [...one!.slice(1), ...two!.slice(1)]) to.forward(each);
      return [];
    };
    const contents = [suite.random(70_000), suite.random(80_000)];
    const transfers = contents.map(
      async (each) => await stage.start(alice, "bob", { profile, content: bytesSource(each) }),
    );
    const ends = transfers.map(async (each) => await (await each).finished);
    const receipts = await stage.clock.until(Promise.all(ends));
    assert.ok(isSwapped);
    for (const { resends } of receipts) assert.ok(resends >= 1);
    assert.deepEqual(digests(bob.received).toSorted(), digests(contents).toSorted());
  });
}

test("asymmetric: a session key that the relay slips in opens nothing", async () => {
  // The relay's guesses at K_session, and at last the key itself: only that makes it hers.
  const forged = utf8("what the relay would like Bob to read");
  for (const guess of ["zeros", "th", "stolen"] as const) {
    const stage = await Stage.open();
    const stolen: Uint8Array[] = [];
    const alice = await stage.person("alice", (ports) => stealing(ports, stolen));
    const bob = await stage.receiver("bob");
    bob.answer = () => "wait";
    const transfer = await stage.clock.until(
      stage.start(alice, "bob", { content: bytesSource(FILE) }),
    );
    const offer = envelopeOf(await delivered(stage));
    assert.ok(offer.kind === "offer");
    const [sender, receiver] = [alice.identity, bob.identity];
    const receiverSpki = bob.rsaKey.spki;
    const relayFingerprint = stage.relay.fingerprint;
    const th = transcriptOf({ relayFingerprint, sender, receiver, receiverSpki }, offer.outer);
    const keys = { zeros: new Uint8Array(32), th, stolen: stolen[0]! };
    const key = { transfer: offer.transfer, sessionKey: keys[guess], content: forged };
    const frames = await slipIn({ th, receiverSpki, ...key });
    stage.relay.pipes.onFrame = (frame, { writer, index }) =>
      writer === "alice" && index === 0 ? [...frames, frame] : [frame];
    bob.accept(bob.offers[0]!);
    const outcome = await stage.clock.until(outcomeOf(transfer));
    const reads = bob.written.some((part) => equalBytes(part, forged));
    assert.equal(reads, guess === "stolen", guess);
    if (guess === "stolen") continue;
    assert.equal(outcome, "done");
    assert.deepEqual(digests(bob.received), digests([FILE]));
    const { resends } = await transfer.finished;
    assert.equal(resends, 1);
  }
});

test("C-09 downgrade: a relay that says Bob takes less gets no symmetric master key", async () => {
  const stage = await Stage.open();
  const [alice, bob] = await stage.pair();
  stage.relay.onAnswer = (_to, frame) => [
    frame.kind === "found" ? { ...frame, profiles: 1 } : frame,
  ];
  const spoken = stage.relay.heard.length;
  assert.equal(await stage.send(alice, "bob"), "peer/profile-refused");
  const kinds = stage.relay.heard.slice(spoken).map(({ frame }) => frame.kind);
  assert.deepEqual(kinds, ["find"], "there is no fallback");
  assert.equal(bob.offers.length, 0);
});

test("C-09 downgrade: Bob takes only the asymmetric profile, whatever the relay says", async () => {
  const stage = await Stage.open();
  const alice = await stage.person("alice");
  const bob = await stage.receiver("bob", { profiles: ["asymmetric"] });
  const profile: ProfileName = "symmetric";
  assert.equal(await stage.send(alice, "bob", { profile }), "peer/profile-refused");
  stage.relay.onAnswer = (_to, frame) => [
    frame.kind === "found" ? { ...frame, profiles: 3 } : frame,
  ];
  assert.equal(await stage.send(alice, "bob", { profile }), "peer/profile-refused", "the desk");
  const honest = stage.relay.onAnswer;
  stage.relay.onAnswer = (to, frame) =>
    frame.kind === "result" ? [{ ...frame, status: "done" }] : honest(to, frame);
  assert.equal(await stage.send(alice, "bob", { profile }), "peer/profile-refused", "Bob himself");
  assert.equal(bob.offers.length, 0);
});

test("C-09 downgrade: an offer whose profile byte was changed is refused", async () => {
  for (const profile of PROFILES)
    for (const takes of [PROFILES, [profile], PROFILES.filter((each) => each !== profile)]) {
      const stage = await Stage.open();
      const alice = await stage.person("alice");
      const bob = await stage.receiver("bob", { profiles: takes });
      stage.relay.onAnswer = (_to, frame) => {
        if (frame.kind === "found") return [{ ...frame, profiles: 3 }];
        if (frame.kind === "result") return [{ ...frame, status: "done" }];
        if (frame.kind !== "delivery") return [frame];
        const envelope = envelopeOf(frame);
        if (envelope.kind !== "offer") return [frame];
        return [carrying(frame, { ...envelope, outer: turned(envelope.outer, 3, 3) })];
      };
      const outcome = await stage.send(alice, "bob", { profile });
      assert.match(outcome, /^(?:transfer\/invalid|peer\/profile-refused|peer\/gone)$/);
      assert.notEqual(outcome, "done");
      assert.equal(bob.offers.length, 0);
    }
});

/** Bob takes two at a time, and waits with both. */
async function twoOffers(stage: Stage): Promise<readonly [Actor, Actor]> {
  const alice = await stage.person("alice");
  const bob = await stage.receiver("bob", { profiles: PROFILES, capacity: 2 });
  bob.answer = () => "wait";
  return [alice, bob];
}

async function delivered(stage: Stage) {
  await stage.clock.advance(0);
  return lastDelivery(stage.relay, "offer");
}

/** A sender from whom `K_session` is stolen. */
function stealing(ports: ClientPorts, stolen: Uint8Array[]): Partial<ClientPorts> {
  const wanted = label("asymmetric session");
  const expand: typeof suite.expand = (key, info, length) => {
    const derived = suite.expand(key, info, length);
    if (equalBytes(info, wanted)) stolen.push(derived.slice());
    return derived;
  };
  return { suite: { ...ports.suite, expand } };
}
