/**
 * A relay that runs: the switchboard behind a TCP port and a data directory (docs/protocol.md 4-7).
 *
 * Invariants: every decision is the switchboard's; a failure inside one link's work ends that link
 * alone; `close` ends within two seconds.
 *
 * @module
 */
import { PROFILE_BITS } from "@postern/core/link";
import type { Server } from "node:http";
import type { Suite } from "@postern/core/crypto";
import { PosternError, unreachable } from "@postern/core/errors";
import { formatFingerprint, formatRelayAddress, relayFingerprint } from "@postern/core/identity";
import { HANDSHAKES_MAX, HANDSHAKES_PER_ADDRESS_MAX, LINK_CLOSING_MS } from "@postern/core/limits";
import { after, type InstantMs } from "@postern/core/time";
import { chooseSuite, nativeRsa } from "@postern/node";
import { createSwitchboard, type Switchboard } from "./board.ts";
import { systemClock, type RelayClock } from "./clock.ts";
import { HandshakeSlots, type HandshakeLimits } from "./handshake-slots.ts";
import { createDoor } from "./http-door.ts";
import { LinkSockets } from "./link-sockets.ts";
import { listen, stopListening } from "./listen.ts";
import { relayLogger, type RelayLogger } from "./log.ts";
import type { PairLimits } from "./pair-slots.ts";
import { PipeSockets } from "./pipe-sockets.ts";
import { openRelayStore, type RelayStore } from "./relay-store.ts";
import { RsaDesk } from "./rsa-desk.ts";
import { storeRefusal } from "./store-refusal.ts";
import { stepSwitchboard, switchboardDeadline } from "./switchboard.ts";
import type { SwitchboardEffect, SwitchboardInput } from "./switchboard-io.ts";
import { Wheel, type Timed } from "./wheel.ts";

export interface RelayOptions {
  readonly host: string;
  /** 0 for any free port. */
  readonly port: number;
  /** Made with mode 0700 if it is missing. */
  readonly dataDir: string;
  /** JSON lines on standard error, from `info` on, when absent. */
  readonly logger?: RelayLogger;
  readonly clock?: RelayClock;
  /** Behind a proxy all clients share one address: raise the limit for it. */
  readonly handshakes?: Partial<HandshakeLimits>;
  /** The same. */
  readonly pairing?: Partial<PairLimits>;
  /** The profiles that may be used here; all when absent. */
  readonly profiles?: readonly (keyof typeof PROFILE_BITS)[] | undefined;
}

export interface RunningRelay {
  readonly host: string;
  readonly port: number;
  /** 32 bytes: what clients pin. */
  readonly fingerprint: Uint8Array;
  /** `postern://HOST:PORT#FP` */
  readonly address: string;
  /** Says `restarting` to all clients and ends everything, within two seconds. */
  close(): Promise<void>;
}

/**
 * Starts a relay.
 *
 * @throws {@link PosternError} `relay/port-in-use`, `relay/cannot-listen`, `store/in-use`,
 * `store/failed`, `store/no-space`.
 */
export async function startRelay(options: RelayOptions): Promise<RunningRelay> {
  const suite = chooseSuite();
  const store = openRelayStore(options.dataDir, suite);
  const relay = new Relay(suite, store, options);
  try {
    await relay.start();
    return await relay.listen(options.host, options.port);
  } catch (error) {
    await relay.close();
    throw error;
  }
}

class Relay implements Timed {
  readonly #fingerprint: Uint8Array;
  readonly #store: RelayStore;
  readonly #clock: RelayClock;
  readonly #log: RelayLogger;
  readonly #wheel: Wheel;
  readonly #server: Server;
  readonly #board: Switchboard;
  readonly #links: LinkSockets;
  readonly #pipes: PipeSockets;
  readonly #rsa: RsaDesk;
  readonly #inputs: SwitchboardInput[] = [];
  #isStepping = false;
  #closed: Promise<void> | undefined;

