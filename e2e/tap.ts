/**
 * A wire tap: a TCP proxy that keeps what clients sent through it, a buffer for each connection.
 *
 * @module
 */
import { connect, createServer, type Socket } from "node:net";
import type { Owner } from "./scene.ts";

export interface Tap {
  readonly port: number;
  /** What came from the clients so far, by connection in the order of their coming. */
  sent(): Buffer[];
}

export async function openTap(owner: Owner, relayPort: number): Promise<Tap> {
  const chunks: Buffer[][] = [];
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const relay = connect(relayPort, "127.0.0.1");
    const kept: Buffer[] = [];
    chunks.push(kept);
    client.on("data", (bytes: Buffer) => kept.push(bytes));
    for (const [from, to] of [
      [client, relay],
      [relay, client],
    ] as const) {
      sockets.add(from);
      from.pipe(to);
      from.on("error", () => to.destroy());
      from.on("close", () => sockets.delete(from));
    }
  });
  const listening = Promise.withResolvers<void>();
  server.listen(0, "127.0.0.1", listening.resolve);
  await listening.promise;
  owner.after(async () => {
    for (const socket of sockets) socket.destroy();
    const closed = Promise.withResolvers<void>();
    server.close(() => closed.resolve());
    await closed.promise;
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new TypeError("no port");
  return { port: address.port, sent: () => chunks.map((kept) => Buffer.concat(kept)) };
}
