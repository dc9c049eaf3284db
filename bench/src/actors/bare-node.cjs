/**
 * What any program on Node.js costs that does what Postern does with a file, and nothing else: a
 * sender that seals records, a relay that copies, a receiver that opens and writes them. No key
 * exchange, no receipt, nothing flushed, one fixed key. Plain JavaScript: types would have to be
 * stripped at each start.
 *
 *     bare-node.cjs receive PORT FILE | relay PORT TO_PORT | send FILE PORT
 */
"use strict";
const { createCipheriv, createDecipheriv } = require("node:crypto");
const { openSync, readSync, writeSync } = require("node:fs");
const { connect, createServer, Socket } = require("node:net");

const RECORD_BYTES = 1_048_576;
const TAG_BYTES = 16;
const PIECE_BYTES = 262_144;
const RELAY_BYTES = 524_288;
const KEY = Buffer.alloc(32, 7);
const HOST = "127.0.0.1";

// The C library keeps freed memory from now on (packages/client/src/node/record-cipher.ts).
new ArrayBuffer(4 * RECORD_BYTES).transfer(0);
const [role, first, second] = process.argv.slice(2);
if (role === "receive") receive(Number(first), second);
else if (role === "relay") relay(Number(first), Number(second));
else send(first, Number(second));

function send(path, port) {
  const file = openSync(path);
  const plaintext = Buffer.alloc(RECORD_BYTES);
  const record = Buffer.alloc(RECORD_BYTES + TAG_BYTES);
  const socket = connect(port, HOST, () => sendNext(0));
  const sendNext = (number) => {
    for (;;) {
      const count = readSync(file, plaintext, 0, RECORD_BYTES, number * RECORD_BYTES);
      if (count === 0) return socket.end();
      const cipher = createCipheriv("aes-256-gcm", KEY, nonceOf(number));
      transform(cipher, plaintext.subarray(0, count), record);
      cipher.final();
      record.set(cipher.getAuthTag(), count);
      number += 1;
      socket.write(record.subarray(0, count + TAG_BYTES));
      if (socket.writableLength > 0) return socket.write("", () => sendNext(number));
    }
  };
}

function relay(port, toPort) {
  acceptOne(port, (accepted) => {
    const out = connect(toPort, HOST, () => {
      const source = readInto(accepted, Buffer.alloc(RELAY_BYTES), (count, buffer) => {
        out.write(buffer.subarray(0, count));
        if (out.writableLength === 0) return true;
        out.write("", () => source.resume());
        return false;
      });
      source.on("end", () => out.end());
    });
  });
}

function receive(port, path) {
  acceptOne(port, (accepted) => {
    const file = openSync(path, "w");
    const record = Buffer.alloc(RECORD_BYTES + TAG_BYTES);
    const plaintext = Buffer.alloc(RECORD_BYTES);
    let filled = 0;
    let number = 0;
    const store = () => {
      const length = filled - TAG_BYTES;
      const decipher = createDecipheriv("aes-256-gcm", KEY, nonceOf(number++));
      decipher.setAuthTag(record.subarray(length, filled));
      transform(decipher, record.subarray(0, length), plaintext);
      decipher.final();
      writeSync(file, plaintext, 0, length);
      filled = 0;
    };
    const rest = () => record.subarray(filled);
    const source = readInto(accepted, rest, (count) => {
      filled += count;
      if (filled === record.length) store();
      return true;
    });
    source.on("end", () => {
      if (filled > 0) store();
      source.end();
    });
  });
}

/** In pieces that stay in the cache, each freed before the next. */
function transform(cipher, input, output) {
  for (let at = 0; at < input.length; at += PIECE_BYTES) {
    const piece = cipher.update(input.subarray(at, at + PIECE_BYTES));
    output.set(piece, at);
    piece.buffer.transfer(0);
  }
}

function acceptOne(port, use) {
  const server = createServer({ pauseOnConnect: true }, (socket) => {
    server.close();
    use(socket);
  });
  server.listen(port, HOST);
}

/** As `@postern/node` does: the handle moves to a socket that reads into our own memory. */
function readInto(accepted, buffer, callback) {
  const handle = Reflect.get(accepted, "_handle");
  Reflect.set(accepted, "_handle", null);
  const socket = new Socket({ handle, onread: { buffer, callback } });
  socket.resume();
  return socket;
}

function nonceOf(number) {
  const nonce = Buffer.alloc(12);
  nonce.writeUInt32BE(number);
  return nonce;
}
