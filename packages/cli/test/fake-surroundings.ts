/** Streams, signals and a backend of a test's own. @module */
import { EventEmitter } from "node:events";
import { basename } from "node:path";
import { PassThrough, Readable, Writable } from "node:stream";
import { PosternError } from "@postern/core/errors";
import {
  messageSource,
  type ContentKind,
  type HeldContent,
  type LinkListing,
  type Manifest,
} from "@postern/client";
import type { CheckedReceipt } from "@postern/client/node";
import type { CommandEnd, CommandOptions, HomeView } from "../src/backend.ts";
import { interruptsOf } from "../src/interrupts.ts";
import { run } from "../src/run.ts";
import type { Surroundings } from "../src/surroundings.ts";
import type { Prompter } from "../src/terminal/prompter.ts";
import { FakeContacts, WALL_NOW } from "./fake-contacts.ts";
import { FakeClient, FakeUnfinished, FakeSink, FakeSource, FINGERPRINT } from "./fake-client.ts";

class Captured extends Writable {
  readonly isTTY: boolean;
  columns = 100;
  text = "";
  /** What every write meets from now on. */
  failsWith: Error | undefined;

  constructor(isTTY: boolean) {
    super();
    this.isTTY = isTTY;
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error) => void): void {
    if (this.failsWith !== undefined) return done(this.failsWith);
    this.text += chunk.toString("utf8");
    done();
  }
}

class FakeProcess extends EventEmitter {
  readonly exits: number[] = [];
  exit(code: number): void {
    this.exits.push(code);
  }
}

export interface FakeOptions {
  readonly isTerminal?: boolean;
  readonly env?: Record<string, string>;
  readonly stdin?: string;
  readonly prompter?: Prompter;
}

/** One terminal, or none, with a fake client behind it. */
export class FakeTerminal {
  readonly stdout: Captured;
  readonly stderr: Captured;
  readonly process = new FakeProcess();
  readonly client = new FakeClient("ann");
  readonly sources: FakeSource[] = [];
  readonly sinks: FakeSink[] = [];
  readonly surroundings: Surroundings;
  connect = async (): Promise<FakeClient> => this.client;
  readonly home = new FakeHome();
  openSink = (path: string): FakeSink => new FakeSink(path);
  /** Of every file. */
  fileBytes: Uint8Array = new Uint8Array(1_000);
  freeSpace = 1e12;
  freeSpaceAt = (_directory: string): number => this.freeSpace;
  /** Of what is noted nothing is found. */
  isPartGone = false;
  onReceipt = async (): Promise<CheckedReceipt> => {
    throw new PosternError("transfer/receipt-invalid", "scripted");
  };
  /** What a folder's sink asks, with the list that came. */
  onFolder = async (
    _ask: (manifest: Manifest, where: string) => Promise<boolean>,
    _where: string,
  ): Promise<void> => {};
  /** What a folder's source holds. */
  manifest: Manifest = { entries: [] };
  /** How folders were listed. */
  readonly listings: LinkListing[] = [];
  /** What a folder's source leaves out. */
  skipped: readonly { readonly path: string; readonly why: string }[] = [];
  /** Monotonic milliseconds. */
  clock = 0;
  readonly commands: (CommandOptions & { readonly command: string })[] = [];
  /** How a command ends. */
  onCommand = async (): Promise<CommandEnd> => ({ code: 0, signal: undefined });

  constructor(options: FakeOptions = {}) {
    // Signals of a test are never the same key press.
    let clock = 0;
    const isTTY = options.isTerminal === true;
    this.stdout = new Captured(isTTY);
    this.stderr = new Captured(isTTY);
    const input = options.stdin === undefined ? new PassThrough() : Readable.from([options.stdin]);
    this.surroundings = {
      stdin: Object.assign(input, { isTTY }),
      stdout: this.stdout,
      stderr: this.stderr,
      env: options.env ?? {},
      platform: "linux",
      version: "0.0.0",
      now: () => this.clock,
      wallNow: () => WALL_NOW,
      interrupts: interruptsOf(this.process, () => (clock += 1_000)),
      backend: this.#backend(),
      prompter: async () => options.prompter ?? noPrompter,
    };
  }

  async run(...args: readonly string[]): Promise<number> {
    return await run(args, this.surroundings);
  }

  /** The objects on stdout. */
  events(): { type: string; [field: string]: unknown }[] {
    const lines = this.stdout.text.split("\n").filter((line) => line !== "");
    return lines.map((line) => JSON.parse(line));
  }

