/**
 * A hostile wire between a client and the relay, on loopback. It passes everything on, and turns
 * one bit of the frames that a test names, in pipes, in the direction from this client to the
 * relay. It knows HTTP's upgrade and the 32 bytes of a frame header (docs/protocol.md 4, 8); all
 * else is opaque to it.
 *
 * @module
 */
import { connect, createServer, type Socket } from "node:net";
import { Transform, type TransformCallback } from "node:stream";
import type { Owner } from "./scene.ts";

export interface PassingFrame {
  /** Which pipe of the proxy, from 0 on, and which of its frames. */
  readonly pipe: number;
  readonly index: number;
  readonly type: number;
  readonly flags: number;
  /** Bytes after the header. */
  readonly length: number;
  readonly j: number;
  readonly offset: number;
}

/** The bit to turn, counted from the first of the frame, or `cut`: both sockets are destroyed. */
export type Fault = (frame: PassingFrame) => number | "cut" | undefined;

export const HEADER_BYTES = 32;
const PIPE_REQUEST = "GET /pipe/";

export class FaultProxy {
  /** Pipes that have passed. */
  pipes = 0;
  /** Bytes of frames in all of them, towards the relay. */
  pipeBytes = 0;
  /** Bytes from the relay, of links as well. */
  bytesBack = 0;
  /** Nobody gets through. */
  isDown = false;
  fault: Fault = () => undefined;
  readonly #server;
  readonly #sockets = new Set<Socket>();

  static async open(owner: Owner, relayPort: number): Promise<FaultProxy> {
    const proxy = new FaultProxy(relayPort);
    await new Promise<void>((resolve) => proxy.#server.listen(0, "127.0.0.1", resolve));
    owner.after(async () => await proxy.#close());
    return proxy;
  }

  private constructor(relayPort: number) {
    this.#server = createServer({ allowHalfOpen: true }, (client) => {
      if (this.isDown) client.destroy();
      else this.#join(client, connect({ host: "127.0.0.1", port: relayPort, allowHalfOpen: true }));
    });
  }

  /** Every link and pipe ends here. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  /** `127.0.0.1:PORT` */
  get hostPort(): string {
    const address = this.#server.address();
    if (address === null || typeof address === "string") throw new TypeError("not listening");
    return `127.0.0.1:${address.port}`;
  }

  #join(client: Socket, relay: Socket): void {
    const destroy = (): void => {
      client.destroy();
      relay.destroy();
    };
    for (const socket of [client, relay]) {
      this.#sockets.add(socket.setNoDelay(true));
      // What was sent before an end still arrives, however it ended.
      socket.on("error", () => {});
      socket.on("close", () => this.#sockets.delete(socket));
    }
    const passing = this.#passing(destroy);
    client.on("close", () => passing.end());
    relay.on("close", () => client.end());
    relay.on("data", (bytes: Buffer) => (this.bytesBack += bytes.length));
    relay.pipe(client);
    client.pipe(passing).pipe(relay);
    client.on("close", () => relay.unpipe(client).resume());
    relay.on("close", () => client.unpipe(passing).resume());
  }

  /** Passes the upgrade, and what follows unchanged on a link, with its faults on a pipe. */
  #passing(cut: () => void): Transform {
    let upgrade = Buffer.alloc(0);
    let frames: Frames | undefined;
    let isLink = false;
    const transform = (bytes: Buffer, _encoding: unknown, done: TransformCallback): void => {
      if (isLink) return done(null, bytes);
      if (frames !== undefined) return frames.pass(bytes) ? done(null, bytes) : cut();
      upgrade = Buffer.concat([upgrade, bytes]);
      const end = upgrade.indexOf("\r\n\r\n");
      if (end < 0) return done();
      isLink = upgrade.toString("latin1", 0, PIPE_REQUEST.length) !== PIPE_REQUEST;
      if (!isLink) {
        frames = new Frames(this.pipes++, this);
        if (!frames.pass(upgrade.subarray(end + 4))) return cut();
      }
      done(null, upgrade);
    };
    return new Transform({ transform });
  }

  async #close(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

/** Finds the frames of one pipe as they pass, in pieces of any size, and turns bits in place. */
class Frames {
  readonly #pipe: number;
  readonly #proxy: FaultProxy;
  readonly #header = Buffer.alloc(HEADER_BYTES);
  #index = 0;
  /** Bytes of the frame that have passed, and how many it has. */
  #passed = 0;
  #size = HEADER_BYTES;
  #faultAt: number | undefined;

  constructor(pipe: number, proxy: FaultProxy) {
    this.#pipe = pipe;
    this.#proxy = proxy;
  }

  /** False when the pipe is to be cut here. */
  pass(bytes: Buffer): boolean {
    this.#proxy.pipeBytes += bytes.length;
    for (let at = 0; at < bytes.length;) {
      const room = (this.#passed < HEADER_BYTES ? HEADER_BYTES : this.#size) - this.#passed;
      const piece = bytes.subarray(at, at + room);
      // Headers come whole from this sender: it writes a frame at once.
      if (this.#passed < HEADER_BYTES) this.#header.set(piece, this.#passed);
      const start = this.#passed;
      this.#passed += piece.length;
      at += piece.length;
      if (this.#passed === HEADER_BYTES && start < HEADER_BYTES && !this.#judge()) return false;
      this.#turn(piece, start);
      if (this.#passed === this.#size) this.#next();
    }
    return true;
  }

  #judge(): boolean {
    const header = this.#header;
    const length = header.readUInt32BE(4);
    this.#size = HEADER_BYTES + length;
    const fault = this.#proxy.fault({
      pipe: this.#pipe,
      index: this.#index,
      type: header.readUInt8(0),
      flags: header.readUInt8(1),
      length,
      j: header.readUInt32BE(8),
      offset: Number(header.readBigUInt64BE(20)),
    });
    if (fault === "cut") return false;
    this.#faultAt = fault;
    return true;
  }

  #turn(piece: Buffer, start: number): void {
    if (this.#faultAt === undefined) return;
    const at = (this.#faultAt >> 3) - start;
    if (at < 0 || at >= piece.length) return;
    piece[at]! ^= 1 << (this.#faultAt & 7);
    this.#faultAt = undefined;
  }

  #next(): void {
    this.#index++;
    this.#passed = 0;
    this.#size = HEADER_BYTES;
    this.#faultAt = undefined;
  }
}
