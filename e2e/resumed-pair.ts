/**
 * Ann sends a large file to Bob by the command line, both over wires that count what passes. Each
 * of them and the relay may end at any moment, and is started again as its person would.
 *
 * @module
 */
import { join } from "node:path";
import { FaultProxy } from "./fault-proxy.ts";
import { hashLarge, sizeOf, writeLarge } from "./large-file.ts";
import type { Program } from "./program.ts";
import { filesIn, freePort, partBytes, Scene, type Owner, type RelayProgram } from "./scene.ts";

export const FILE = "big.raw";

export interface PairOptions {
  readonly bytes: number;
  readonly seed?: number;
  /** Further arguments of `send`. */
  readonly sending?: readonly string[];
  /** Where Bob keeps things; a folder of the scene when absent. */
  readonly inbox?: string;
}

export class ResumedPair {
  readonly scene: Scene;
  readonly bytes: number;
  readonly path: string;
  readonly digest: string;
  readonly inbox: string;
  annWire: FaultProxy;
  bobWire: FaultProxy;
  relay: RelayProgram;
  ann: Program | undefined;
  bob: Program | undefined;
  readonly #sending: readonly string[];
  /** Of the content that is being sent. */
  #contentId: unknown;

  static async open(owner: Owner, options: PairOptions): Promise<ResumedPair> {
    const scene = await Scene.open(owner);
    const relay = await scene.relay({ port: await freePort() });
    const path = join(scene.folder, FILE);
    return new ResumedPair({
      options,
      scene,
      relay,
      path,
      digest: await writeLarge(path, options.bytes, options.seed ?? 1),
      inbox: options.inbox ?? (await scene.newFolder("inbox")),
      annWire: await FaultProxy.open(owner, relay.port),
      bobWire: await FaultProxy.open(owner, relay.port),
    });
  }

  private constructor(made: {
    readonly options: PairOptions;
    readonly scene: Scene;
    readonly relay: RelayProgram;
    readonly path: string;
    readonly digest: string;
    readonly inbox: string;
    readonly annWire: FaultProxy;
    readonly bobWire: FaultProxy;
  }) {
    this.scene = made.scene;
    this.relay = made.relay;
    this.path = made.path;
    this.digest = made.digest;
    this.inbox = made.inbox;
    this.annWire = made.annWire;
    this.bobWire = made.bobWire;
    this.bytes = made.options.bytes;
    this.#sending = made.options.sending ?? [];
  }

  /** `postern receive`, for the first time or again. */
  startBob(args: readonly string[] = []): Program {
    const own = ["receive", "--accept", "all", "-o", this.inbox, "--json", ...args];
    this.bob = this.scene.client("bob", this.bobWire.hostPort, own);
    return this.bob;
  }

  /** He is there before anybody sends. */
  async bobWaits(args: readonly string[] = []): Promise<Program> {
    const bob = this.startBob(args);
    await bob.event("waiting");
    await this.scene.listed(this.relay, "bob");
    return bob;
  }

  /** `postern send FILE`, for the first time or again. */
  startAnn(args: readonly string[] = []): Program {
    const own = ["send", this.path, "--to", "bob", "--json", ...this.#sending, ...args];
    this.ann = this.scene.client("ann", this.annWire.hostPort, own);
    return this.ann;
  }

  /** `postern transfers resume`, when something was begun; else she sends again. */
  resumeAnn(): Program {
    const id = this.contentId();
    if (id === undefined) return this.startAnn();
    this.ann = this.scene.client("ann", this.annWire.hostPort, [
      "transfers",
      "resume",
      id,
      "--json",
    ]);
    return this.ann;
  }

  /** Who found no relay when they began, for it was being killed, types the command again. */
  async typeAgain(): Promise<void> {
    if (this.bob?.isRunning === false) this.startBob();
    if (this.ann?.isRunning === false && (await this.ann.ended()).code !== 0) this.resumeAnn();
  }

  /** Of what Ann sends, once it is known. */
  contentId(): string | undefined {
    const told = this.ann?.events().find((event) => typeof event["content"] === "string");
    this.#contentId = told?.["content"] ?? this.#contentId;
    return typeof this.#contentId === "string" ? this.#contentId : undefined;
  }

  /** `postern relay` again, with the same data and port. */
  async restartRelay(): Promise<void> {
    this.relay = await this.scene.relay({ port: this.relay.port });
  }

  /** The same relay somewhere else, and other wires to it that count on. */
  async moveRelay(owner: Owner, port: number): Promise<void> {
    this.relay = await this.scene.relay({ port });
    const before = [this.annWire.pipeBytes, this.bobWire.bytesBack] as const;
    this.annWire = await FaultProxy.open(owner, port);
    this.bobWire = await FaultProxy.open(owner, port);
    [this.annWire.pipeBytes, this.bobWire.bytesBack] = before;
  }

  /** Bytes of the content that are in Bob's folder. */
  async arrived(): Promise<number> {
    const part = await partBytes(this.inbox, FILE);
    return part === 0 ? await sizeOf(join(this.inbox, FILE)) : part;
  }

  /** What has passed for each byte of the content: from Ann, and to Bob. */
  get factors(): { readonly sent: number; readonly received: number } {
    const { annWire, bobWire, bytes } = this;
    return { sent: annWire.pipeBytes / bytes, received: bobWire.bytesBack / bytes };
  }

  /** What Bob has: one file, the whole. */
  async stored(): Promise<{ readonly files: readonly string[]; readonly digest: string }> {
    return { files: await filesIn(this.inbox), digest: await hashLarge(join(this.inbox, FILE)) };
  }

  /** All that both have said, for a test that failed. */
  said(): string {
    return [this.ann, this.bob]
      .map((each) => `postern ${each?.args.join(" ")}\n${each?.stderr()}`)
      .join("\n");
  }
}
