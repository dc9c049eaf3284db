/**
 * A hostile wire between a client and the relay, on loopback. It passes everything on, turns one
 * bit of the frames that a test names, or cuts the pipe at one of their bytes, in the direction
 * from this client to the relay; both directions may come in small pieces. It knows HTTP's upgrade
 * and the 32 bytes of a frame header (docs/protocol.md 4, 8); all else is opaque to it.
 *
 * @module
 */
import { connect, createServer, type Socket } from "node:net";
import { Transform, type TransformCallback } from "node:stream";
import type { Owner } from "./scene.ts";
import { inPieces } from "./tap.ts";

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

/** The bit to turn, counted from the first of the frame; or how many of its bytes still pass. */
export type Fault = (frame: PassingFrame) => number | { readonly cutAt: number } | undefined;

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
  /** Bytes for each write, of the connections that come from now on. */
  pieces: number | undefined;
  fault: Fault = () => undefined;
  readonly #server;
  readonly #sockets = new Set<Socket>();
  readonly #links = new Set<Socket>();

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

  /** Every link ends here, and no pipe: a relay that hears nothing of one for long does so. */
  cutLinks(): void {
    for (const socket of this.#links) socket.destroy();
  }

  /** `127.0.0.1:PORT` */
  get hostPort(): string {
    const address = this.#server.address();
    if (address === null || typeof address === "string") throw new TypeError("not listening");
    return `127.0.0.1:${address.port}`;
  }

  #join(client: Socket, relay: Socket): void {
    const { pieces } = this;
    const cut = (): void => {
      client.destroy();
      // What passed before the cut still arrives.
      relay.destroySoon();
    };
    for (const socket of [client, relay]) {
      this.#sockets.add(socket.setNoDelay(true));
      // What was sent before an end still arrives, however it ended.
      socket.on("error", () => {});
      socket.on("close", () => this.#sockets.delete(socket));
    }
    const passing = this.#passing(cut, () => this.#links.add(client));
    client.on("close", () => {
      this.#links.delete(client);
      passing.end();
    });
    relay.on("close", () => client.end());
    relay.on("data", (bytes: Buffer) => (this.bytesBack += bytes.length));
    const toRelay = client.pipe(passing);
    if (pieces === undefined) {
      relay.pipe(client);
      toRelay.pipe(relay);
    } else {
      relay.pipe(inPieces(pieces)).pipe(client);
      toRelay.pipe(inPieces(pieces)).pipe(relay);
    }
    client.on("close", () => relay.unpipe().resume());
    relay.on("close", () => client.unpipe(passing).resume());
  }

  /** Passes the upgrade, and what follows unchanged on a link, with its faults on a pipe. */
  #passing(cut: () => void, onLink: () => void): Transform {
    let upgrade = Buffer.alloc(0);
    let frames: Frames | undefined;
    let isLink = false;
    let isCut = false;
    const pass = (count: number | undefined, bytes: Buffer, done: TransformCallback): void => {
      isCut = count !== undefined;
      done(null, bytes.subarray(0, count));
      if (isCut) setImmediate(cut);
    };
    const transform = (bytes: Buffer, _encoding: unknown, done: TransformCallback): void => {
      if (isLink) return done(null, bytes);
      if (isCut) return done();
      if (frames !== undefined) return pass(frames.pass(bytes), bytes, done);
      upgrade = Buffer.concat([upgrade, bytes]);
      const end = upgrade.indexOf("\r\n\r\n");
      if (end < 0) return done();
      isLink = upgrade.toString("latin1", 0, PIPE_REQUEST.length) !== PIPE_REQUEST;
      if (isLink) {
        onLink();
        return done(null, upgrade);
      }
      const start = end + 4;
      frames = new Frames(this.pipes++, this);
      const count = frames.pass(upgrade.subarray(start));
      pass(count === undefined ? undefined : start + count, upgrade, done);
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
  #cutAt: number | undefined;

  constructor(pipe: number, proxy: FaultProxy) {
    this.#pipe = pipe;
    this.#proxy = proxy;
  }

  /** How many of them pass before the pipe is cut; `undefined`: all, and it is not. */
  pass(bytes: Buffer): number | undefined {
    this.#proxy.pipeBytes += bytes.length;
    for (let at = 0; at < bytes.length;) {
      const room = (this.#passed < HEADER_BYTES ? HEADER_BYTES : this.#size) - this.#passed;
      const piece = bytes.subarray(at, at + room);
      // Headers come whole from this sender: it writes a frame at once.
      if (this.#passed < HEADER_BYTES) this.#header.set(piece, this.#passed);
      const start = this.#passed;
      this.#passed += piece.length;
      at += piece.length;
      if (this.#passed === HEADER_BYTES && start < HEADER_BYTES) this.#judge();
      if (this.#cutAt !== undefined && this.#passed >= this.#cutAt)
        return Math.max(0, at - (this.#passed - this.#cutAt));
      this.#turn(piece, start);
      if (this.#passed === this.#size) this.#next();
    }
    return undefined;
  }

  #judge(): void {
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
    if (typeof fault === "object") this.#cutAt = fault.cutAt;
    else this.#faultAt = fault;
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
