/**
 * Part: a long link between two tunnels, whose packets come and go as datagrams on loopback.
 * Question: `open`.
 *
 * @module
 */
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";

import { PacketQueue } from "../links/packet-queue.ts";
import { actorSetting, answerQuestions } from "./actor.ts";

export interface DelaySetting {
  readonly delayMs: number;
  readonly lossPercent: number;
  readonly rateMbit: number;
  /** Two: a port of ours, and that of the tunnel which sends to it. */
  readonly ends: readonly { readonly here: number; readonly tunnel: number }[];
}

const BUFFER_BYTES = 4_194_304;
/** What the router before a slow link holds. */
const QUEUE_MS = 100;

const setting = actorSetting() as DelaySetting;

answerQuestions({
  async open() {
    const [one, other] = setting.ends;
    if (one === undefined || other === undefined) throw new Error("a link has two ends");
    const [here, there] = [await bind(one.here), await bind(other.here)];
    carry(here, there, other.tunnel);
    carry(there, here, one.tunnel);
    return {};
  },
});

async function bind(port: number): Promise<Socket> {
  const socket = createSocket("udp4");
  socket.bind(port, "127.0.0.1");
  await once(socket, "listening");
  socket.setRecvBufferSize(BUFFER_BYTES);
  socket.setSendBufferSize(BUFFER_BYTES);
  socket.on("error", () => {
    // A tunnel that is not there yet, or has gone: its packets are lost.
  });
  return socket;
}

function carry(from: Socket, to: Socket, port: number): void {
  const queue = new PacketQueue({
    delayMs: setting.delayMs,
    loss: setting.lossPercent / 100,
    bytesPerMs: (setting.rateMbit * 1_000_000) / 8 / 1_000,
    queueMs: QUEUE_MS,
  });
  let isWaiting = false;
  const deliver = (): void => {
    const now = performance.now();
    for (let packet = queue.take(now); packet !== undefined; packet = queue.take(now))
      to.send(packet, port, "127.0.0.1");
    isWaiting = !queue.isEmpty;
    if (isWaiting) setTimeout(deliver, 1);
  };
  from.on("message", (packet) => {
    queue.push(packet, performance.now(), Math.random());
    if (isWaiting) return;
    isWaiting = true;
    setTimeout(deliver, 1);
  });
}
