/**
 * A folder of its own with a relay, the homes of some people and their programs. All of it goes
 * when its owner (a test, or a test file) has ended, however it ended.
 *
 * @module
 */
import { mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { setTimeout as wait } from "node:timers/promises";
import type { Client } from "@postern/client";
import { connectNode } from "@postern/client/node";
import { sizeOf } from "./large-file.ts";
import { Program } from "./program.ts";

/** A test's context, or `{ after }` of `node:test` for a whole file. */
export interface Owner {
  after(clean: () => Promise<void>): void;
}

export interface RelayProgram {
  readonly program: Program;
  readonly port: number;
  /** `127.0.0.1:PORT` */
  readonly hostPort: string;
  /** With its fingerprint. */
  readonly address: string;
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

export class Scene {
  readonly folder: string;
  readonly #programs: Program[] = [];
  readonly #clients: Client[] = [];
  readonly #observers = new Map<Program, Promise<Client>>();

  static async open(owner: Owner): Promise<Scene> {
    const scene = new Scene(await mkdtemp(join(tmpdir(), "postern-e2e-")));
    owner.after(async () => await scene.#close());
    return scene;
  }

  private constructor(folder: string) {
    this.folder = folder;
  }

  /** A new folder in the scene's. */
  async newFolder(name: string): Promise<string> {
    const folder = join(this.folder, name);
    await mkdir(folder, { recursive: true });
    return folder;
  }

  /** `postern` with these arguments and a clean environment; stdin stays open until it is ended. */
  run(args: readonly string[], options: RunOptions = {}): Program {
    const env = { ...this.environment(), ...options.env };
    const program = new Program(args, { cwd: options.cwd ?? this.folder, env });
    this.#programs.push(program);
    return program;
  }

  /** `postern COMMAND` of a person with a home of their own. */
  client(who: string, at: string | RelayProgram, args: readonly string[], options?: RunOptions) {
    return this.run([...args, ...this.self(who, at)], options);
  }

  /** Options that say who runs a command, and at which relay. */
  self(who: string, at: string | RelayProgram): string[] {
    const relay = typeof at === "string" ? at : at.hostPort;
    return ["--relay", relay, "--name", who, "--home", this.home(who)];
  }

  home(who: string): string {
    return join(this.folder, `home-${who}`);
  }

  environment(): Record<string, string> {
    const { PATH = "", NODE_COMPILE_CACHE } = process.env;
    const cache = NODE_COMPILE_CACHE === undefined ? {} : { NODE_COMPILE_CACHE };
    return { PATH, HOME: this.folder, LANG: "C.UTF-8", ...cache };
  }

  /** @param data which data directory; a relay with the same one has the same key. */
  async relay({ data = "relay", port = 0 } = {}): Promise<RelayProgram> {
    const listen = `127.0.0.1:${port}`;
    const directory = join(this.folder, data);
    const program = this.run(["relay", "--listen", listen, "--data", directory, "--json"]);
    const event = await program.event("relay");
    const bound = Number(event["port"]);
    const hostPort = `127.0.0.1:${bound}`;
    return { program, port: bound, hostPort, address: String(event["address"]) };
  }

  /** A `receive` that is in the relay's list of free receivers. */
  async receiver(who: string, at: RelayProgram, args: readonly string[] = []): Promise<Program> {
    const program = this.client(who, at, ["receive", "--json", ...args]);
    await program.event("waiting");
    await this.listed(at, who);
    return program;
  }

  /** When the relay's list holds this name, or no longer. */
  async listed(at: RelayProgram, who: string, isListed = true, waitMs = 60_000): Promise<void> {
    const deadline = performance.now() + waitMs;
    while ((await this.receivers(at)).includes(who) !== isListed) {
      if (performance.now() > deadline)
        throw new Error(`${who} is ${isListed ? "not" : "still"} listed after ${waitMs} ms`);
      await wait(40);
    }
  }

  /** The names that the relay lists as free. */
  async receivers(at: RelayProgram): Promise<string[]> {
    const observer = await this.#observer(at);
    const names: string[] = [];
    for await (const { name } of observer.receivers()) names.push(name);
    return names;
  }

  /** A client in this process, through the SDK. It ends with the scene. */
  async sdk(who: string, at: RelayProgram): Promise<Client> {
    const client = await connectNode({ relay: at.address, home: this.home(who), name: who });
    this.#clients.push(client);
    return client;
  }

  async #observer(at: RelayProgram): Promise<Client> {
    const known = this.#observers.get(at.program);
    if (known !== undefined) return await known;
    const made = this.sdk(`observer-${this.#observers.size}`, at);
    this.#observers.set(at.program, made);
    return await made;
  }

  async #close(): Promise<void> {
    await Promise.all(this.#clients.map(async (client) => await client.close()));
    await Promise.all(this.#programs.map(async (program) => await program.kill("SIGKILL")));
    await rm(this.folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** A port of 127.0.0.1 on which nobody listens. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new TypeError("no port");
  return address.port;
}

/** All that stands in a folder, hidden files included, in order: a part as `.NAME.part`. */
export async function filesIn(folder: string): Promise<string[]> {
  const names = await readdir(folder);
  return names.map((name) => name.replace(PART_TAG, ".part")).toSorted();
}

/** What makes a part's name unlike any other. */
const PART_TAG = /(?<=^\..+)\.[0-9a-f]{8}\.part$/su;

/** Bytes of the part of a file of this name; 0 when there is none. */
export async function partBytes(folder: string, name: string): Promise<number> {
  const names = await readdir(folder);
  const part = names.find((each) => each.replace(PART_TAG, ".part") === `.${name}.part`);
  return part === undefined ? 0 : await sizeOf(join(folder, part));
}
