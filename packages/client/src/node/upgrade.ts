/**
 * Opens one connection to a relay and upgrades it to raw bytes (docs/protocol.md 4). Node's HTTP
 * client speaks; nothing is parsed here.
 *
 * @module
 */
import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { PosternError } from "@postern/core/errors";
import { formatRelayAddress, type RelayAddress } from "@postern/core/identity";
import { HANDSHAKE_TIMEOUT_MS } from "@postern/core/limits";

// An import of `node:http` reads all its exports, and one of them loads 50 ms of WebSocket client.
const { request } = process.getBuiltinModule("node:http");

export interface Upgraded {
  readonly socket: Socket;
  /** Bytes that came right behind the answer. */
  readonly head: Uint8Array;
}

/** @throws {@link PosternError} `relay/unreachable`, `relay/not-a-relay`, `relay/overloaded` */
export function upgrade({ host, port }: RelayAddress, path: string): Promise<Upgraded> {
  const address = formatRelayAddress({ host, port });
  return new Promise((resolve, reject) => {
    const asking = request({
      host,
      port,
      path,
      agent: false,
      timeout: HANDSHAKE_TIMEOUT_MS,
      headers: { Connection: "Upgrade", Upgrade: "postern" },
    });
    asking.once("upgrade", (_answer, socket, head) => {
      socket.setTimeout(0);
      socket.setNoDelay(true);
      resolve({ socket, head });
    });
    asking.once("response", (answer) => {
      answer.destroy();
      reject(refusal(address, answer));
    });
    asking.once("timeout", () => asking.destroy(timedOut()));
    asking.once("error", (cause: NodeJS.ErrnoException) => reject(unreachable(address, cause)));
    asking.end();
  });
}

function refusal(address: string, answer: IncomingMessage): PosternError {
  const status = answer.statusCode ?? 0;
  return status === 503
    ? new PosternError("relay/overloaded", "the relay takes no more connections now", { address })
    : new PosternError("relay/not-a-relay", "no relay answers there", { address, status });
}

function unreachable(address: string, cause: NodeJS.ErrnoException): PosternError {
  // A server that answers something else than HTTP is no relay.
  const isReached = cause.code?.startsWith("HPE_") === true;
  return isReached
    ? new PosternError("relay/not-a-relay", "no relay answers there", { address }, { cause })
    : new PosternError(
        "relay/unreachable",
        "could not connect",
        { address, code: cause.code ?? "unknown" },
        { cause },
      );
}

function timedOut(): NodeJS.ErrnoException {
  return Object.assign(new Error("no answer"), { code: "ETIMEDOUT" });
}
