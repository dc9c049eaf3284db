import assert from "node:assert/strict";
import { test } from "node:test";
import {
  PAIR_JOINS_PER_ADDRESS,
  PAIR_JOINS_PER_LINK,
  PAIR_JOINS_WINDOW_MS,
  PAIR_SLOT_MS,
  PAIR_SLOTS_PER_ADDRESS_MAX,
  PAIR_SLOTS_PER_LINK_MAX,
} from "@postern/core/limits";
import { BoardDriver, type Player } from "../test/board-driver.ts";
import { person } from "../test/test-client.ts";
import { switchboardDeadline } from "./switchboard.ts";

const body = Uint8Array.of(1, 2, 3);

interface Pair {
  readonly driver: BoardDriver;
  readonly alice: Player;
  readonly bob: Player;
  readonly slot: number;
}

function open(player: Player): number {
  player.send({ kind: "pair-open", request: 1 });
  return player.only("pair-slot").slot;
}

function join(player: Player, slot: number): string {
  player.send({ kind: "pair-join", request: 2, slot });
  return player.only("result").status;
}

/** Alice has opened a slot and Bob has joined it. */
function paired(): Pair {
  const driver = new BoardDriver();
  const [alice, bob] = [driver.login("alice"), driver.login("bob")];
  const slot = open(alice);
  assert.equal(join(bob, slot), "done");
  assert.equal(alice.only("pair-joined").slot, slot);
  return { driver, alice, bob, slot };
}

test("stepSwitchboard() lets two meet in a slot and hands on what they say", () => {
  const { alice, bob, slot } = paired();
  alice.send({ kind: "pair-send", slot, body });
  assert.deepEqual(bob.only("pair-message"), { kind: "pair-message", slot, body });
  bob.send({ kind: "pair-send", slot, body: Uint8Array.of(9) });
  assert.deepEqual(alice.only("pair-message").body, Uint8Array.of(9));
  bob.send({ kind: "pair-close", slot });
  assert.deepEqual(alice.only("pair-closed"), { kind: "pair-closed", slot, reason: "closed" });
  assert.deepEqual(bob.take(), [], "who closes knows it");
  alice.send({ kind: "pair-send", slot, body });
  alice.send({ kind: "pair-close", slot });
  assert.deepEqual([...alice.take(), ...bob.take()], []);
});

test("stepSwitchboard() says how long a slot is kept, and ends it then", () => {
  const { driver, alice, bob, slot } = paired();
  const carol = driver.login("carol");
  carol.send({ kind: "pair-open", request: 7 });
  const { validMs, request, slot: lonely } = carol.only("pair-slot");
  assert.deepEqual([validMs, request], [PAIR_SLOT_MS, 7]);
  assert.equal(switchboardDeadline(driver.board), driver.now + PAIR_SLOT_MS);
  driver.now += PAIR_SLOT_MS - 1;
  driver.step({ kind: "woke" });
  assert.deepEqual([...alice.take(), ...bob.take(), ...carol.take()], []);
  driver.now += 1;
  driver.step({ kind: "woke" });
  for (const player of [alice, bob])
    assert.deepEqual(player.only("pair-closed"), { kind: "pair-closed", slot, reason: "expired" });
  assert.equal(carol.only("pair-closed").slot, lonely);
  assert.equal(switchboardDeadline(driver.board), undefined);
});

test("stepSwitchboard() wakes for whichever is first, a slot or a pipe", () => {
  const { driver, alice, bob } = paired();
  driver.now += 5;
  alice.send({ kind: "open-pipe", request: 3, to: bob.fingerprint, transfer: new Uint8Array(16) });
  const due = switchboardDeadline(driver.board);
  assert(due !== undefined && due < driver.now + PAIR_SLOT_MS);
  driver.now = due;
  driver.step({ kind: "woke" });
  assert.equal(switchboardDeadline(driver.board), 1_000 + PAIR_SLOT_MS);
});

test("stepSwitchboard() tells an end that the other one is gone, however it went", () => {
  const ways: readonly ((pair: Pair) => void)[] = [
    ({ bob }) => bob.leave(),
    ({ driver, bob }) => void driver.login(bob.who),
    ({ bob }) => bob.send({ kind: "rsa-certificate", certificate: body }),
  ];
  for (const way of ways) {
    const pair = paired();
    way(pair);
    const { alice, driver, slot } = pair;
    assert.deepEqual(alice.only("pair-closed"), { kind: "pair-closed", slot, reason: "gone" });
    assert.equal(driver.board.slots.size, 0);
  }
});

