/**
 * The deliveries of one client: one of a content at a time. See `delivery.ts`.
 *
 * @module
 */
import { hex } from "@postern/core/bytes";
import { PosternError } from "@postern/core/errors";
import { replacingId } from "@postern/core/transfer";
import type { DeliverOptions, Delivery } from "./api.ts";
import type { PeerName } from "./people.ts";
import { openSame, RunningDelivery, type DeliveryHost, type Resumed } from "./delivery.ts";
import { metBy } from "./met-peer.ts";
import { parseContentId } from "./unfinished.ts";

export interface DeliveriesHost extends DeliveryHost {
  readonly newContentId: () => Uint8Array;
  peerName(fingerprint: Uint8Array, relayName: string): PeerName;
}

export class Deliveries {
  readonly #host: DeliveriesHost;
  readonly #ids = new Set<string>();
  /** With what resolves at their ends. */
  readonly #running = new Map<RunningDelivery, Promise<void>>();

  constructor(host: DeliveriesHost) {
    this.#host = host;
  }

  /** @throws {@link PosternError} as `Client.deliver` */
  async start(options: DeliverOptions): Promise<Delivery> {
    const contentId = this.#contentIdOf(options);
    if (contentId === undefined) throw unknown();
    const id = hex(contentId);
    if (this.#ids.has(id))
      throw new PosternError("usage/wrong-state", "this content is on its way already");
    // Between two transfers nothing else may hold what was met by a code.
    const hold = typeof options.to === "string" ? undefined : metBy(options.to).ownKeys?.hold();
    const release = (): void => {
      this.#ids.delete(id);
      hold?.();
    };
    this.#ids.add(id);
    try {
      return await this.#begin(options, contentId, release);
    } catch (error) {
      release();
      throw error;
    }
  }

  #contentIdOf({ id, replaces }: DeliverOptions): Uint8Array | undefined {
    if (id !== undefined) return parseContentId(id);
    if (replaces === undefined) return this.#host.newContentId();
    const replaced = parseContentId(replaces);
    return replaced && replacingId(replaced);
  }

  /** Whether this was a transfer of a content that is still on its way, or will be again. */
  async isGoingOnWith(receiver: Uint8Array, transfer: Uint8Array): Promise<boolean> {
    const running = [...this.#running.keys()];
    if (running.some((delivery) => delivery.isGoingOnWith(transfer))) return true;
    return await this.#host.unfinished.isGoingOnWith(receiver, transfer);
  }

  onLink(): void {
    for (const delivery of this.#running.keys()) delivery.onLink();
  }

  /** Ends all of them; resolves when nothing of them is written any more. */
  async end(why: PosternError): Promise<void> {
    for (const delivery of this.#running.keys()) delivery.stop(why);
    await Promise.all(this.#running.values());
  }

  async #begin(
    options: DeliverOptions,
    contentId: Uint8Array,
    release: () => void,
  ): Promise<Delivery> {
    const resumed = options.id === undefined ? undefined : await this.#resumed(contentId);
    const source = await (resumed ? openSame(options, resumed.content) : options.open());
    const { info } = source;
    const delivery = new RunningDelivery(this.#host, options, info, contentId, resumed);
    const { ended } = await delivery.start(source);
    const settled = ended.then(() => {
      this.#running.delete(delivery);
      release();
    });
    this.#running.set(delivery, settled);
    return delivery;
  }

  async #resumed(contentId: Uint8Array): Promise<Resumed> {
    const kept = await this.#host.unfinished.sending(contentId);
    if (kept === undefined) throw unknown();
    const { content, peer: fingerprint, relayName, bytes } = kept;
    return { content, fingerprint, bytes, peer: this.#host.peerName(fingerprint, relayName) };
  }
}

function unknown(): PosternError {
  return new PosternError("transfer/unknown", "no such unfinished content");
}
