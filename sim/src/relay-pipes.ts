/**
 * The relay's pipes in virtual time: ends that wait, and pairs whose bytes are copied. An end that
 * is cut cuts the other one; an end that was said is passed on as one (docs/protocol.md 6).
 *
 * @module
 */
import { PIPE_IDLE_MS } from "@postern/core/limits";
import type { EndId, PipeId, SwitchboardInput } from "@postern/relay";
import type { SecrecyChecker } from "./checkers.ts";
import type { End } from "./network.ts";
import type { World } from "./world.ts";

interface RelayEnd {
  readonly id: EndId;
  readonly end: End;
  /** What came before the other end did. */
  readonly held: Uint8Array[];
  hasEnded: boolean;
  other: RelayEnd | undefined;
}

export interface RelayPipesPorts {
  readonly world: World;
  readonly secrecy: SecrecyChecker;
}

export class RelayPipes {
  readonly #ports: RelayPipesPorts;
  readonly #input: (input: SwitchboardInput) => void;
  readonly #ends = new Map<EndId, RelayEnd>();

  constructor(ports: RelayPipesPorts, input: (input: SwitchboardInput) => void) {
    this.#ports = ports;
    this.#input = input;
  }

  offer(id: EndId, end: End, ticket: Uint8Array): void {
    const arrived: RelayEnd = { id, end, held: [], hasEnded: false, other: undefined };
    this.#ends.set(id, arrived);
    end.handlers = {
      onBytes: (bytes) => arrived.held.push(bytes),
      onEnd: () => {
        arrived.hasEnded = true;
      },
      onCut: () => {
        if (this.#ends.delete(id)) this.#input({ kind: "pipe-left", end: id });
      },
    };
    this.#input({ kind: "pipe-arrived", end: id, ticket });
  }

  /** Nothing to do: the handshake of HTTP is not simulated. */
  accept(_id: EndId): void {}

  refuse(id: EndId): void {
    this.drop(id);
  }

  drop(id: EndId): void {
    this.#ends.get(id)?.end.destroy();
    this.#ends.delete(id);
  }

  join(pipe: PipeId, [first, second]: readonly [EndId, EndId]): void {
    const [a, b] = [this.#ends.get(first), this.#ends.get(second)];
    if (a === undefined || b === undefined) {
      a?.end.destroy();
      b?.end.destroy();
      return this.#input({ kind: "pipe-ended", pipe });
    }
    const { world, secrecy } = this.#ports;
    let movedAt = world.now();
    let isOver = false;
    const finish = (): void => {
      if (isOver) return;
      isOver = true;
      for (const { id, end } of [a, b]) {
        end.destroy();
        this.#ends.delete(id);
      }
      this.#input({ kind: "pipe-ended", pipe });
    };
    const copy = (from: RelayEnd, to: RelayEnd): void => {
      const onBytes = (bytes: Uint8Array): void => {
        secrecy.passes(bytes);
        movedAt = world.now();
        to.end.write(bytes);
      };
      const onEnd = (): void => {
        from.hasEnded = true;
        to.end.end();
        if (a.hasEnded && b.hasEnded) finish();
      };
      from.end.handlers = { onBytes, onEnd, onCut: finish };
      for (const bytes of from.held.splice(0)) onBytes(bytes);
      if (from.hasEnded) onEnd();
    };
    const watch = (): void => {
      if (isOver) return;
      if (world.now() - movedAt >= PIPE_IDLE_MS) finish();
      else world.after(movedAt + PIPE_IDLE_MS - world.now(), watch);
    };
    copy(a, b);
    copy(b, a);
    watch();
  }

  destroyAll(): void {
    for (const { end } of this.#ends.values()) end.destroy();
    this.#ends.clear();
  }
}
