/**
 * A sender and a receiver of records over a pipe in memory, with content in memory and a clock that
 * a test turns.
 *
 * @module
 */
import { utf8 } from "@postern/core/bytes";
import { PosternError } from "@postern/core/errors";
import { nativeSuite as suite } from "@postern/node";
import type { ContentSink, ContentSource } from "../src/api.ts";
import { nodeRecordCipher as cipher } from "../src/node/record-cipher.ts";
import type {
  ReceiveRecordsOptions,
  RecordsEvent,
  RecordsResult,
  SendRecordsOptions,
} from "../src/records/options.ts";
import { receiveRecords } from "../src/records/receive-content.ts";
import { sendRecords } from "../src/records/send-content.ts";
import { TransferPipes } from "../src/transfer-pipes.ts";
import { memoryPipes, type MemoryPipes, type TamperFrame } from "./memory-pipe.ts";
import { TurnedClock } from "./turned-clock.ts";

const TH = suite.sha256(utf8("transcript"));
const REVERSE_KEY = suite.sha256(utf8("reverse"));

export class MemorySource implements ContentSource {
  readonly info;
  verifiedTo = 0;
  closed = 0;
  /** Bytes that one read gives at most. */
  readBytes = Number.POSITIVE_INFINITY;
  content: Uint8Array;
  /** A file that the system has in memory; none when absent. */
  readNow?: (into: Uint8Array, offset: number) => number | undefined;

  constructor(content: Uint8Array, size: number | undefined) {
    this.content = content;
    this.info = { kind: "file", name: "x", size } as const;
  }

  async read(into: Uint8Array, offset: number): Promise<number> {
    return this.copy(into, offset);
  }

  copy(into: Uint8Array, offset: number): number {
    if (offset < this.verifiedTo) throw new Error("read below what was verified");
    const from = this.content.subarray(offset, offset + Math.min(into.length, this.readBytes));
    into.set(from);
    return from.length;
  }

  verified(offset: number): void {
    this.verifiedTo = offset;
  }

  async close(): Promise<void> {
    this.closed++;
  }
}

export class MemorySink implements ContentSink {
  readonly bytes: Uint8Array;
  length = 0;
  committed: number | undefined;
  abandoned = 0;
  #busy = false;
  /** Awaited by every write: a disk that a test holds up or breaks. */
  beforeWrite: (offset: number) => Promise<void> = async () => undefined;
  /** Of a directory; resolves at once when absent. */
  consent?: () => Promise<void>;
  /** A disk that takes bytes at once; none when absent. */
  writeNow?: (bytes: Uint8Array, offset: number) => boolean;

  constructor(capacity: number, from = 0) {
    this.bytes = new Uint8Array(capacity);
    this.length = from;
  }

