/** Loopback ports for programs that tell nobody when they listen. @module */
import { readFileSync } from "node:fs";
import { createSocket } from "node:dgram";
import { createServer } from "node:net";
import { setTimeout as delay } from "node:timers/promises";

const LISTENING = "0A";
/** A server written in Python takes its time to start where others are at work as well. */
const WAIT_MS = 30_000;

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no port was given");
  return address.port;
}

/**
 * Reads the kernel's table: a trial connection would be taken for the one that counts. `pid` is any
 * process of the network namespace in which the port is.
 */
export async function untilListening(port: number, pid: number | "self" = "self"): Promise<void> {
  const hexadecimal = port.toString(16).toUpperCase().padStart(4, "0");
  const row = new RegExp(`:${hexadecimal} [0-9A-F]+:0000 ${LISTENING} `);
  const giveUp = performance.now() + WAIT_MS;
  while (!row.test(tableOf(pid, "tcp") + tableOf(pid, "tcp6"))) {
    if (performance.now() > giveUp) throw new Error(`nothing listens on port ${port}`);
    await delay(5);
  }
}

function tableOf(pid: number | "self", protocol: string): string {
  try {
    return readFileSync(`/proc/${pid}/net/${protocol}`, "utf8");
  } catch {
    return "";
  }
}

export async function freeUdpPort(): Promise<number> {
  const socket = createSocket("udp4");
  await new Promise<void>((resolve, reject) => {
    socket.once("error", reject);
    socket.bind(0, "127.0.0.1", resolve);
  });
  const { port } = socket.address();
  await new Promise<void>((resolve) => socket.close(() => resolve()));
  return port;
}