  #backend(): Surroundings["backend"] {
    const source = async (kind: ContentKind, name: string, size?: number): Promise<FakeSource> => {
      const made = new FakeSource({ kind, name, size }, this.fileBytes);
      this.sources.push(made);
      return made;
    };
    const sink = async (path: string): Promise<FakeSink> => {
      const made = this.openSink(path);
      this.sinks.push(made);
      return made;
    };
    return {
      connect: async ({ passphrase }) => {
        await this.home.unlock(passphrase);
        return await this.connect();
      },
      openHome: async ({ passphrase }) => await this.home.open(passphrase),
      readHome: async ({ passphrase }) => await this.home.open(passphrase, true),
      defaultHome: async () => "/state",
      fileSource: async (path) => await source("file", basename(path), this.fileBytes.length),
      directorySource: async (paths, { links }) => {
        this.listings.push(links);
        const made = await source("directory", basename(paths[0] ?? ""), 1_000);
        return Object.assign(made, { skipped: this.skipped, renamed: [], manifest: this.manifest });
      },
      streamSource: async (_readable, name) => {
        const stream = await source("stream", name);
        return { open: async () => stream, close: async () => await stream.close() };
      },
      checkReceipt: async () => await this.onReceipt(),
      storedName: async (name) => name.replaceAll("/", "%2F"),
      messageSource: async (text) => {
        const message = messageSource(text);
        const padded = new Uint8Array(message.info.size ?? 0);
        await message.read(padded, 0);
        const made = new FakeSource(message.info, padded);
        this.sources.push(made);
        return made;
      },
      fileSink: async (directory, name, journal) => {
        const made = await sink(`${directory}/${name}`);
        const { bytes = 0 } = this.isPartGone ? {} : ((await journal.read()) ?? {});
        return bytes === 0 ? made : Object.assign(made, { held: heldOf(bytes) });
      },
      directorySink: async (directory, { name }, journal, ask) => {
        const noted = (await journal.read())?.directory;
        const made = await sink(`${noted ?? directory}/${name}`);
        const consent = async (): Promise<void> => await this.onFolder(ask, made.path);
        return Object.assign(made, { paths: [made.path], consent, linksLeft: 0 });
      },
      streamSink: async () => await sink("-"),
      messageSink: async () => await sink(""),
      freeSpace: async (directory) => this.freeSpaceAt(directory),
      runCommand: async (command, options) => {
        this.commands.push({ ...options, command });
        return await this.onCommand();
      },
      startRelay: async ({ host, port }) => ({
        host,
        port,
        address: `postern://${host}:${port}#${"a".repeat(52)}`,
        close: async () => {},
      }),
    };
  }
}

function heldOf(offset: number): HeldContent {
  const hashed = { update() {}, copy: () => hashed, digest: () => new Uint8Array(32) };
  return { offset, hashed };
}

/** One identity, with or without a passphrase. */
class FakeHome {
  readonly contacts = new FakeContacts();
  readonly unfinished = new FakeUnfinished();
  /** In the order they were given, right and wrong. */
  readonly tried: string[] = [];
  readonly pins = [{ address: "postern://127.0.0.1:9999", fingerprint: "r".repeat(52) }];
  passphrase: string | undefined;
  isOpen = false;

  /** Another `postern` has it. */
  isTaken = false;

  async open(read: () => Promise<Uint8Array>, isReading = false): Promise<HomeView> {
    if (this.isTaken && !isReading) throw new PosternError("store/in-use", "scripted");
    await this.unlock(read);
    this.isOpen = true;
    return {
      name: "ann",
      fingerprint: FINGERPRINT,
      directory: "/state/ann",
      isProtected: this.passphrase !== undefined,
      contacts: this.contacts,
      unfinished: this.unfinished,
      relayPins: async () => this.pins,
      setPassphrase: async (bytes) => {
        this.passphrase = bytes && Buffer.from(bytes).toString("utf8");
      },
      close: async () => void (this.isOpen = false),
    };
  }

  async unlock(read: () => Promise<Uint8Array>): Promise<void> {
    if (this.passphrase === undefined) return;
    const bytes = await read();
    const given = Buffer.from(bytes).toString("utf8");
    bytes.fill(0);
    this.tried.push(given);
    if (given !== this.passphrase) throw new PosternError("store/wrong-passphrase", "scripted");
  }
}

const noPrompter: Prompter = {
  select: () => Promise.reject(new Error("nobody should be asked")),
  text: () => Promise.reject(new Error("nobody should be asked")),
  confirm: () => Promise.reject(new Error("nobody should be asked")),
  password: () => Promise.reject(new Error("nobody should be asked")),
  completed: () => Promise.reject(new Error("nobody should be asked")),
};
