/**
 * Port to everything behind the terminal: the client, its home, files, the relay. `node-backend.ts`
 * loads the real parts when a command first needs them; tests give fakes.
 *
 * @module
 */
import type { Readable, Writable } from "node:stream";
import type {
  Client,
  Contacts,
  ContentInfo,
  ContentSink,
  ContentSource,
  Manifest,
  LinkListing,
  PartJournal,
  ProfileName,
  UnfinishedContents,
} from "@postern/client";
import type { CheckedReceipt } from "@postern/client/node";

export interface Backend {
  connect(options: ConnectOptions): Promise<Client>;
  openHome(options: HomeOptions): Promise<HomeView>;
  /** The same, beside a process that has it: a copy that cannot be changed. */
  readHome(options: HomeOptions): Promise<HomeView>;
  defaultHome(): Promise<string>;
  fileSource(path: string): Promise<ContentSource>;
  /** Folders and files as one content. */
  directorySource(
    paths: readonly string[],
    options: { readonly links: LinkListing },
  ): Promise<FolderSource>;
  /** Read once; a transfer after a break goes on with it. */
  streamSource(readable: Readable, name: string): Promise<StreamParcel>;
  messageSource(text: string): Promise<ContentSource>;
  /** Never overwrites: `path` is the final name, known for sure once committed. */
  fileSink(
    directory: string,
    name: string,
    journal: PartJournal,
    size: number | undefined,
  ): Promise<ContentSink & { readonly path: string }>;
  /** @param ask with what is in it, and where it will be; nothing of it is made before a yes. */
  directorySink(
    directory: string,
    content: ContentInfo,
    journal: PartJournal,
    ask: (manifest: Manifest, where: string) => Promise<boolean>,
  ): Promise<FolderSink>;
  /** Stays open after a transfer that breaks: the next one goes on behind it. */
  streamSink(writable: Writable): Promise<ContentSink>;
  messageSink(): Promise<ContentSink & { readonly text: Promise<string> }>;
  /** @throws PosternError `transfer/receipt-invalid` unless both signatures hold */
  checkReceipt(text: string): Promise<CheckedReceipt>;
  /** As it can be stored anywhere. */
  storedName(name: string): Promise<string>;
  /** Bytes that may still be written there. */
  freeSpace(directory: string): Promise<number>;
  /** By the shell. Its output goes to stderr. Rejects when it cannot be started. */
  runCommand(command: string, options: CommandOptions): Promise<CommandEnd>;
  startRelay(options: RelayOptions): Promise<RunningRelay>;
}

export type FolderSource = ContentSource & {
  readonly manifest: Manifest;
  readonly skipped: readonly { readonly path: string; readonly why: string }[];
  /** What has another name on the other side. */
  readonly renamed: readonly { readonly path: string; readonly as: string }[];
};

export type FolderSink = ContentSink & {
  readonly path: string;
  /** Of what it holds at its top. */
  readonly paths: readonly string[];
  /** Links that this system could not make; known at the end. */
  readonly linksLeft: number;
};

export interface StreamParcel {
  open(): Promise<ContentSource>;
  close(): Promise<void>;
}

export interface CommandOptions {
  readonly env: Readonly<Record<string, string>>;
  /** Its standard input; nothing when absent. */
  readonly input: string | undefined;
}

export interface CommandEnd {
  readonly code: number | undefined;
  /** `SIGKILL`, when that ended it. */
  readonly signal: string | undefined;
}

export interface HomeOptions {
  readonly home: string;
  readonly name: string | undefined;
  /** Asked only when the keys are locked; whoever calls it wipes what it gives. */
  readonly passphrase: () => Promise<Uint8Array>;
}

export interface ConnectOptions extends HomeOptions {
  readonly relay: string;
}

export interface HomeView {
  readonly name: string;
  /** Base32, 52 characters. */
  readonly fingerprint: string;
  readonly directory: string;
  /** A passphrase protects the keys. */
  readonly isProtected: boolean;
  readonly contacts: Contacts;
  readonly unfinished: UnfinishedContents;
  relayPins(): Promise<readonly RelayPin[]>;
  /** Seals the keys anew; `undefined`: not at all. Copies what it is given. */
  setPassphrase(passphrase: Uint8Array | undefined): Promise<void>;
  close(): Promise<void>;
}

export interface RelayPin {
  /** As the client wrote it down: with or without scheme. */
  readonly address: string;
  readonly fingerprint: string;
}

export interface RelayOptions {
  readonly host: string;
  readonly port: number;
  readonly dataDir: string;
  /** JSON log lines on stderr. */
  readonly isLogging: boolean;
  /** Profiles it allows; all when absent. */
  readonly profiles?: readonly ProfileName[] | undefined;
}

export interface RunningRelay {
  readonly host: string;
  readonly port: number;
  /** `postern://HOST:PORT#FP` */
  readonly address: string;
  close(): Promise<void>;
}