  async write(bytes: Uint8Array, offset: number): Promise<void> {
    if (this.#busy || offset !== this.length) throw new Error("write out of turn");
    this.#busy = true;
    await this.beforeWrite(offset).finally(() => (this.#busy = false));
    this.take(bytes, offset);
  }

  take(bytes: Uint8Array, offset: number): true {
    if (this.#busy || offset !== this.length) throw new Error("write out of turn");
    this.bytes.set(bytes, offset);
    this.length += bytes.length;
    return true;
  }

  async commit(total: number): Promise<void> {
    if (this.#busy) throw new Error("commit out of turn");
    this.committed = total;
  }

  async abandon(): Promise<void> {
    if (this.#busy) throw new Error("abandon out of turn");
    this.abandoned++;
  }
}

export interface LabOptions {
  readonly forward?: TamperFrame;
  readonly reverse?: TamperFrame;
  readonly size?: number | undefined;
  /** True: a pipe that breaks is replaced. False: one is asked for in vain. */
  readonly renews?: boolean;
  readonly send?: Partial<SendRecordsOptions>;
  readonly receive?: Partial<ReceiveRecordsOptions>;
}

export class RecordsLab {
  readonly clock = new TurnedClock();
  readonly source: MemorySource;
  readonly sink: MemorySink;
  readonly pipes: MemoryPipes;
  /** All pipes so far, those that replaced others last. */
  readonly allPipes: MemoryPipes[] = [];
  readonly sendAbort = new AbortController();
  readonly receiveAbort = new AbortController();
  readonly sent: RecordsEvent[] = [];
  readonly received: RecordsEvent[] = [];
  /** j of the session keys that were made. */
  readonly keys: number[] = [];
  wiped = 0;
  /** How often each side asked for another pipe. */
  readonly asked = { sender: 0, receiver: 0 };
  readonly #options: LabOptions;
  readonly #supplies = { sender: this.#supply("sender"), receiver: this.#supply("receiver") };

  constructor(content: Uint8Array, options: LabOptions = {}) {
    const size = "size" in options ? options.size : content.length;
    this.#options = options;
    this.source = new MemorySource(content, size);
    const fromOffset = options.receive?.fromOffset ?? 0;
    this.sink = new MemorySink(content.length, fromOffset);
    this.sink.bytes.set(content.subarray(0, fromOffset));
    this.pipes = this.#makePipes();
  }

  /** Both ends get another pipe, as when the sender asked the relay for one. */
  replacePipe(): void {
    this.#makePipes();
    const ticket = Uint8Array.of(this.allPipes.length);
    this.#supplies.receiver.offer(ticket);
    this.#supplies.sender.offer(ticket);
  }

  /** The sender hears from elsewhere what `done` says. */
  confirm({ total, digest }: RecordsResult): void {
    this.#supplies.sender.confirm({ total, digest });
  }

  #makePipes(): MemoryPipes {
    const { forward, reverse } = this.#options;
    const n = this.allPipes.length;
    const on = (tamper: TamperFrame | undefined): TamperFrame | undefined =>
      tamper && ((frame, index) => tamper(frame, index, n));
    const pipes = memoryPipes(on(forward), on(reverse));
    this.allPipes.push(pipes);
    return pipes;
  }

  #supply(end: keyof MemoryPipes): TransferPipes {
    return new TransferPipes({
      open: async ([n = 0]) => this.allPipes[n - 1]![end],
      broken: () => {
        this.asked[end]++;
        if (end === "sender" && this.#options.renews === true) this.replacePipe();
      },
    });
  }

  send(): Promise<RecordsResult> {
    const key = suite.sha256(utf8("session"));
    const next = (j: number) => {
      this.keys.push(j);
      return { key: key.slice(), body: Uint8Array.of(j, j >> 8, 1, 2) };
    };
    return sendRecords({
      ...this.#common("sender", this.sendAbort, this.sent),
      source: this.source,
      keys: { next, wipe: () => this.wiped++ },
      sessionMs: 5_000,
      ...this.#options.send,
    });
  }

  receive(): Promise<RecordsResult> {
    // One key for all j will do here: j and body are part of what the tag covers.
    const key = suite.sha256(utf8("session"));
    const open = async (j: number, body: Uint8Array) =>
      body[0] === (j & 255) && body[1] === j >> 8 ? key.slice() : undefined;
    return receiveRecords({
      ...this.#common("receiver", this.receiveAbort, this.received),
      sink: this.sink,
      keys: { open, retire: () => undefined, bodyBytes: 4, wipe: () => this.wiped++ },
      sessionMs: 60_000,
      size: this.source.info.size,
      ...this.#options.receive,
    });
  }

  /** Both ends until both have ended, time passing by `stepMs` as long as it takes. */
  async run(stepMs = 10): Promise<readonly [RecordsOutcome, RecordsOutcome]> {
    const both = Promise.all([outcome(this.send()), outcome(this.receive())]);
    let ended = false;
    void both.finally(() => (ended = true));
    for (let turn = 0; turn < 5_000 && !ended; turn++) await this.clock.advance(stepMs);
    if (!ended) throw new Error("neither done nor failed");
    return both;
  }

  #common(end: keyof MemoryPipes, abort: AbortController, events: RecordsEvent[]) {
    const pipe = this.pipes[end];
    const pipes = this.#options.renews === undefined ? undefined : this.#supplies[end];
    const onEvent = (event: RecordsEvent) => void events.push(event);
    const keys = { th: TH, reverseKey: REVERSE_KEY, fromOffset: 0 };
    return {
      suite,
      cipher,
      pipe,
      pipes,
      clock: this.clock,
      signal: abort.signal,
      onEvent,
      ...keys,
    };
  }
}

export interface RecordsOutcome {
  readonly result?: RecordsResult;
  readonly code?: string;
}

/** The result, or the code of the error. Anything but a `PosternError` is a bug and thrown on. */
export async function outcome(running: Promise<RecordsResult>): Promise<RecordsOutcome> {
  try {
    return { result: await running };
  } catch (error) {
    if (error instanceof PosternError) return { code: error.code };
    throw error;
  }
}
