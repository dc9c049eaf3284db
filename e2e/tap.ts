/**
 * A man in the middle of the wire: a TCP proxy before the relay that keeps what clients sent, and
 * may cut it into small pieces or change the frames (docs/protocol.md 8) in their pipes. It waits
 * for each frame to be whole, so that it can be repeated, swapped or left out; where frames are
 * only counted or hit by one bit, and there are gigabytes of them, `fault-proxy.ts` lets them pass.
 *
 * @module
 */
import { connect, createServer, type Socket } from "node:net";
import { Transform } from "node:stream";
import type { Owner } from "./scene.ts";

export interface Tap {
  readonly port: number;
  /** What came from the clients so far, by connection in the order of their coming. */
  sent(): Buffer[];
}

export interface TapOptions {
  /**
   * What goes on instead of the `at`-th frame that a client writes to a pipe; the pipe ends where
   * it is `undefined`. Counted anew for each pipe.
   */
  readonly change?: (frame: Buffer, at: number) => readonly Buffer[] | undefined;
  /** Bytes for each write, in both directions. */
  readonly pieces?: number;
}

export async function openTap(
  owner: Owner,
  relayPort: number,
  options: TapOptions = {},
): Promise<Tap> {
  const chunks: Buffer[][] = [];
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const relay = connect(relayPort, "127.0.0.1");
    const kept: Buffer[] = [];
    chunks.push(kept);
    client.on("data", (bytes: Buffer) => kept.push(bytes));
    for (const socket of [client, relay]) {
      sockets.add(socket.setNoDelay());
      socket.on("close", () => sockets.delete(socket));
    }
    const cut = (): void => {
      client.destroy();
      relay.destroy();
    };
    client.on("error", cut);
    relay.on("error", cut);
    const toRelay = client.pipe(changed(options.change, cut)).pipe(inPieces(options.pieces));
    toRelay.pipe(relay);
    relay.pipe(inPieces(options.pieces)).pipe(client);
  });
  const listening = Promise.withResolvers<void>();
  server.listen(0, "127.0.0.1", listening.resolve);
  await listening.promise;
  owner.after(async () => {
    // Not waited for: a client that still runs may just have come back.
    server.close();
    server.on("connection", (socket) => socket.destroy());
    for (const socket of sockets) socket.destroy();
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new TypeError("no port");
  return { port: address.port, sent: () => chunks.map((kept) => Buffer.concat(kept)) };
}

const HEADER_BYTES = 32;

/** Passes all on but the frames of a pipe, which come whole and one by one. */
function changed(change: TapOptions["change"], cut: () => void): Transform {
  let waiting = Buffer.alloc(0);
  let isPipe: boolean | undefined;
  let at = 0;
  const take = (length: number): Buffer => {
    const taken = waiting.subarray(0, length);
    waiting = waiting.subarray(length);
    return taken;
  };
  const nextFrame = (): Buffer | undefined => {
    if (waiting.length < HEADER_BYTES) return undefined;
    const length = HEADER_BYTES + waiting.readUInt32BE(4);
    return waiting.length < length ? undefined : take(length);
  };
  return new Transform({
    transform(bytes: Buffer, _encoding, done) {
      if (change === undefined) return done(null, bytes);
      waiting = Buffer.concat([waiting, bytes]);
      if (isPipe === undefined) {
        const end = waiting.indexOf("\r\n\r\n") + 4;
        if (end < 4) return done();
        isPipe = waiting.subarray(0, 10).toString() === "GET /pipe/";
        this.push(take(end));
      }
      if (!isPipe) return done(null, take(waiting.length));
      for (let frame = nextFrame(); frame !== undefined; frame = nextFrame()) {
        const instead = change(frame, at++);
        if (instead === undefined) return cut();
        for (const each of instead) this.push(each);
      }
      done();
    },
  });
}

/** One write for every `size` bytes; the next ones come a turn later. */
export function inPieces(size: number | undefined): Transform {
  return new Transform({
    transform(bytes: Buffer, _encoding, done) {
      if (size === undefined) return done(null, bytes);
      const next = (at: number): void => {
        if (at >= bytes.length) return done();
        this.push(bytes.subarray(at, at + size));
        setImmediate(next, at + size);
      };
      next(0);
    },
  });
}
