import assert from "node:assert/strict";
import { test } from "node:test";
import { HTTP_HEADERS_BYTES_MAX } from "@postern/core/limits";
import { person, rawConnection, TestLink, type Port } from "./test-client.ts";
import { testRelay } from "./test-relay.ts";
import { closed } from "./within.ts";

/** All that comes back for raw request bytes. */
async function answer(relay: Port, request: string): Promise<string> {
  const socket = await rawConnection(relay);
  const chunks: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => chunks.push(chunk));
  socket.on("end", () => socket.end());
  socket.write(request);
  await closed(socket, "the connection of a request");
  return Buffer.concat(chunks).toString("latin1");
}

const UPGRADE = "Connection: Upgrade\r\nUpgrade: postern\r\n\r\n";

test("the relay answers what is no upgrade with 426 and other paths with 404", async (t) => {
  const relay = await testRelay(t);
  const statusOf = async (request: string): Promise<string | undefined> =>
    (await answer(relay, request)).split(" ")[1];
  const ticket = "A".repeat(43);
  const cases: [string, string][] = [
    ["GET /link HTTP/1.1\r\nHost: x\r\n\r\n", "426"],
    [`GET /pipe/${ticket} HTTP/1.1\r\nHost: x\r\n\r\n`, "426"],
    ["GET / HTTP/1.1\r\nHost: x\r\n\r\n", "404"],
    ["GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", "404"],
    [`GET /pipe/${ticket} HTTP/1.1\r\nHost: x\r\n${UPGRADE}`, "404"],
    [`GET /pipe/${ticket}A HTTP/1.1\r\nHost: x\r\n${UPGRADE}`, "404"],
    [`GET /pipe/../link HTTP/1.1\r\nHost: x\r\n${UPGRADE}`, "404"],
    [`GET /link?x HTTP/1.1\r\nHost: x\r\n${UPGRADE}`, "404"],
    [`POST /link HTTP/1.1\r\nHost: x\r\n${UPGRADE}`, "426"],
    ["GET /link HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n", "426"],
  ];
  for (const [request, status] of cases) assert.equal(await statusOf(request), status, request);
});

test("the relay answers bad HTTP and oversized headers with silence (R-10)", async (t) => {
  const relay = await testRelay(t);
  for (const request of [
    "\0\0\0\0\r\n\r\n",
    "GET /link HTTP/9.9\r\n\r\n",
    `GET /link HTTP/1.1\r\nHost: x\r\nX: ${"y".repeat(HTTP_HEADERS_BYTES_MAX)}\r\n${UPGRADE}`,
    `GET /link HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n${UPGRADE}`,
    // Of no host: what an answer would be compared with is too short.
    "GET / HTTP/1.1\r\n\r\n",
    "GET /link HTTP/1.0\r\n\r\n",
  ])
    assert.equal(await answer(relay, request), "", JSON.stringify(request.slice(0, 60)));
});

test("the relay's answers are short, and repeat nothing they were asked (R-10)", async (t) => {
  const relay = await testRelay(t);
  for (const request of [
    "GET / HTTP/1.1\r\nHost:a\r\n\r\n",
    "GET /link HTTP/1.1\r\nHost:a\r\n\r\n",
    "PUT / HTTP/1.1\r\nHost:a\r\nContent-Length:9\r\nExpect:100-continue\r\n\r\n",
    "PUT / HTTP/1.1\r\nHost:a\r\nExpect:echo-me\r\n\r\n",
    "GET /echo-me HTTP/1.1\r\nHost: echo-me\r\nX: echo-me\r\n\r\n",
  ]) {
    const text = await answer(relay, request);
    assert(text.length > 0 && text.length < 3 * request.length, `${text.length} bytes`);
    assert(!text.includes("echo-me"));
    assert.match(text, /^HTTP\/1\.1 4(04|26) [^0-9]*$/, request);
  }
});

test("a forwarded address is not believed (R-05)", async (t) => {
  const relay = await testRelay(t, { handshakes: { handshakesPerAddressMax: 2 } });
  const open = [await rawConnection(relay), await rawConnection(relay)];
  const forged = `GET /link HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 10.0.0.1\r\n${UPGRADE}`;
  assert.match(await answer(relay, forged), /^HTTP\/1\.1 503 /);
  for (const socket of open) socket.destroy();
});

test("one byte at a time is as good as all at once (P-01)", async (t) => {
  const relay = await testRelay(t);
  const link = await TestLink.connect(relay, person("alice"));
  const write = link.socket.write.bind(link.socket);
  link.socket.write = (bytes: Uint8Array) => {
    for (const byte of bytes) write(Uint8Array.of(byte));
    return true;
  };
  link.send({ kind: "find", request: 1, name: "alice" });
  assert.equal((await link.frame("found")).status, "busy");
  await link.close();
});
