/** Flaws of the original system, tried on both RSA profiles: S-04 to S-08, S-12, S-13. @module */
import assert from "node:assert/strict";
import { test } from "node:test";
import { messageSource, type Client } from "@postern/client";
import { concat, hex, utf8 } from "@postern/core/bytes";
import { PosternError } from "@postern/core/errors";
import { nativeSuite as suite } from "@postern/node";
import { bytesSource, digests, eventsOf, outcomeOf, Stage } from "./cast.ts";
import { turned } from "./envelopes.ts";

const PROFILES = ["asymmetric", "symmetric"] as const;
const HEADER_BYTES = 32;
const FILE = suite.random(100_000);
/** Three records, for no read gives more. */
const threeRecords = () => bytesSource(FILE, { readBytes: 40_000 });

for (const profile of PROFILES) {
  test(`S-04 ${profile}: known plaintext turns no record into another one`, async () => {
    const known = utf8("pay 1 to Alice, and nothing else. ".repeat(4));
    const wanted = utf8("pay 9 to Mallory, all that is here".repeat(4));
    for (const isAlways of [false, true]) {
      const stage = await Stage.open();
      const [alice, bob] = await stage.pair();
      let changed = 0;
      stage.relay.pipes.onFrame = (frame, { writer }) => {
        const isContent = writer === "alice" && frame[0] === 2 && frame[1] === 0;
        if (!isContent || (changed > 0 && !isAlways)) return [frame];
        changed++;
        return [exclusiveOr(frame, known, wanted)];
      };
      const content = bytesSource(known);
      const transfer = await stage.clock.until(stage.start(alice, "bob", { profile, content }));
      const outcome = await stage.clock.until(outcomeOf(transfer));
      assert.equal(outcome, isAlways ? "transfer/damaged" : "done");
      assert.deepEqual(digests(bob.received), digests(isAlways ? [] : [known]));
      for (const part of bob.written) assert.deepEqual(part, known);
      if (isAlways) assert.ok(changed > 1, "it was sent again");
      else assert.equal((await transfer.finished).resends, 1);
    }
  });

  test(`S-05 ${profile}: one turned bit in any frame costs exactly one resend`, async () => {
    const stage = await Stage.open();
    const [alice, bob] = await stage.pair();
    const frames = await framesOf(stage, async () => {
      assert.equal(await stage.send(alice, "bob", { profile, content: threeRecords() }), "done");
    });
    assert.equal(frames.length, 5, "a session, three records and the last one");
    for (const [index, length] of frames.entries())
      // In the bytes that follow the header: first, middle, last.
      for (const at of [HEADER_BYTES, (HEADER_BYTES + length) >> 1, length - 1]) {
        stage.relay.pipes.onFrame = (frame, place) =>
          place.writer === "alice" && place.index === index ? [turned(frame, at)] : [frame];
        const starting = stage.start(alice, "bob", { profile, content: threeRecords() });
        const transfer = await stage.clock.until(starting);
        const events = eventsOf(transfer);
        assert.equal(await stage.clock.until(outcomeOf(transfer)), "done", `${index} ${at}`);
        assert.equal((await transfer.finished).resends, 1, `frame ${index} byte ${at}`);
        assert.equal(events.filter(({ type }) => type === "resend").length, 1);
      }
    for (const content of bob.received) assert.ok(Buffer.from(content).equals(FILE));
  });

  test(`S-06 S-08 ${profile}: content of any bytes and borders arrives as it was`, async () => {
    const stage = await Stage.open();
    const [alice, bob] = await stage.pair();
    const everyByte = Uint8Array.from({ length: 256 }, (_, byte) => byte);
    const words = ["new session", "theEnd", "AUTH1", "\0"].map(utf8);
    const lengths = [1, 1_023, 1_024, 1_025, 1_088, 10 * 1_024].map((length) =>
      suite.random(length),
    );
    const contents = [new Uint8Array(0), everyByte, ...words, concat(...words), ...lengths];
    for (const content of contents)
      assert.equal(
        await stage.send(alice, "bob", { profile, content: bytesSource(content) }),
        "done",
        `${content.length} bytes`,
      );
    assert.deepEqual(digests(bob.received), digests(contents));
  });

  test(`S-12 ${profile}: names of 1 and 32 characters move no field`, async () => {
    const names = ["a", "b".repeat(32), "c".repeat(16), "d".repeat(17)];
    const stage = await Stage.open();
    for (const name of names) {
      // The keys of Alice and Bob under other names.
      const from = await stage.person(name, undefined, "alice");
      const to = `${name.slice(1)}0`;
      const bob = await stage.receiver(to, { profiles: PROFILES, rsaKeyOf: "bob" });
      const content = bytesSource(FILE.subarray(0, 1_000), { name: "; C ; x;y" });
      assert.equal(await stage.send(from, to, { profile, content }), "done", name);
      assert.deepEqual(bob.offers[0]?.from, {
        name,
        fingerprint: from.client.fingerprint,
        trust: undefined,
      });
      assert.equal(bob.offers[0]?.content.name, "; C ; x;y");
      assert.equal(bob.received.length, 1);
    }
  });

  test(`S-13 ${profile}: 1, 10 and 1,000 receivers in the list, and one of them receives`, async () => {
    for (const count of [1, 10, 1_000]) {
      const stage = await Stage.open();
      stage.relay.crowd(count - 1);
      const [alice, bob] = await stage.pair();
      const listed = await stage.clock.until(allReceivers(alice.client));
      assert.equal(listed.length, count);
      assert.deepEqual(listed, listed.toSorted());
      assert.equal(new Set(listed).size, count);
      assert.ok(listed.includes("bob"));
      assert.equal(await stage.send(alice, "bob", { profile }), "done");
      assert.equal(bob.received.length, 1);
    }
  });
}

test("S-12 a name that is none is refused before anybody is connected", async () => {
  const stage = await Stage.open();
  for (const name of ["", "e".repeat(33), " bob", "bob ", "a;b", "Bob", "b\0b", "bøb", "../x"])
    await assert.rejects(
      stage.person(name, undefined, "alice"),
      (error) => error instanceof PosternError && error.code === "usage/invalid-argument",
      JSON.stringify(name),
    );
  assert.deepEqual(stage.relay.heard, []);
});

test("S-08 a message of any characters arrives as it was", async () => {
  const stage = await Stage.open();
  const [alice, bob] = await stage.pair();
  const text = "\0\u{10ffff} theEnd \u202e\r\n".repeat(50);
  for (const profile of PROFILES)
    assert.equal(await stage.send(alice, "bob", { profile, content: messageSource(text) }), "done");
  const bytes = utf8(text);
  for (const content of bob.received)
    assert.equal(hex(content.slice(4, 4 + bytes.length)), hex(bytes));
});

/** Lengths of the frames that Alice writes. */
async function framesOf({ relay }: Stage, act: () => Promise<void>): Promise<number[]> {
  const start = relay.pipes.written.length;
  await act();
  const written = relay.pipes.written.slice(start).filter(({ writer }) => writer === "alice");
  return written.map(({ frame }) => frame.length);
}

/** What turns `known` into `wanted` under a key stream. */
function exclusiveOr(frame: Uint8Array, known: Uint8Array, wanted: Uint8Array): Uint8Array {
  const changed = frame.slice();
  for (const [index, byte] of known.entries())
    changed[HEADER_BYTES + index]! ^= byte ^ (wanted[index] ?? 0);
  return changed;
}

async function allReceivers(client: Client): Promise<string[]> {
  const names: string[] = [];
  for await (const { name } of client.receivers()) names.push(name);
  return names;
}
