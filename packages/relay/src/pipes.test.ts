import assert from "node:assert/strict";
import { test } from "node:test";
import { PIPE_TICKET_MS, PIPES_PER_CLIENT_MAX } from "@postern/core/limits";
import { BoardDriver, type Player } from "../test/board-driver.ts";
import { switchboardDeadline } from "./switchboard.ts";

const transfer = new Uint8Array(16).fill(3);

function open(from: Player, to: Player): string {
  from.send({ kind: "open-pipe", request: 9, to: to.fingerprint, transfer });
  const last = from.frames.at(-1);
  assert(last?.kind === "result");
  return last.status;
}

function openTickets(alice: Player, bob: Player): [Uint8Array, Uint8Array] {
  assert.equal(open(alice, bob), "done");
  const [mine, result] = alice.take();
  assert(mine?.kind === "pipe-ticket" && result?.kind === "result", "the ticket comes first");
  const theirs = bob.only("pipe-ticket");
  assert.deepEqual(mine.transfer, transfer);
  assert.deepEqual(mine.peer, bob.fingerprint);
  assert.deepEqual(theirs.peer, alice.fingerprint);
  assert.notDeepEqual(mine.ticket, theirs.ticket);
  return [mine.ticket, theirs.ticket];
}

function arrive(driver: BoardDriver, end: string, ticket: Uint8Array): string[] {
  driver.step({ kind: "pipe-arrived", end, ticket });
  return driver.pipes.splice(0).map((effect) => effect.kind);
}

test("stepSwitchboard() joins the two ends of a pipe, whoever comes first", () => {
  for (const order of [
    [0, 1],
    [1, 0],
  ] as const) {
    const driver = new BoardDriver();
    const tickets = openTickets(driver.login("alice"), driver.login("bob"));
    assert.deepEqual(arrive(driver, "first", tickets[order[0]]), ["accept-pipe"]);
    driver.step({ kind: "pipe-arrived", end: "second", ticket: tickets[order[1]] });
    assert.deepEqual(driver.pipes, [
      { kind: "accept-pipe", end: "second" },
      { kind: "join-pipe", pipe: 1, ends: ["first", "second"] },
    ]);
    assert.equal(switchboardDeadline(driver.board), undefined);
  }
});

test("stepSwitchboard() takes a ticket once and for PIPE_TICKET_MS", () => {
  const driver = new BoardDriver();
  const [a, b] = openTickets(driver.login("alice"), driver.login("bob"));
  assert.deepEqual(arrive(driver, "1", a), ["accept-pipe"]);
  assert.deepEqual(arrive(driver, "2", a), ["refuse-pipe"]);
  assert.deepEqual(arrive(driver, "3", new Uint8Array(32)), ["refuse-pipe"]);
  assert.equal(switchboardDeadline(driver.board), driver.now + PIPE_TICKET_MS);
  driver.now += PIPE_TICKET_MS - 1;
  driver.step({ kind: "woke" });
  assert.deepEqual(driver.pipes, []);
  driver.now += 1;
  assert.deepEqual(arrive(driver, "4", b), ["refuse-pipe"], "late, though nobody woke yet");
  driver.pipes.length = 0;
  driver.step({ kind: "woke" });
  assert.deepEqual(driver.pipes, [{ kind: "drop-pipe", end: "1" }]);
  assert.equal(switchboardDeadline(driver.board), undefined);
});

test("stepSwitchboard() forgets a pipe whose waiting end closes", () => {
  const driver = new BoardDriver();
  const [a, b] = openTickets(driver.login("alice"), driver.login("bob"));
  arrive(driver, "1", a);
  driver.step({ kind: "pipe-left", end: "1" });
  assert.deepEqual(arrive(driver, "2", b), ["refuse-pipe"]);
});

test("stepSwitchboard() opens PIPES_PER_CLIENT_MAX pipes for a client, until one ends", () => {
  const driver = new BoardDriver();
  const [alice, bob] = [driver.login("alice"), driver.login("bob")];
  const [a, b] = openTickets(alice, bob);
  arrive(driver, "1", a);
  arrive(driver, "2", b);
  for (let i = 1; i < PIPES_PER_CLIENT_MAX; i++) assert.equal(open(alice, bob), "done");
  assert.equal(open(alice, bob), "overloaded");
  assert.equal(open(bob, alice), "done", "pipes opened towards a client cost it none of its own");
  const again = driver.login(alice.who);
  assert.equal(open(again, bob), "overloaded", "they are the identity's, not the link's");
  driver.step({ kind: "pipe-ended", pipe: 1 });
  assert.equal(open(again, bob), "done");
  assert.equal(open(again, bob), "overloaded");
  driver.now += PIPE_TICKET_MS;
  driver.step({ kind: "woke" });
  assert.equal(open(again, bob), "done", "tickets nobody used count no more");
});

test("stepSwitchboard() opens no pipe to the absent, the unknown and the congested", () => {
  const driver = new BoardDriver();
  const [alice, bob] = [driver.login("alice"), driver.login("bob")];
  driver.congested.add(bob.link);
  assert.equal(open(alice, bob), "overloaded");
  bob.leave();
  assert.equal(open(alice, bob), "absent");
  alice.take();
  alice.send({ kind: "open-pipe", request: 1, to: new Uint8Array(32), transfer });
  assert.equal(alice.only("result").status, "unknown");
});
