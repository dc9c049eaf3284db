/** A link's bytes over a TCP socket. docs/protocol.md 4. @module */
import process from "node:process";
import { PosternError } from "@postern/core/errors";
import type { RelayAddress } from "@postern/core/identity";
import { LINK_READ_BYTES } from "@postern/core/limits";
import { readInto } from "@postern/node";
import type { LinkSocket, LinkSocketEvents } from "../ports.ts";
import { upgrade } from "./upgrade.ts";

/** One for all links: a link has opened or copied what is there before the next read. */
const READ_BUFFER = new Uint8Array(LINK_READ_BYTES);

/** @throws {@link PosternError} `relay/unreachable`, `relay/not-a-relay`, `relay/overloaded` */
export async function openLinkSocket(
  address: RelayAddress,
  events: LinkSocketEvents,
): Promise<LinkSocket> {
  const upgraded = await upgrade(address, "/link");
  const { socket } = readInto(upgraded.socket, upgraded.head, {
    buffer: () => READ_BUFFER,
    onBytes(count, buffer) {
      events.onBytes(buffer.subarray(0, count));
      return true;
    },
    onEnd: () => socket.destroySoon(),
    onClose: (error) => events.onClose(error && linkClosed(error)),
  });
  return {
    write: (bytes) => void socket.write(bytes),
    soon: (call) => process.nextTick(call),
    close: () => socket.destroySoon(),
  };
}

function linkClosed(cause: Error): PosternError {
  return new PosternError("link/closed", "the connection to the relay broke", {}, { cause });
}