test("C-14 stepSwitchboard() lets nobody guess twice in one slot", () => {
  const { driver, alice, bob, slot } = paired();
  const mallory = driver.login("mallory");
  assert.equal(join(mallory, slot), "unknown");
  assert.equal(join(bob, slot), "unknown");
  bob.send({ kind: "pair-close", slot });
  assert.equal(alice.only("pair-closed").reason, "closed");
  assert.equal(join(mallory, slot), "unknown", "also when the first has left");
  assert.deepEqual(alice.take(), []);
});

test("C-14 stepSwitchboard() lets nobody speak or listen in a slot but its two ends", () => {
  const { driver, alice, bob, slot } = paired();
  const mallory = driver.login("mallory");
  mallory.send({ kind: "pair-send", slot, body });
  mallory.send({ kind: "pair-close", slot });
  assert.deepEqual([...alice.take(), ...bob.take(), ...mallory.take()], []);
  alice.send({ kind: "pair-send", slot, body });
  assert.deepEqual(mallory.take(), []);
  assert.equal(bob.only("pair-message").slot, slot);
});

test("stepSwitchboard() keeps nothing for a joiner that has not come", () => {
  const driver = new BoardDriver();
  const [alice, bob] = [driver.login("alice"), driver.login("bob")];
  const slot = open(alice);
  alice.send({ kind: "pair-send", slot, body });
  assert.deepEqual(alice.take(), []);
  assert.equal(join(bob, slot), "done");
  assert.deepEqual(bob.take(), []);
});

test("C-14 stepSwitchboard() lets nobody join an own slot", () => {
  const driver = new BoardDriver();
  const alice = driver.login("alice");
  const slot = open(alice);
  assert.equal(join(alice, slot), "unknown");
  alice.send({ kind: "pair-send", slot, body });
  assert.deepEqual(alice.take(), [], "nothing is reflected");
});

test("P-06 stepSwitchboard() drops what floods a slow end of a slot", () => {
  const { driver, alice, bob, slot } = paired();
  driver.congested.add(alice.link);
  bob.send({ kind: "pair-send", slot, body });
  assert.deepEqual(alice.take(), []);
  driver.congested.clear();
  bob.send({ kind: "pair-send", slot, body });
  assert.equal(alice.only("pair-message").slot, slot);
});

test("R-03 stepSwitchboard() bounds the slots of one link and of one address", () => {
  const driver = new BoardDriver();
  const link = (i: number): Player => driver.login({ ...sybil(i), name: `sybil-${i}` }, "source");
  const links = PAIR_SLOTS_PER_ADDRESS_MAX / PAIR_SLOTS_PER_LINK_MAX;
  for (let i = 0; i < links; i++) {
    const player = link(i);
    for (let slot = 0; slot < PAIR_SLOTS_PER_LINK_MAX; slot++) open(player);
    player.send({ kind: "pair-open", request: 1 });
    assert.equal(player.only("result").status, "overloaded", "over the link's own");
  }
  const last = link(links);
  last.send({ kind: "pair-open", request: 1 });
  assert.equal(last.only("result").status, "overloaded", "over the address's");
  const alice = driver.login("alice", "home");
  assert.equal(join(driver.login("bob", "elsewhere"), open(alice)), "done");
});

test("R-03 stepSwitchboard() slows down who guesses at slots, by link and by address", () => {
  const driver = new BoardDriver();
  const slot = open(driver.login("alice", "home"));
  const wrong = slot + 1;
  const links = PAIR_JOINS_PER_ADDRESS / PAIR_JOINS_PER_LINK;
  for (let i = 0; i < links; i++) {
    const player = driver.login({ ...sybil(i), name: `sybil-${i}` }, "source");
    for (let guess = 0; guess < PAIR_JOINS_PER_LINK; guess++)
      assert.equal(join(player, wrong), "unknown");
    assert.equal(join(player, slot), "overloaded", "over the link's own");
  }
  const fresh = driver.login("fresh", "source");
  assert.equal(join(fresh, slot), "overloaded", "over the address's");
  driver.now += PAIR_JOINS_WINDOW_MS;
  assert.equal(join(fresh, slot), "done");
  const other = open(driver.login("carol", "home"));
  assert.equal(join(driver.login("bob", "elsewhere"), other), "done");
});

/** Another identity without the price of a key: nobody here asks for signatures. */
function sybil(i: number): ReturnType<typeof person> {
  const fingerprint = new Uint8Array(32);
  new DataView(fingerprint.buffer).setUint32(0, i + 1);
  return { ...BASE, identity: { ...BASE.identity, fingerprint } };
}
const BASE = person("base");
