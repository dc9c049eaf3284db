/**
 * A client dies at any of its durable writes, just before it or just after it, and comes again with
 * what its store holds. docs/protocol-end-to-end.md 7.3.6.
 *
 * @module
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { noise } from "../payloads.ts";
import type { Actor } from "./cast.ts";
import { Life, type Death } from "./mortal-store.ts";
import { Talk } from "./talk.ts";

type Who = "alice" | "bob";

const FILE = noise(20_000, 3);
/** What happened, and how often the victim wrote. */
interface Told {
  readonly outcomes: readonly string[];
  readonly writes: number;
}

/** A short talk during which one of the two may die; then it comes again, and both go on. */
async function tell(victim: Who, death?: Death): Promise<Told> {
  const talk = await Talk.open();
  const life = new Life(death, () => talk.relay.heard.length);
  const join = async (name: Who): Promise<Actor> =>
    await talk.join(name, (ports) => (name === victim ? life.of(ports) : {}));
  const [alice, bob] = [await join("alice"), await join("bob")];
  const outcomes: string[] = [];
  for (const send of [
    async () => await talk.start(alice, bob),
    async () => await talk.start(bob, alice),
    async () => await talk.startFile(alice, bob, FILE),
    async () => await talk.start(alice, bob),
  ])
    if (!life.isOver) outcomes.push(await untilDeath(talk, life, send()));
  await talk.settle();
  const { writes } = life;
  assert.equal(saidAfter(life, talk, victim), 0, "something was said before it was durable");
  if (life.isOver) await comeAgain(talk, victim === "alice" ? alice : bob);
  await talk.goesOn(alice, bob);
  return { outcomes, writes };
}

/** A process that has died tells nobody what became of its transfer; the other one hears of it. */
async function untilDeath(talk: Talk, life: Life, sending: Promise<string>): Promise<string> {
  const died = life.over.then(() => "died");
  return await talk.until(Promise.race([sending, died]));
}

/** Envelopes of a transfer that left a process after the write it was to die at. */
function saidAfter({ diedAt }: Life, { relay }: Talk, victim: Who): number {
  const later = relay.heard.slice(diedAt ?? relay.heard.length);
  return later.filter(({ from, frame }) => from === victim && frame.kind === "envelope").length;
}

async function comeAgain(talk: Talk, dead: Actor): Promise<void> {
  talk.relay.cut(dead.name);
  await talk.settle();
  dead.ports = { ...dead.ports, store: dead.store, transport: talk.relay.transport };
  await talk.stage.connect(dead);
  void dead.listen(["end-to-end"], 8);
  await talk.settle();
}

for (const victim of ["alice", "bob"] as const) {
  test(`C-04 ${victim} dies at any durable write: nothing is lost, doubled or sealed twice`, async () => {
    const alive = await tell(victim);
    assert.deepEqual(alive.outcomes, ["done", "done", "done", "done"]);
    assert.ok(alive.writes >= 8, `${alive.writes} writes`);
    for (let write = 1; write <= alive.writes; write++)
      for (const isWritten of [false, true]) {
        const { outcomes, writes } = await tell(victim, { write, isWritten });
        assert.equal(writes, write, "it has died there");
        const last = outcomes.at(-1) ?? "died";
        assert.notEqual(last, "done", `write ${write}: ${outcomes.join(", ")}`);
      }
  });
}
