/**
 * One transfer as its application sees it, and the records that run under it.
 *
 * @module
 */
import { equalBytes, hex, wipe } from "@postern/core/bytes";
import type { Sha256Stream } from "@postern/core/crypto";
import { PosternError } from "@postern/core/errors";
import type { Party } from "@postern/core/exchange";
import type { Identity } from "@postern/core/identity";
import type { DriverEffect, PeerInput, TransferKey } from "@postern/core/peer";
import type {
  HeldPrefix,
  RecordsOutcome,
  RecordsPath,
  TransferEvent as CoreEvent,
  TransferInput,
} from "@postern/core/transfer";
import type {
  ContentInfo,
  ContentSink,
  ContentSource,
  ProfileName,
  Receipt,
  Transfer,
  TransferEvent,
} from "./api.ts";
import type { PeerName } from "./people.ts";
import { EnvelopePipe } from "./envelope-pipe.ts";
import { bothProgress, EventQueue, isNoEnd } from "./event-queue.ts";
import { compareBeginning } from "./held-content.ts";
import type { ClientPorts } from "./ports.ts";
import type { RelayRsa } from "./relay-rsa.ts";
import type { BytePipe } from "./records/byte-pipe.ts";
import type { RecordsResult } from "./records/options.ts";
import { sourceError } from "./records/read-ahead.ts";
import { receiveRecords } from "./records/receive-content.ts";
import { sendRecords } from "./records/send-content.ts";
import { sessionKeySink, sessionKeySource } from "./session-keys.ts";
import { TransferPipes } from "./transfer-pipes.ts";
import { TransferSigning } from "./transfer-signing.ts";
import { watchedSink } from "./watched-sink.ts";

/** Which way the content goes, and its end on this side. */
export type TransferSide =
  | {
      readonly role: "sending";
      readonly source: ContentSource;
      readonly rateLimit: number | undefined;
      /** All of `source`, when it rides in the offer; wiped in the end. */
      readonly message: Uint8Array | undefined;
    }
  | { readonly role: "receiving"; readonly sink: ContentSink };

export interface TransferFacts {
  /** 16 bytes. */
  readonly transfer: Uint8Array;
  readonly key: TransferKey;
  readonly party: Party;
  /** What the relay calls the peer. */
  readonly relayName: string;
  readonly peer: PeerName;
  readonly content: ContentInfo;
  /** 16 bytes. */
  readonly contentId: Uint8Array;
  readonly signed: boolean;
  readonly profile: ProfileName;
}

/** The connection the transfer lives on. */
export interface TransferHost {
  readonly ports: ClientPorts;
  readonly self: Pick<Identity, "id" | "signing">;
  readonly rsa: RelayRsa;
  step(input: PeerInput): void;
  openPipe(ticket: Uint8Array): Promise<BytePipe>;
}

type RecordsRun = Extract<DriverEffect, { readonly kind: "run-records" }>;

export class RunningTransfer implements Transfer {
  readonly id: string;
  readonly peer: PeerName;
  readonly content: ContentInfo;
  readonly profile: ProfileName;
  readonly #facts: TransferFacts;
  readonly #side: TransferSide;
  readonly #host: TransferHost;
  readonly #events = new EventQueue<TransferEvent>(bothProgress, isNoEnd);
  readonly #finished = Promise.withResolvers<Receipt>();
  readonly #abort = new AbortController();
  readonly #pipes: TransferPipes;
  #envelopes: EnvelopePipe | undefined;
  #result: RecordsResult | undefined;
  /** The sender's hash over what the receiver holds. */
  #beginning: Sha256Stream | undefined;
  #signing: TransferSigning | undefined;
  #records: Promise<void> = Promise.resolve();
  #recordsStarted = false;
  /** What this device could not do with the content; no answer to that is the reason. */
  #ownFailure: PosternError | undefined;

