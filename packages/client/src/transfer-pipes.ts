/**
 * The pipes of one transfer, one after the other: tickets come in, opened pipes go to the data path
 * (docs/protocol.md 8.1, 9).
 *
 * @module
 */
import type { PosternError } from "@postern/core/errors";
import type { RecordsOutcome } from "@postern/core/transfer";
import type { BytePipe } from "./records/byte-pipe.ts";
import type { PipeSupply, Replacement } from "./records/pipe-supply.ts";

export interface TransferPipesPorts {
  /** @throws {@link PosternError} `transfer/pipe-lost` */
  readonly open: (ticket: Uint8Array) => Promise<BytePipe>;
  /** Tells the transfer's machine, which answers by {@link TransferPipes.offer}. */
  readonly broken: (error: PosternError) => void;
}

type Offer =
  | { readonly kind: "ticket"; readonly ticket: Uint8Array }
  | ({ readonly kind: "delivered" } & RecordsOutcome);

export class TransferPipes implements PipeSupply {
  readonly #ports: TransferPipesPorts;
  #inUse: BytePipe | undefined;
  #offer: Offer | undefined;
  #wake: (() => void) | undefined;

  constructor(ports: TransferPipesPorts) {
    this.#ports = ports;
  }

  async first(ticket: Uint8Array): Promise<BytePipe> {
    this.#inUse = await this.#ports.open(ticket);
    return this.#inUse;
  }

  replace(error: PosternError): Promise<Replacement> {
    if (this.#offer === undefined) this.#ports.broken(error);
    return this.#take();
  }

  async next(): Promise<BytePipe> {
    for (;;) {
      const replacement = await this.#take();
      if (replacement.kind === "pipe") return replacement.pipe;
    }
  }

  /** The ticket of the pipe to use from now on. */
  offer(ticket: Uint8Array): void {
    this.#offer = { kind: "ticket", ticket };
    // The data path has seen no fault yet: this is how it hears of it.
    if (this.#wake === undefined) this.#inUse?.destroy();
    else this.#wake();
  }

  delivered({ total, digest }: RecordsOutcome): void {
    this.#offer = { kind: "delivered", total, digest };
    this.#wake?.();
  }

  async #take(): Promise<Replacement> {
    for (;;) {
      const offer = await this.#nextOffer();
      if (offer.kind === "delivered") return offer;
      const pipe = await this.#ports.open(offer.ticket);
      // A later ticket says that this pipe is over already.
      if (this.#offer === undefined) {
        this.#inUse = pipe;
        return { kind: "pipe", pipe };
      }
      pipe.destroy();
    }
  }

  async #nextOffer(): Promise<Offer> {
    while (this.#offer === undefined)
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    const offer = this.#offer;
    this.#offer = undefined;
    this.#wake = undefined;
    return offer;
  }
}
