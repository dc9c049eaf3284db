/** Slots over real sockets (docs/protocol-pairing.md 10.5). */
import assert from "node:assert/strict";
import { test } from "node:test";
import { PAIR_MESSAGE_BYTES_MAX, PAIR_SLOT_MS } from "@postern/core/limits";
import type { RunningRelay } from "../src/relay.ts";
import { person, TestLink } from "./test-client.ts";
import { TestClock, testRelay } from "./test-relay.ts";

const body = new Uint8Array(PAIR_MESSAGE_BYTES_MAX).fill(3);

async function opened(link: TestLink): Promise<number> {
  link.send({ kind: "pair-open", request: 1 });
  return (await link.frame("pair-slot")).slot;
}

async function joined(link: TestLink, slot: number): Promise<string> {
  link.send({ kind: "pair-join", request: 2, slot });
  return (await link.frame("result")).status;
}

const [ALICE, BOB] = [person("alice"), person("bob")];

async function paired(
  relay: RunningRelay,
): Promise<{ alice: TestLink; bob: TestLink; slot: number }> {
  const alice = await TestLink.connect(relay, ALICE);
  const bob = await TestLink.connect(relay, BOB);
  const slot = await opened(alice);
  assert.equal(await joined(bob, slot), "done");
  assert.equal((await alice.frame("pair-joined")).slot, slot);
  return { alice, bob, slot };
}

test("two links meet in a slot, speak, and part", async (t) => {
  const { alice, bob, slot } = await paired(await testRelay(t));
  alice.send({ kind: "pair-send", slot, body });
  assert.deepEqual(Buffer.from((await bob.frame("pair-message")).body), Buffer.from(body));
  bob.send({ kind: "pair-send", slot, body: body.subarray(1) });
  assert.equal((await alice.frame("pair-message")).body.length, PAIR_MESSAGE_BYTES_MAX - 1);
  bob.send({ kind: "pair-close", slot });
  assert.equal((await alice.frame("pair-closed")).reason, "closed");
  await Promise.all([alice.close(), bob.close()]);
});

test("an end that is cut off leaves the other one with pair-closed", async (t) => {
  const { alice, bob, slot } = await paired(await testRelay(t));
  await bob.close();
  const closed = await alice.frame("pair-closed");
  assert.deepEqual([closed.slot, closed.reason], [slot, "gone"]);
  await alice.close();
});

test("a slot ends by the relay's clock", async (t) => {
  const clock = new TestClock();
  const relay = await testRelay(t, { clock });
  const alice = await TestLink.connect(relay, person("alice"));
  const slot = await opened(alice);
  // Half of it at a time, with a word between: links would be dead otherwise.
  const steps = Math.ceil(PAIR_SLOT_MS / 20_000) + 1;
  for (let i = 0; i < steps; i++) {
    clock.advance(20_000);
    alice.send({ kind: "list-receivers", request: 5, after: "" });
    for (;;) {
      const { frame } = await alice.event("frame");
      if (frame.kind === "pair-closed") {
        assert.deepEqual([frame.slot, frame.reason], [slot, "expired"]);
        assert(i >= steps - 2, "not before its time");
        return alice.close();
      }
      if (frame.kind === "receivers") break;
    }
  }
  assert.fail("the slot never ended");
});

test("R-03 an address that guesses too often is held up, whichever of its links it uses", async (t) => {
  const relay = await testRelay(t, { pairing: { joinsPerAddress: 3, slotsPerAddressMax: 2 } });
  const links = await Promise.all(
    ["alice", "bob", "carol"].map((name) => TestLink.connect(relay, person(name))),
  );
  const [alice, bob, carol] = links;
  assert(alice !== undefined && bob !== undefined && carol !== undefined);
  const slot = await opened(alice);
  await opened(bob);
  carol.send({ kind: "pair-open", request: 1 });
  assert.equal((await carol.frame("result")).status, "overloaded");
  for (let i = 0; i < 3; i++) assert.equal(await joined(carol, 0), "unknown");
  assert.equal(await joined(bob, slot), "overloaded");
  await Promise.all(links.map((link) => link.close()));
});

test("P-01 bodies that no slot takes end their link and not the other end's", async (t) => {
  const relay = await testRelay(t);
  for (const bytes of [
    Uint8Array.of(0x1e, 0, 0, 0, 1),
    new Uint8Array(5 + PAIR_MESSAGE_BYTES_MAX + 1).fill(0x1e, 0, 1),
    Uint8Array.of(0x1f, 0, 0, 0),
    Uint8Array.of(0x1d, 0, 0, 0, 1, 0, 0, 0, 1, 0),
    // What only a relay says.
    Uint8Array.of(0x50, 0, 0, 0, 1),
  ]) {
    const { alice, bob, slot } = await paired(relay);
    bob.sendSealed(bytes);
    await bob.closed;
    const closed = await alice.frame("pair-closed");
    assert.deepEqual([closed.slot, closed.reason], [slot, "gone"]);
    await alice.close();
  }
});
