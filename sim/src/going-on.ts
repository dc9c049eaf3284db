/**
 * A person whose transfer broke offers the content again, also after a crash, until it is there or
 * somebody says no. Now and then the content has changed meanwhile.
 *
 * @module
 */
import { hex } from "@postern/core/bytes";
import type { ErrorCode } from "@postern/core/errors";
import type { TransferEvent } from "@postern/core/transfer";
import type { ClientDriver, Outgoing } from "./client-driver.ts";
import type { Name } from "./ledger.ts";
import { partKeyOf, type Unfinished } from "./parts.ts";

/** After these somebody would have to say that it starts over. */
const OVER: readonly ErrorCode[] = ["transfer/other-content", "peer/declined"];

export class GoingOn {
  readonly #client: ClientDriver;

  constructor(client: ClientDriver) {
    this.#client = client;
  }

  /** The first offer of a content leaves, or one more. */
  began(to: Name, outgoing: Outgoing): void {
    const { disk, party } = this.#client;
    const { description } = outgoing;
    if (partKeyOf(party.fingerprint, description) === undefined) return;
    disk.parts.unfinished.set(hex(description.contentId), { to, outgoing });
  }

  /** A transfer of this client's has ended. */
  ended({ description }: Outgoing, event: TransferEvent): void {
    const { unfinished } = this.#client.disk.parts;
    const id = hex(description.contentId);
    const isOver = event.kind === "failed" && OVER.includes(event.error.code);
    if (isOver || event.kind === "done") unfinished.delete(id);
    const left = unfinished.get(id);
    if (left !== undefined) this.#plan(left, 20, 900);
  }

  restarted(): void {
    for (const left of this.#client.disk.parts.unfinished.values()) this.#plan(left, 300, 2_000);
  }

  #plan(left: Unfinished, fromMs: number, toMs: number): void {
    const { world, weather } = this.#client.ports;
    if (weather.goesOn())
      this.#client.later(world.prng.between(fromMs, toMs), () => this.#offer(left));
  }

  #offer({ to, outgoing }: Unfinished): void {
    const { disk, ports } = this.#client;
    const { content, description } = outgoing;
    // It may have arrived by another transfer meanwhile.
    if (!disk.parts.unfinished.has(hex(description.contentId)) || ports.weather.isClear) return;
    const isChanged = content.length > 0 && ports.world.prng.chance(100);
    this.#client.send(to, isChanged ? { ...outgoing, content: otherThan(content) } : outgoing);
  }
}

/** As long, and different from its first byte on. */
function otherThan(content: Uint8Array): Uint8Array {
  const other = content.slice();
  other[0]! ^= 1;
  return other;
}
