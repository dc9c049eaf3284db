/**
 * The pipes of one transfer, one after the other: tickets come in, opened pipes go to the data path
 * (docs/protocol.md 8.1, 9).
 *
 * @module
 */
import type { PosternError } from "@postern/core/errors";
import type { BytePipe } from "./records/byte-pipe.ts";
import type { Delivered, PipeSupply } from "./records/pipe-supply.ts";

export interface TransferPipesPorts {
  /** @throws {@link PosternError} `transfer/pipe-lost` */
  readonly open: (ticket: Uint8Array) => Promise<BytePipe>;
  /** Tells the transfer's machine, which answers by {@link TransferPipes.offer}. */
  readonly broken: (error: PosternError) => void;
}

export class TransferPipes implements PipeSupply {
  readonly #ports: TransferPipesPorts;
  #inUse: BytePipe | undefined;
  readonly #delivered = Promise.withResolvers<Delivered>();
  /** Of the pipe to use next. */
  #ticket: Uint8Array | undefined;
  #wake: (() => void) | undefined;

  constructor(ports: TransferPipesPorts) {
    this.#ports = ports;
  }

  async first(ticket: Uint8Array): Promise<BytePipe> {
    this.#inUse = await this.#ports.open(ticket);
    return this.#inUse;
  }

  get delivered(): Promise<Delivered> {
    return this.#delivered.promise;
  }

  replace(error: PosternError): Promise<BytePipe> {
    if (this.#ticket === undefined) this.#ports.broken(error);
    return this.next();
  }

  async next(): Promise<BytePipe> {
    for (;;) {
      const pipe = await this.#ports.open(await this.#nextTicket());
      // A later ticket says that this pipe is over already.
      if (this.#ticket === undefined) return (this.#inUse = pipe);
      pipe.destroy();
    }
  }

  /** The ticket of the pipe to use from now on. */
  offer(ticket: Uint8Array): void {
    this.#ticket = ticket;
    // The data path has seen no fault yet: this is how it hears of it.
    if (this.#wake === undefined) this.#inUse?.destroy();
    else this.#wake();
  }

  confirm(delivered: Delivered): void {
    this.#delivered.resolve(delivered);
  }

  async #nextTicket(): Promise<Uint8Array> {
    while (this.#ticket === undefined)
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    const ticket = this.#ticket;
    this.#ticket = undefined;
    this.#wake = undefined;
    return ticket;
  }
}
