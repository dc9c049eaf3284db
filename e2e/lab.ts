/** What labs in this process have in common: a relay, and people with the SDK. @module */
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import type { Client, Offer, Paired, ReceiveOptions } from "@postern/client";
import { relayLogger, startRelay, type RunningRelay } from "@postern/relay";
import type { Scene } from "./scene.ts";

/** The same key each time it is started. */
export async function relayIn(scene: Scene, port = 0): Promise<RunningRelay> {
  const dataDir = join(scene.folder, "relay");
  return await startRelay({ host: "127.0.0.1", port, dataDir, logger: relayLogger("silent") });
}

/**
 * Gives every offer to `take` from now on; resolves when the relay knows. What this resolves with
 * ends it.
 */
export async function listenTo(
  client: Client,
  options: ReceiveOptions,
  take: (offer: Offer) => Promise<void>,
): Promise<() => Promise<void>> {
  const listening = Promise.withResolvers<void>();
  const events = client.receive(options);
  void (async () => {
    for await (const event of events) {
      if (event.type === "listening") listening.resolve();
      if (event.type === "offer") void take(event.offer);
    }
  })().catch(listening.reject);
  await listening.promise;
  await answered(client);
  return async () => {
    await events[Symbol.asyncIterator]().return?.();
    await answered(client);
  };
}

/** The relay answers a link's frames in their order. */
async function answered(client: Client): Promise<void> {
  await client.receivers()[Symbol.asyncIterator]().next();
}

interface Somebody {
  readonly client: Client;
}

/** The opener and the joiner meet by a new code: each with the other. */
export async function meetByCode(
  opener: Somebody,
  joiner: Somebody,
): Promise<readonly [Paired, Paired]> {
  const opening = opener.client.pair();
  for await (const event of opening) {
    if (event.type !== "code") continue;
    const joining = joiner.client.pair({ code: event.code });
    return await Promise.all([opening.paired, joining.paired]);
  }
  throw new Error("no code came");
}

/** Resolves when it holds. Only what hangs takes so long as the time that it is given. */
export async function until(
  holds: () => boolean | Promise<boolean>,
  waitMs = 60_000,
): Promise<void> {
  const deadline = performance.now() + waitMs;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`nothing came in ${waitMs} ms`);
    await wait(5);
  }
}
