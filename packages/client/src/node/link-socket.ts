/** A link's bytes over a TCP socket. docs/protocol.md 4. @module */
import process from "node:process";
import { PosternError } from "@postern/core/errors";
import type { RelayAddress } from "@postern/core/identity";
import type { LinkSocket, LinkSocketEvents } from "../ports.ts";
import { upgrade } from "./upgrade.ts";

/** @throws {@link PosternError} `relay/unreachable`, `relay/not-a-relay`, `relay/overloaded` */
export async function openLinkSocket(
  address: RelayAddress,
  events: LinkSocketEvents,
): Promise<LinkSocket> {
  const { socket, head } = await upgrade(address, "/link");
  let failure: Error | undefined;
  socket.on("data", (bytes: Buffer) => events.onBytes(bytes));
  socket.on("error", (error) => (failure = error));
  socket.once("close", () => events.onClose(failure && linkClosed(failure)));
  // A relay never speaks first, but nothing that came early may get lost.
  if (head.length > 0) socket.unshift(head);
  return {
    write: (bytes) => void socket.write(bytes),
    soon: (call) => process.nextTick(call),
    close: () => socket.destroySoon(),
  };
}

function linkClosed(cause: Error): PosternError {
  return new PosternError("link/closed", "the connection to the relay broke", {}, { cause });
}
