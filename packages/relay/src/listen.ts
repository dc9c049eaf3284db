import type { Server } from "node:http";
import { PosternError } from "@postern/core/errors";

/** Connections that the system keeps waiting before they are accepted. */
const BACKLOG = 1_024;

/**
 * Binds the port and returns it.
 *
 * @throws {@link PosternError} `relay/port-in-use`, `relay/cannot-listen`.
 */
export async function listen(server: Server, host: string, port: number): Promise<number> {
  const listening = Promise.withResolvers<void>();
  const onError = (error: Error): void => listening.reject(asListenError(error, host, port));
  server.once("error", onError);
  server.listen({ host, port, backlog: BACKLOG }, () => listening.resolve());
  await listening.promise;
  server.off("error", onError);
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : port;
}

/** Resolves when every connection of the server has closed. */
export function stopListening(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}

function asListenError(error: Error, host: string, port: number): PosternError {
  const reason = "code" in error ? String(error.code) : "";
  const details = { host, port, reason };
  return reason === "EADDRINUSE"
    ? new PosternError("relay/port-in-use", "the port is in use", details, { cause: error })
    : new PosternError("relay/cannot-listen", "cannot listen", details, { cause: error });
}
