/** Writes to sockets whose memory is wanted back. @module */
import type { Socket } from "node:net";

/**
 * True when the system has copied all of `bytes`: their memory is free again. Else `onLeft` is
 * called when it is; with an error the socket broke, and it is not called. A callback for every
 * write would cost a turn of the event loop's queues each time, also where nothing is waited for.
 */
export function writeToSocket(socket: Socket, bytes: Uint8Array, onLeft?: () => void): boolean {
  socket.write(bytes);
  if (socket.writableLength === 0) return true;
  if (onLeft !== undefined)
    // Writes end in their order; this one has nothing to send.
    socket.write(NOTHING, (error) => {
      if (!(error instanceof Error)) onLeft();
    });
  return false;
}

const NOTHING = new Uint8Array(0);
