/** A client, a home and a relay that do what a test scripted. @module */
import assert from "node:assert/strict";
import type {
  Client,
  ClientEvent,
  ContentInfo,
  ContentSink,
  ContentSource,
  DeclineReason,
  DeliverOptions,
  Delivery,
  DeliveryEvent,
  Offer,
  PartNote,
  PairingOptions,
  ProfileName,
  ReceiveEvent,
  ReceiveOptions,
  Receiver,
  SendOptions,
  Transfer,
  TransferEvent,
  Unfinished,
  UnfinishedContents,
} from "@postern/client";
import { PosternError, type ErrorCode, type ErrorDetails } from "@postern/core/errors";
import { FakeContacts, FakePaired, FakePairing, PEER_FINGERPRINT } from "./fake-contacts.ts";
import { Queue } from "./queue.ts";

export const FINGERPRINT = "abcdefghijklmnopqrstuvwxyz234567abcdefghijklmnopqrst";
export const TRANSFER_ID = "0".repeat(31) + "1";

export class FakeTransfer implements Transfer {
  readonly id = TRANSFER_ID;
  readonly profile: ProfileName;
  readonly finished: Transfer["finished"];
  readonly events = new Queue<TransferEvent>();
  readonly peer: Transfer["peer"];
  readonly content: ContentInfo;
  isCancelled = false;
  hasLeft = false;

  constructor(peer: SendOptions["to"], content: ContentInfo, profile: ProfileName = "end-to-end") {
    const name = typeof peer === "string" ? peer : peer.peer.name;
    this.peer = { name, fingerprint: PEER_FINGERPRINT, trust: undefined };
    this.content = content;
    this.profile = profile;
    this.finished = new Promise(() => {});
  }

  cancel(): void {
    if (this.isCancelled) return;
    this.isCancelled = true;
    this.events.push(failed("transfer/cancelled"));
  }

  leave(): void {
    this.hasLeft = true;
    this.events.push(failed("transfer/cancelled"));
  }

  [Symbol.asyncIterator](): AsyncIterator<TransferEvent> {
    return this.events[Symbol.asyncIterator]();
  }
}

/** Over as many transfers as a test writes down. */
export class FakeDelivery implements Delivery {
  readonly id = TRANSFER_ID;
  readonly profile: ProfileName;
  readonly finished: Delivery["finished"] = new Promise(() => {});
  readonly events = new Queue<DeliveryEvent>();
  readonly peer: Delivery["peer"];
  readonly content: ContentInfo;

  constructor({ to, profile }: DeliverOptions, content: ContentInfo) {
    const name = typeof to === "string" ? to : to.peer.name;
    this.peer = { name, fingerprint: PEER_FINGERPRINT, trust: undefined };
    this.profile = profile;
    this.content = content;
  }

  cancel(): void {
    this.events.push(failed("transfer/cancelled"));
  }

  [Symbol.asyncIterator](): AsyncIterator<DeliveryEvent> {
    return this.events[Symbol.asyncIterator]();
  }
}

export function failed(code: ErrorCode, details: ErrorDetails = {}): TransferEvent {
  return { type: "failed", error: new PosternError(code, "scripted", details) };
}

/** The events of a transfer that goes well. */
export function goodEvents(bytes: number): TransferEvent[] {
  const receipt = {
    transfer: TRANSFER_ID,
    bytes,
    sessionKeys: 3,
    resends: 0,
    pipes: 1,
    nextMasterKey: true,
  };
  return [
    { type: "offered" },
    { type: "master-key", source: "key-package", counter: 0 },
    { type: "accepted", offset: 0 },
    { type: "session-key", number: 1, atOffset: 0 },
    { type: "progress", bytes, total: bytes, sessionKey: 1, keyAgeMs: 10 },
    { type: "done", receipt },
  ];
}

export class FakeClient implements Client {
  readonly name: string;
  readonly fingerprint = FINGERPRINT;
  readonly relay = { address: "127.0.0.1:9999", fingerprint: "r".repeat(52) };
  readonly events = new Queue<ClientEvent>();
  readonly offers = new Queue<ReceiveEvent>();
  readonly sent: SendOptions[] = [];
  readonly listed: Receiver[] = [];
  readonly contacts = new FakeContacts();
  readonly unfinished = new FakeUnfinished();
  readonly delivered: DeliverOptions[] = [];
  readonly pairings: FakePairing[] = [];
  readonly received: ReceiveOptions[] = [];
  /** What a new pairing does at once; by default it meets `bob`. */
  onPair = (pairing: FakePairing): void => pairing.meet(new FakePaired("bob", this.contacts));
  /** What `send` gives; by default a transfer that goes well. */
  onSend = async (options: SendOptions): Promise<FakeTransfer> => {
    const { info } = options.content;
    const transfer = new FakeTransfer(options.to, info, options.profile);
    transfer.events.push(...goodEvents(info.size ?? 0));
    return transfer;
  };
  /** What `deliver` gives; by default one transfer, as `onSend` gives it. */
  onDeliver = async (
    _options: DeliverOptions,
    _content: ContentSource,
  ): Promise<Delivery | undefined> => undefined;
  isClosed = false;