  constructor(facts: TransferFacts, side: TransferSide, host: TransferHost) {
    this.#facts = facts;
    this.#side = side;
    this.#host = host;
    this.id = hex(facts.transfer);
    this.peer = facts.peer;
    this.content = facts.content;
    this.profile = facts.profile;
    this.#pipes = new TransferPipes({
      open: (ticket) => host.openPipe(ticket),
      broken: (error) => this.#input({ kind: "pipe-broken", error }),
    });
    // Who reads the events alone need not catch this promise as well.
    this.#finished.promise.catch(() => undefined);
  }

  get finished(): Promise<Receipt> {
    return this.#finished.promise;
  }

  [Symbol.asyncIterator](): AsyncIterator<TransferEvent> {
    return this.#events[Symbol.asyncIterator]();
  }

  cancel(): void {
    this.#input({ kind: "cancel" });
  }

  /**
   * This client closes. Nobody has said no: a sender may wait for it to come back, so it hears that
   * the way was lost, as when this device had lost its power.
   */
  leave(): void {
    if (this.#side.role === "sending" || this.isStored) return this.cancel();
    this.stopRecords(new PosternError("transfer/pipe-lost", "the receiver closes"));
    void this.fail(new PosternError("transfer/cancelled", "this client closes"));
  }

  /** An event of the transfer's machine. */
  onEvent(event: CoreEvent): void {
    switch (event.kind) {
      case "offer":
        return;
      case "offered":
        return this.#events.push({ type: "offered" });
      case "master-key":
        return this.#events.push({
          type: "master-key",
          source: event.source,
          counter: event.counter,
        });
      case "key-renewed":
        return this.#events.push({ type: "key-renewed" });
      case "accepted":
        return this.#events.push({ type: "accepted", offset: event.offset });
      case "done":
        return void this.#done(event.total, event.nextMasterKey);
      case "failed":
        return void this.fail(event.error);
    }
  }

  /** Ends the transfer with `error`; content that never moved is let go. */
  async fail(error: PosternError): Promise<void> {
    if (!this.#recordsStarted) {
      this.#abort.abort(error);
      await this.#release();
    }
    const told = this.#ownFailure ?? error;
    this.#events.push({ type: "failed", error: told });
    this.#events.end();
    this.#finished.reject(told);
  }

  feedRecords(frames: Uint8Array): void {
    this.#envelopes?.feed(frames);
  }

  /** The receiver says that it holds the beginning. */
  checkHeld(held: HeldPrefix): void {
    this.#records = this.#compare(held);
  }

  replacePipe(ticket: Uint8Array): void {
    this.#pipes.offer(ticket);
  }

  confirmRecords(outcome: RecordsOutcome): void {
    this.#pipes.confirm(outcome);
  }

  stopRecords(error: PosternError): void {
    this.#abort.abort(error);
  }

  /** Whether it brings this content from this sender (fingerprint). */
  brings(contentId: Uint8Array, from: Uint8Array): boolean {
    const { party, contentId: own } = this.#facts;
    return (
      this.#side.role === "receiving" &&
      equalBytes(own, contentId) &&
      equalBytes(party.fingerprint, from)
    );
  }

  /** All of the content has come, and its sink has committed it. */
  get isStored(): boolean {
    return this.#result !== undefined;
  }

  /** Resolves when the transfer has ended and its content, which may move later, is let go. */
  get settled(): Promise<unknown> {
    const ended = Promise.allSettled([this.#finished.promise]);
    return ended.then(async () => await Promise.allSettled([this.#records]));
  }

  /** Starts to move the content. */
  runRecords(run: RecordsRun): void {
    const { keys, path } = run;
    this.#records =
      path.kind === "inline"
        ? this.#takeMessage(path).finally(() => wipe(keys.session, path.content))
        : this.#run(run).finally(() => wipe(keys.reverse));
  }

  async #compare(held: HeldPrefix): Promise<void> {
    const side = this.#side;
    if (side.role === "receiving") return;
    const { suite } = this.#host.ports;
    try {
      const { signal } = this.#abort;
      const { same, hashed } = await compareBeginning(suite, side.source, held, signal);
      this.#beginning = hashed;
      this.#input({ kind: "held-checked", same });
    } catch (error) {
      this.#input({ kind: "records-failed", error: sourceError(error) });
    }
  }

  /** A message came in its offer: there are no records. */
  async #takeMessage({ content, digest }: Extract<RecordsPath, { kind: "inline" }>): Promise<void> {
    const side = this.#side;
    if (side.role === "sending") return;
    const total = content.length;
    try {
      this.#recordsStarted = true;
      this.#events.push(MESSAGE_KEY);
      await side.sink.write(content, 0);
      this.#abort.signal.throwIfAborted();
      await side.sink.commit(total);
      this.#result = { total, digest, ...MESSAGE_RESULT };
      this.#input({ kind: "records-done", total, digest });
    } catch (error) {
      await side.sink.abandon();
      this.#input({ kind: "records-failed", error: asPosternError(error) });
    }
  }

  /** Moves the content and tells the machine how it ended. */
  async #run(run: RecordsRun): Promise<void> {
    // First of all: frames that ride in envelopes may come at once.
    const pipe = this.#openPipe(run.path);
    try {
      const move = await this.#prepare(run);
      this.#result = await move(await pipe);
      const { total, digest } = this.#result;
      this.#input({ kind: "records-done", total, digest });
    } catch (error) {
      if (!this.#recordsStarted) await this.#release();
      pipe.then((opened) => opened.destroy()).catch(() => undefined);
      this.#input({ kind: "records-failed", error: asPosternError(error) });
    }
  }

  async #openPipe(path: RecordsPath): Promise<BytePipe> {
    if (path.kind === "pipe") return await this.#pipes.first(path.ticket);
    const { key } = this.#facts;
    this.#envelopes = new EnvelopePipe((frames) =>
      this.#host.step({ kind: "send-frames", key, frames }),
    );
    return this.#envelopes;
  }

  /** Gets the session keys; what it returns moves the content and owns it from then on. */
  async #prepare(run: RecordsRun): Promise<(pipe: BytePipe) => Promise<RecordsResult>> {
    const { keys, fromOffset, holdAt, sessionSeconds } = run;
    const { ports, rsa } = this.#host;
    const { suite, cipher, clock } = ports;
    const { transfer, party, profile } = this.#facts;
    const side = this.#side;
    if (this.#facts.signed) this.#signing = this.#sign(fromOffset);
    const context = { ports, rsa, profile, peer: party, transfer };
    const common = {
      suite,
      cipher,
      clock,
      fromOffset,
      holdAt,
      signing: this.#signing,
      sessionMs: sessionSeconds * 1_000,
      th: keys.transcript,
      reverseKey: keys.reverse,
      signal: this.#abort.signal,
      pipes: run.path.kind === "pipe" ? this.#pipes : undefined,
      onEvent: (event: TransferEvent) => this.#events.push(event),
    };
    if (side.role === "receiving") {
      const sink = await sessionKeySink(context, keys);
      const { size } = this.content;
      const watched = watchedSink(side.sink, (error) => {
        this.#ownFailure ??= asPosternError(error);
      });
      return (pipe) => {
        this.#recordsStarted = true;
        return receiveRecords({ ...common, pipe, sink: watched, keys: sink, size });
      };
    }
    const source = await sessionKeySource(context, keys);
    return (pipe) => {
      this.#recordsStarted = true;
      const { rateLimit } = side;
      return sendRecords({ ...common, pipe, source: side.source, keys: source, rateLimit });
    };
  }

  #sign(fromOffset: number): TransferSigning {
    const { ports, self } = this.#host;
    const { content, contentId, party, profile } = this.#facts;
    const side = this.#side;
    const before = side.role === "sending" ? this.#beginning : side.sink.held?.hashed.copy();
    const hashed = fromOffset === 0 ? ports.suite.sha256Stream() : before;
    // Such as a pipe that has forgotten what it sent.
    if (hashed === undefined)
      throw new PosternError("transfer/source-unreadable", "its beginning cannot be signed");
    const { kind, name } = content;
    const [sender, receiver] = side.role === "sending" ? [self.id, party.id] : [party.id, self.id];
    const facts = { profile, contentId, sender, receiver, kind, name };
    const role = side.role === "sending" ? "sent" : "received";
    const signers = { suite: ports.suite, wall: ports.wall, signing: self.signing };
    return new TransferSigning(signers, facts, role, hashed, fromOffset);
  }

  /** Lets go of content that no records will touch. */
  async #release(): Promise<void> {
    this.#recordsStarted = true;
    const side = this.#side;
    if (side.role === "sending") wipe(side.message);
    try {
      await (side.role === "sending" ? side.source.close() : side.sink.abandon());
    } catch {
      // Nothing was moved: a source that changed or a part that stays harms nobody.
    }
  }

  async #done(bytes: number, nextMasterKey: boolean): Promise<void> {
    const side = this.#side;
    if (side.role === "sending" && side.message !== undefined) {
      this.#events.push(MESSAGE_KEY);
      this.#result = { total: bytes, digest: NO_DIGEST, ...MESSAGE_RESULT };
      side.source.verified(bytes);
      await this.#release();
    }
    const { sessionKeys = 0, resends = 0 } = this.#result ?? {};
    const pipes = this.#envelopes === undefined ? (this.#result?.pipes ?? 0) : 0;
    const signed = this.#signing?.receipt;
    const counts = { bytes, sessionKeys, resends, pipes, nextMasterKey };
    const receipt = { transfer: this.id, ...counts, ...(signed !== undefined && { signed }) };
    this.#events.push({ type: "done", receipt });
    this.#events.end();
    this.#finished.resolve(receipt);
  }

  #input(input: TransferInput): void {
    this.#host.step({ kind: "transfer", key: this.#facts.key, input });
  }
}

/** A message that rides in its offer has one session key, no record and no pipe. */
const MESSAGE_KEY: TransferEvent = { type: "session-key", number: 1, atOffset: 0 };
const MESSAGE_RESULT = { sessionKeys: 1, resends: 0, pipes: 0 } as const;
const NO_DIGEST = new Uint8Array(0);

/** Anything that is not Postern's own is a fault of this device. */
export function asPosternError(error: unknown): PosternError {
  if (error instanceof PosternError) return error;
  return new PosternError("store/failed", "unexpected failure", {}, { cause: error });
}
