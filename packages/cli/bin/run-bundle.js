/**
 * Runs the bundle with the code that V8 kept of it when it was rehearsed (tools/rehearsal.ts): that
 * holds every function that a transfer needs. Node's compile cache holds a module as it is before
 * it runs, when hardly a function of it is compiled.
 *
 * V8 takes only code of its own version, made under its own flags, for a text of the same length;
 * but that it runs as it is. So the file begins with the SHA-256 of the text and of the code: what
 * was damaged since is not used. A chunk that has none, as those of rare commands, is an ordinary
 * module, and Node's cache does what it can.
 */
"use strict";
const { hash } = require("node:crypto");
const { closeSync, existsSync, openSync, readSync } = require("node:fs");
const { Script } = require("node:vm");

const MAIN = "./main.cjs";
/** Of the text, and behind it of the code. */
const DIGEST_BYTES = 32;
/** One for all files: to use a page of memory for the first time takes longer than to fill it. */
let buffer = Buffer.allocUnsafeSlow(1_310_720);

module.exports = { digestOf, runBundle, runChunks, scriptOf };

function runBundle(folder) {
  runChunks(folder, (file) => keptBody(file) ?? ordinaryBody(file));
}

/** @param {(file: string) => Function} bodyOf a chunk's code, a function of what each module has */
function runChunks(folder, bodyOf) {
  const chunks = new Map();
  const requireChunk = (id) => {
    if (!id.startsWith("./")) return require(id);
    const known = chunks.get(id);
    if (known !== undefined) return known.exports;
    const chunk = { exports: {} };
    chunks.set(id, chunk);
    const file = `${folder}/${id.slice(2)}`;
    bodyOf(file)(chunk.exports, requireChunk, chunk, file, folder);
    return chunk.exports;
  };
  requireChunk(MAIN);
}

function keptBody(file) {
  if (!existsSync(`${file}.code`)) return undefined;
  const script = scriptOf(file);
  return script.cachedDataRejected === false ? script.runInThisContext() : undefined;
}

function ordinaryBody(file) {
  require("node:module").enableCompileCache();
  return require(file);
}

/** A chunk's text is ASCII (tools/bundle.ts). V8 is done with the kept code when this returns. */
function scriptOf(filename) {
  const bytes = readInto(filename);
  const text = bytes.latin1Slice();
  return new Script(text, { filename, cachedData: keptCode(filename, digestOf(bytes)) });
}

function keptCode(filename, textDigest) {
  try {
    const kept = readInto(`${filename}.code`);
    const code = kept.subarray(2 * DIGEST_BYTES);
    const digests = Buffer.concat([textDigest, digestOf(code)]);
    return digests.equals(kept.subarray(0, 2 * DIGEST_BYTES)) ? code : undefined;
  } catch {
    return undefined;
  }
}

function digestOf(bytes) {
  return hash("sha256", bytes, "buffer");
}

/** What it returns holds until the next call. */
function readInto(path) {
  const file = openSync(path);
  try {
    for (let length = 0; ;) {
      const read = readSync(file, buffer, length, buffer.length - length, null);
      length += read;
      if (read === 0) return buffer.subarray(0, length);
      if (length === buffer.length) buffer = Buffer.concat([buffer, Buffer.alloc(length)]);
    }
  } finally {
    closeSync(file);
  }
}