  constructor(name: string, firstUse = false) {
    this.name = name;
    this.events.push({ type: "connected", relay: this.relay, firstUse, clockAheadMs: 0 });
    this.offers.push({ type: "listening" });
  }

  async *receivers(): AsyncGenerator<Receiver> {
    yield* this.listed;
  }

  async send(options: SendOptions): Promise<Transfer> {
    this.sent.push(options);
    return await this.onSend(options);
  }

  async deliver(options: DeliverOptions): Promise<Delivery> {
    this.delivered.push(options);
    const { open, ...rest } = options;
    const content = await open();
    return (await this.onDeliver(options, content)) ?? (await this.send({ ...rest, content }));
  }

  pair(options: PairingOptions = {}): FakePairing {
    const pairing = new FakePairing(options);
    this.pairings.push(pairing);
    if (options.code === undefined) pairing.showCode("37-crystal-velvet");
    this.onPair(pairing);
    return pairing;
  }

  receive(options: ReceiveOptions): AsyncIterable<ReceiveEvent> {
    this.received.push(options);
    return this.offers;
  }

  async close(): Promise<void> {
    this.isClosed = true;
    this.events.push({ type: "closed", error: undefined });
    this.offers.end();
  }
}

export class FakeUnfinished implements UnfinishedContents {
  readonly known: Unfinished[] = [];

  async list(): Promise<readonly Unfinished[]> {
    return [...this.known];
  }

  async find(id: string): Promise<Unfinished | undefined> {
    const found = this.known.filter((one) => one.id.startsWith(id));
    return found.length === 1 ? found[0] : undefined;
  }

  /** Those of {@link known} that whatever comes replaces. */
  replaced: readonly Unfinished[] = [];
  async replacedBy(): Promise<readonly Unfinished[]> {
    return this.replaced.filter((one) => this.known.includes(one));
  }

  async drop({ id, role }: Pick<Unfinished, "id" | "role" | "peer">): Promise<void> {
    const at = this.known.findIndex((one) => one.id === id && one.role === role);
    if (at >= 0) this.known.splice(at, 1);
  }
}

interface OfferDetails {
  readonly id?: string;
  readonly profile?: ProfileName;
  readonly fingerprint?: string;
}

export class FakeOffer implements Offer {
  readonly id: string;
  readonly from: Offer["from"];
  readonly content: ContentInfo;
  readonly profile: ProfileName;
  readonly contentId: string;
  readonly signed = false;
  note: PartNote | undefined;
  readonly journal: Offer["journal"] = {
    read: async () => this.note,
    write: async (note) => void (this.note = note),
    drop: async () => void (this.note = undefined),
  };
  readonly transfer: FakeTransfer;
  readonly decided = Promise.withResolvers<"accepted" | "declined">();
  /** Of a refusal. */
  reason: DeclineReason | undefined;
  /** What its sender learns of a sink that did not take it. */
  failure: ErrorCode | undefined;
  readonly #bytes: Uint8Array;

  constructor(
    from: string,
    content: ContentInfo,
    bytes: Uint8Array,
    { id = TRANSFER_ID, profile = "end-to-end", fingerprint = PEER_FINGERPRINT }: OfferDetails = {},
  ) {
    this.id = id;
    this.contentId = id;
    this.from = { name: from, fingerprint, trust: undefined };
    this.content = content;
    this.profile = profile;
    this.transfer = new FakeTransfer(from, content, profile);
    this.#bytes = bytes;
  }

  accept(sink: ContentSink): Transfer {
    this.decided.resolve("accepted");
    void this.#deliver(sink);
    return this.transfer;
  }

  decline(reason?: DeclineReason): void {
    this.reason = reason;
    this.decided.resolve("declined");
  }

  async #deliver(sink: ContentSink): Promise<void> {
    try {
      await sink.write(this.#bytes, 0);
      await sink.consent?.();
      await sink.commit(this.#bytes.length);
      this.transfer.events.push(...goodEvents(this.#bytes.length));
    } catch (error) {
      await sink.abandon();
      assert.ok(error instanceof PosternError);
      this.failure = error.code;
      this.transfer.events.push({ type: "failed", error });
    }
  }
}

export class FakeSource implements ContentSource {
  readonly info: ContentInfo;
  isClosed = false;
  readonly #bytes: Uint8Array;

  constructor(info: ContentInfo, bytes: Uint8Array) {
    this.info = info;
    this.#bytes = bytes;
  }

  async read(into: Uint8Array, offset: number): Promise<number> {
    const part = this.#bytes.subarray(offset, offset + into.length);
    into.set(part);
    return part.length;
  }

  verified(): void {}

  async close(): Promise<void> {
    this.isClosed = true;
  }
}

export class FakeSink implements ContentSink {
  readonly path: string;
  readonly chunks: Uint8Array[] = [];
  readonly #text = Promise.withResolvers<string>();
  readonly text = this.#text.promise;
  isAbandoned = false;

  constructor(path: string) {
    this.path = path;
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.chunks.push(bytes);
  }

  async commit(): Promise<void> {
    this.#text.resolve(Buffer.concat(this.chunks).toString("utf8"));
  }

  async abandon(): Promise<void> {
    this.isAbandoned = true;
  }
}
