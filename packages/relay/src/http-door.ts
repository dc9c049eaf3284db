/**
 * The relay's one port: HTTP/1.1 that is left at once for a link or a pipe (docs/protocol.md 4).
 *
 * Invariants: nothing a client sent is repeated; a request that is slow, large or has a body ends;
 * answers are shorter than three times the shortest request.
 *
 * @module
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { HTTP_HEADERS_TIMEOUT_MS, HTTP_HEADERS_BYTES_MAX } from "@postern/core/limits";
import type { HandshakeSlots } from "./handshake-slots.ts";

export interface DoorHandlers {
  /** `head` came along with the request. */
  onLink(socket: Socket, head: Uint8Array): void;
  onPipe(socket: Socket, head: Uint8Array, ticket: Uint8Array): void;
}

export type Refusal = 404 | 426 | 503;

const REASONS = { 404: "Not Found", 426: "Upgrade Required", 503: "Service Unavailable" } as const;

/** What both sides leave HTTP with. */
export const SWITCHING =
  "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: postern\r\n\r\n";

export function createDoor(slots: HandshakeSlots, handlers: DoorHandlers): Server {
  const server = createServer({
    maxHeaderSize: HTTP_HEADERS_BYTES_MAX,
    headersTimeout: HTTP_HEADERS_TIMEOUT_MS,
    requestTimeout: HTTP_HEADERS_TIMEOUT_MS,
    connectionsCheckingInterval: 1_000,
    // Node.js would answer in words; here such a request is bad HTTP.
    requireHostHeader: false,
    noDelay: true,
  });
  server.on("connection", (socket) => {
    if (slots.take(socket) === "full") socket.destroy();
  });
  const onRequest = (request: IncomingMessage, response: ServerResponse): void => {
    if (request.headers.host === undefined) request.socket.destroy();
    else answerRequest(slots, request, response);
  };
  // What is expected makes no difference: the body is not wanted.
  for (const event of ["request", "checkContinue", "checkExpectation"]) server.on(event, onRequest);
  server.on("upgrade", (request, stream, head) => {
    admit(slots, request, stream, head, handlers);
  });
  // Bad HTTP and timeouts: gone without a word.
  server.on("clientError", (_error, stream) => stream.destroy());
  return server;
}

/** Answers with a bare status and closes. */
export function refuse(socket: Duplex, status: Refusal): void {
  socket.on("error", () => socket.destroy());
  socket.end(statusLine(status));
  if (socket instanceof Socket) socket.destroySoon();
}

function admit(
  slots: HandshakeSlots,
  request: IncomingMessage,
  stream: Duplex,
  head: Uint8Array,
  handlers: DoorHandlers,
): void {
  // A request with a body gets a wrapped stream; nobody of ours sends one.
  if (!(stream instanceof Socket)) {
    stream.destroy();
    return;
  }
  const target = targetOf(request);
  if (target === undefined) refuse(stream, 404);
  else if (!isOurs(request)) refuse(stream, 426);
  else if (!slots.isFree(stream)) refuse(stream, 503);
  else if (target === "link") handlers.onLink(stream, head);
  else handlers.onPipe(stream, head, target);
}

const TICKET = /^\/pipe\/([A-Za-z0-9_-]{43})$/;

/** `link`, a ticket, or `undefined` for any other path. */
function targetOf({ url = "" }: IncomingMessage): "link" | Uint8Array | undefined {
  if (url === "/link") return "link";
  const text = TICKET.exec(url)?.[1];
  if (text === undefined) return undefined;
  const ticket = Buffer.from(text, "base64url");
  // 43 characters hold 258 bits: only one spelling of each ticket counts.
  return ticket.toString("base64url") === text ? new Uint8Array(ticket) : undefined;
}

function isOurs({ method, headers }: IncomingMessage): boolean {
  return method === "GET" && headers.upgrade?.toLowerCase() === "postern";
}

function answerRequest(
  slots: HandshakeSlots,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const { socket } = request;
  const status = targetOf(request) === undefined ? 404 : slots.isFree(socket) ? 426 : 503;
  response.sendDate = false;
  response.statusMessage = REASONS[status];
  response.removeHeader("content-length");
  response.removeHeader("transfer-encoding");
  const headers = status === 426 ? { connection: "close", upgrade: "postern" } : CLOSE;
  response.writeHead(status, headers).end();
}

const CLOSE = { connection: "close" };

function statusLine(status: Refusal): string {
  const upgrade = status === 426 ? "Upgrade: postern\r\n" : "";
  return `HTTP/1.1 ${status} ${REASONS[status]}\r\n${upgrade}Connection: close\r\n\r\n`;
}
