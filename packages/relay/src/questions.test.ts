/** How often one link may ask who is there (docs/protocol.md 6). */
import assert from "node:assert/strict";
import { test } from "node:test";
import { QUESTIONS_OF_PAGE, QUESTIONS_PER_MINUTE } from "@postern/core/limits";
import type { ClientFrame } from "@postern/core/link";
import { BoardDriver, type Player } from "../test/board-driver.ts";

const MINUTE_MS = 60_000;
const NOBODY = new Uint8Array(32);
const transfer = new Uint8Array(16);
const body = Uint8Array.of(1);
const request = 1;

const FIND: ClientFrame = { kind: "find", request, name: "bob" };
const LIST: ClientFrame = { kind: "list-receivers", request, after: "" };

/** The kind of the answer, or the status of a refusal. */
function ask(player: Player, frame: ClientFrame): string {
  player.send(frame);
  const [answer, ...others] = player.take();
  assert.equal(others.length, 0);
  return answer?.kind === "result" ? answer.status : String(answer?.kind);
}

function useUp(player: Player, left = 0): void {
  for (let i = left; i < QUESTIONS_PER_MINUTE; i++) assert.equal(ask(player, FIND), "found");
}

test("R-04 stepSwitchboard() answers so many questions of one link in a minute", () => {
  const driver = new BoardDriver();
  const [bob, eve, alice] = [driver.login("bob"), driver.login("eve"), driver.login("alice")];
  useUp(eve);
  const questions: readonly ClientFrame[] = [
    FIND,
    LIST,
    { kind: "envelope", request, to: NOBODY, body },
    { kind: "open-pipe", request, to: NOBODY, transfer },
    { kind: "key-up", request, to: NOBODY, transfer, use: "this", ciphertext: new Uint8Array(384) },
  ];
  for (const question of questions) assert.equal(ask(eve, question), "overloaded", question.kind);
  assert.equal(ask(alice, FIND), "found", "others are not slowed");
  assert.equal(ask(eve, { kind: "envelope", request, to: bob.fingerprint, body }), "done");
  driver.now += MINUTE_MS / QUESTIONS_PER_MINUTE;
  assert.deepEqual([ask(eve, FIND), ask(eve, FIND)], ["found", "overloaded"]);
  driver.now += MINUTE_MS;
  useUp(eve);
});

test("R-04 a page of receivers costs as much as many names", () => {
  const driver = new BoardDriver();
  const eve = driver.login("eve");
  const pages = Math.floor(QUESTIONS_PER_MINUTE / QUESTIONS_OF_PAGE);
  for (let i = 0; i < pages; i++) assert.equal(ask(eve, LIST), "receivers");
  assert.equal(ask(eve, LIST), "overloaded");
  assert.equal(ask(eve, FIND), "found", "what is refused counts for nothing");
});

test("10,000 messages a minute, each to somebody else, are not refused", () => {
  const driver = new BoardDriver();
  const [ann, bob] = [driver.login("ann"), driver.login("bob")];
  for (let i = 0; i < 20_000; i++) {
    driver.now += 6;
    assert.equal(ask(ann, FIND), "found");
    assert.equal(ask(ann, { kind: "envelope", request, to: bob.fingerprint, body }), "done");
    assert.equal(bob.take().length, 1);
    assert.equal(ask(ann, { kind: "envelope", request, to: NOBODY, body }), "unknown");
  }
});
