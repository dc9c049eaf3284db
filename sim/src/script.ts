/**
 * What the people of one run do and what befalls them: who sends what and when, how offers are
 * answered, when connections break and clocks jump. All of it from the seed.
 *
 * @module
 */
import { concat, utf8 } from "@postern/core/bytes";
import type { ContentDescription, Decision } from "@postern/core/transfer";
import { MARK } from "./checkers.ts";
import type { ClientDriver, Outgoing } from "./client-driver.ts";
import type { Name } from "./ledger.ts";
import type { Network } from "./network.ts";
import type { Prng } from "./prng.ts";
import type { RelayDriver } from "./relay-driver.ts";
import type { Weather } from "./weather.ts";
import type { World } from "./world.ts";

export interface Cast {
  readonly world: World;
  readonly weather: Weather;
  readonly network: Network;
  readonly relay: RelayDriver;
  readonly clients: Readonly<Record<Name, ClientDriver>>;
}

/** Transfers start within this time; what goes wrong does so around their starts. */
const ACTIVE_MS = 8_000;
const CONTENT_BYTES_MAX = 400;
const CLOCK_JUMP_MS_MAX = 100_000;

/** Plans everything that happens before the weather clears. Returns when that is. */
export function plan(cast: Cast): number {
  const { prng } = cast.world;
  const starts = Array.from({ length: prng.between(2, 4) }, () => prng.below(ACTIVE_MS));
  for (const start of starts) {
    const from = prng.below(4) === 0 ? "bob" : "alice";
    cast.world.after(start, () => send(cast, from));
  }
  const { climate } = cast.weather;
  const near = (): number => prng.pick([0, ...starts]) + prng.below(600);
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
  return ACTIVE_MS + 1_000;
}

/** One transfer from `from` to the other one, if the relay finds it free. */
export function send({ world, weather, clients }: Cast, from: Name): void {
  const to = from === "alice" ? "bob" : "alice";
  const client = clients[from];
  client.find(to, (party) => {
    if (party === undefined) return world.note(`${from} does not find ${to} free`);
    const key = client.send(to, { to: party, ...something(world.prng) });
    if (key !== undefined && weather.cancels())
      client.later(world.prng.below(1_500), () => client.cancel(key));
  });
}

/** The person at `client` is asked about an offer. */
export function decide(
  { world, weather }: Pick<Cast, "world" | "weather">,
  client: ClientDriver,
  answer: (decision: Decision) => void,
): void {
  const decision = weather.accepts()
    ? "accept"
    : world.prng.pick(["decline", "no-space", "too-large", "never"]);
  if (decision === "never") return;
  client.later(world.prng.below(300), () => answer(decision));
}

function something(prng: Prng): Omit<Outgoing, "to"> {
  const kind = prng.pick(["file", "message", "stream"]);
  const mark = utf8(MARK);
  const content = prng.below(8) === 0 ? new Uint8Array(0) : concat(mark, tail(prng), mark);
  const size = kind === "stream" && prng.chance(500) ? undefined : content.length;
  const name = kind === "message" ? "" : `${MARK}.txt`;
  const description: ContentDescription = { kind, name, size };
  const recordBytes = prng.pick([32, 96, 256]);
  return { content, description, recordBytes, sessionMs: prng.pick([5, 20, 100]) };
}

function tail(prng: Prng): Uint8Array {
  return prng.bytes(prng.below(CONTENT_BYTES_MAX));
}

function jumpClock({ world, clients }: Cast): void {
  const client = clients[world.prng.pick(["alice", "bob"])];
  client.clockOffsetMs = world.prng.between(-CLOCK_JUMP_MS_MAX, CLOCK_JUMP_MS_MAX);
  world.note(`${client.name}'s clock is wrong by ${client.clockOffsetMs}`);
}
