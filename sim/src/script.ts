/**
 * What the people of one run of the symmetric profile do, and what befalls any run: who sends what
 * and when, when connections break and clocks jump. All of it from the seed.
 *
 * @module
 */
import type { Party } from "@postern/core/exchange";
import type { Cast } from "./cast.ts";
import type { ClientDriver, Outgoing } from "./client-driver.ts";
import { something } from "./decide.ts";
import type { Name } from "./ledger.ts";

/** Transfers start within this time; what goes wrong does so around their starts. */
export const ACTIVE_MS = 8_000;
export const CLOCK_JUMP_MS_MAX = 100_000;

/** Plans everything that happens before the weather clears. Returns when that is. */
export function plan(cast: Cast): number {
  const { prng } = cast.world;
  const starts = Array.from({ length: prng.between(2, 4) }, () => prng.below(ACTIVE_MS));
  for (const start of starts) {
    const from = prng.below(4) === 0 ? "bob" : "alice";
    cast.world.after(start, () => send(cast, from));
  }
  planFaults(cast, starts);
  return ACTIVE_MS + 1_000;
}

/** What the weather does to connections, clocks and the relay, near these times. */
export function planFaults(cast: Cast, times: readonly number[]): void {
  const { prng } = cast.world;
  const { climate } = cast.weather;
  const near = (): number => prng.pick([0, ...times]) + prng.below(600);
  const faults: readonly [number, () => void][] = [
    [climate.linkCuts, () => cast.network.hurt("link", "cut")],
    [climate.linkSilences, () => cast.network.hurt("link", "silence")],
    [climate.pipeCuts, () => cast.network.hurt("pipe", "cut")],
    [climate.pipeSilences, () => cast.network.hurt("pipe", "silence")],
    [climate.relayRestarts, () => cast.relay.restart()],
    [climate.clockJumps, () => jumpClock(cast)],
  ];
  for (const [count, happen] of faults)
    for (let i = 0; i < count; i++) cast.world.after(near(), happen);
}

/** One transfer from `from` to the other one, if the relay finds it free. */
export function send(cast: Cast, from: Name): void {
  const to = from === "alice" ? "bob" : "alice";
  const client = clientOf(cast, from);
  client.find(to, (party) => {
    if (party === undefined) cast.world.note(`${from} does not find ${to} free`);
    else sendTo(cast, client, to, party, something(cast.world.prng));
  });
}

export function sendTo(
  { world, weather }: Cast,
  client: ClientDriver,
  to: Name,
  party: Party,
  what: Omit<Outgoing, "to">,
): void {
  const key = client.send(to, { to: party, ...what });
  if (key !== undefined && weather.cancels())
    client.later(world.prng.below(world.prng.pick([200, 1_500])), () => client.cancel(key));
}

export function clientOf({ clients }: Cast, name: Name): ClientDriver {
  const client = clients.find((each) => each.name === name);
  if (client === undefined) throw new Error(`${name} is not in this run`);
  return client;
}

function jumpClock({ world, clients }: Cast): void {
  const client = clients[world.prng.below(clients.length)];
  if (client === undefined) return;
  client.clockOffsetMs = world.prng.between(-CLOCK_JUMP_MS_MAX, CLOCK_JUMP_MS_MAX);
  world.note(`${client.name}'s clock is wrong by ${client.clockOffsetMs}`);
}