  constructor(suite: Suite, store: RelayStore, options: RelayOptions) {
    this.#store = store;
    this.#clock = options.clock ?? systemClock;
    this.#log = options.logger ?? relayLogger();
    this.#wheel = new Wheel(this.#clock);
    const input = (next: SwitchboardInput): void => this.#input(next);
    const shared = { suite, store, clock: this.#clock, wheel: this.#wheel, log: this.#log, input };
    const slots = new HandshakeSlots({
      handshakesMax: HANDSHAKES_MAX,
      handshakesPerAddressMax: HANDSHAKES_PER_ADDRESS_MAX,
      ...options.handshakes,
    });
    this.#links = new LinkSockets({ ...shared, slots });
    this.#pipes = new PipeSockets(shared);
    this.#rsa = new RsaDesk({ ...shared, rsa: nativeRsa });
    this.#server = createDoor(slots, {
      onLink: (socket, head) => this.#links.adopt(socket, head),
      onPipe: (socket, head, ticket) => this.#pipes.offer(socket, head, ticket),
    });
    const congested = (link: string): boolean => this.#links.isCongested(link);
    this.#fingerprint = relayFingerprint(suite, store.staticKey.publicKey);
    const { profiles, pairing } = options;
    this.#board = createSwitchboard({
      suite,
      names: store,
      packages: store.packages,
      congested,
      relayFingerprint: this.#fingerprint,
      ...(pairing === undefined ? {} : { pairing }),
      ...(profiles === undefined ? {} : { profiles: profileBits(profiles) }),
    });
  }

  async start(): Promise<void> {
    await this.#rsa.start();
  }

  async listen(host: string, port: number): Promise<RunningRelay> {
    const bound = await listen(this.#server, host, port);
    const fingerprint = this.#fingerprint;
    this.#log.info({ port: bound }, "relay started");
    this.#log.debug({ fingerprint: formatFingerprint(fingerprint) }, "relay key");
    const address = formatRelayAddress({ host, port: bound, fingerprint });
    return { host, port: bound, fingerprint, address, close: () => this.close() };
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  deadline(): InstantMs | undefined {
    return switchboardDeadline(this.#board);
  }

  wake(): void {
    this.#input({ kind: "woke" });
  }

  /** One after the other, also when performing an effect brings the next input. */
  #input(input: SwitchboardInput): void {
    this.#inputs.push(input);
    if (this.#isStepping) return;
    this.#isStepping = true;
    for (let next = this.#inputs.shift(); next !== undefined; next = this.#inputs.shift())
      this.#step(next);
    this.#isStepping = false;
    this.#wheel.schedule(this);
  }

  #step(input: SwitchboardInput): void {
    const at = { now: this.#clock.now(), wall: this.#clock.wall() };
    try {
      for (const effect of stepSwitchboard(this.#board, input, at)) this.#perform(effect);
    } catch (error) {
      // A bug costs this one link and not the relay; a store that fails, what asked for it.
      const code = error instanceof PosternError ? error.code : undefined;
      const reason = error instanceof Error ? error.message : "unknown";
      this.#log.error({ input: input.kind, code, reason }, "input failed");
      const isOfStore = error instanceof PosternError && error.fault === "store";
      const refusal = isOfStore ? storeRefusal(input) : undefined;
      if (refusal !== undefined) this.#perform(refusal);
      else if ("link" in input) this.#links.close(input.link, "relay failure");
    }
  }

  #perform(effect: SwitchboardEffect): void {
    switch (effect.kind) {
      case "decide":
        return this.#links.decide(effect);
      case "send":
        return this.#links.send(effect);
      case "close":
        return this.#links.close(effect.link, effect.reason);
      case "rewrap":
      case "prove":
        return this.#rsa.perform(effect);
      case "accept-pipe":
        return this.#pipes.accept(effect.end);
      case "refuse-pipe":
        return this.#pipes.refuse(effect.end);
      case "join-pipe":
        return this.#pipes.join(effect.pipe, effect.ends);
      case "drop-pipe":
        return this.#pipes.drop(effect.end);
      default:
        return unreachable(effect);
    }
  }

  async #close(): Promise<void> {
    const stopped = stopListening(this.#server);
    this.#links.closeAll();
    const ended = this.#pipes.closeAll();
    this.#rsa.close();
    const cut = this.#clock.wakeAt(after(this.#clock.now(), LINK_CLOSING_MS), () => {
      this.#links.destroyAll();
      this.#server.closeAllConnections();
    });
    await Promise.all([stopped, ended]);
    cut();
    this.#wheel.stop();
    this.#store.close();
    this.#log.info("relay stopped");
  }
}

function profileBits(profiles: readonly (keyof typeof PROFILE_BITS)[]): number {
  let bits = 0;
  for (const profile of profiles) bits |= PROFILE_BITS[profile];
  return bits;
}
