/**
 * What the people of one end-to-end run do: two or three clients, every one to every other, several
 * transfers at once, messages and files; devices that are copied and come back as those copies,
 * people who block each other for a while.
 *
 * @module
 */
import type { Cast } from "./cast.ts";
import type { ClientDriver } from "./client-driver.ts";
import { message, something } from "./decide.ts";
import { ACTIVE_MS, planFaults, sendTo } from "./script.ts";

/** More than the outbox of a channel holds. */
const FLOOD = 40;

/** Plans everything that happens before the weather clears. Returns when that is. */
export function planChannels(cast: Cast): number {
  const { world, weather } = cast;
  const { prng } = world;
  const starts = Array.from({ length: prng.between(2, 6) }, () => prng.below(ACTIVE_MS));
  for (const start of starts) {
    const [from, to] = pairOf(cast);
    const atOnce = prng.pick([1, 1, 2, 4]);
    for (let i = 0; i < atOnce; i++)
      world.after(start + prng.below(40), () => sendOne(cast, from, to));
    if (prng.chance(400)) world.after(start + prng.below(40), () => sendOne(cast, to, from));
  }
  planFaults(cast, starts);
  const near = (): number => prng.pick([0, ...starts]) + prng.below(600);
  const { restores, blocks } = weather.climate;
  if (restores > 0) planRestores(cast, near);
  for (let i = 0; i < blocks; i++) world.after(near(), () => block(cast));
  return ACTIVE_MS + 1_000;
}

/** A fresh message, from a person who may ask first whether the other one is there. */
export function sendMessage(cast: Cast, from: ClientDriver, to: ClientDriver): void {
  sendTo(cast, from, to.name, to.party, message(cast.world.prng));
}

function sendOne(cast: Cast, from: ClientDriver, to: ClientDriver): void {
  const { prng } = cast.world;
  const what = something(prng);
  if (prng.chance(500)) return sendTo(cast, from, to.name, to.party, what);
  from.find(to.name, (party) => {
    if (party !== undefined) sendTo(cast, from, to.name, party, what);
  });
}

function planRestores({ world, clients }: Cast, near: () => number): void {
  const { prng } = world;
  for (const client of clients) {
    const copies = prng.between(0, 3);
    for (let i = 0; i < copies; i++) world.after(near(), () => client.channels.disk.copy());
    if (prng.chance(600))
      world.after(near() + prng.below(2_000), () => client.crash("and is restored"));
  }
}

/**
 * Somebody who is blocked does not know it, and may go on sending. It ends with the bad day, when
 * all that is sent must arrive.
 */
function block(cast: Cast): void {
  const { world } = cast;
  const [from, to] = pairOf(cast);
  world.note(`${to.name} blocks ${from.name}`);
  to.blocked.add(from.name);
  world.after(world.prng.below(3_000), () => to.blocked.delete(from.name));
  if (!world.prng.chance(150)) return;
  for (let i = 0; i < FLOOD; i++)
    world.after(world.prng.below(500), () => sendMessage(cast, from, to));
}

function pairOf({ world: { prng }, clients }: Cast): readonly [ClientDriver, ClientDriver] {
  const at = prng.below(clients.length);
  const [from, to] = [
    clients[at],
    clients[(at + prng.between(1, clients.length - 1)) % clients.length],
  ];
  if (from === undefined || to === undefined) throw new Error("there are two at least");
  return [from, to];
}
