/**
 * Runs the bundle with the code that V8 kept of it when it was rehearsed (tools/rehearsal.ts): that
 * holds every function that a transfer needs. Node's compile cache holds a module as it is before
 * it runs, when hardly a function of it is compiled.
 *
 * V8 takes only code of its own version, made under its own flags. A chunk that has none, as those
 * of rare commands, is an ordinary module, and Node's cache does what it can.
 */
"use strict";
const { closeSync, openSync, readSync } = require("node:fs");
const { Script } = require("node:vm");

const MAIN = "./main.cjs";
/** One for all files: to use a page of memory for the first time takes longer than to fill it. */
let buffer = Buffer.allocUnsafeSlow(1_310_720);

module.exports = { runBundle, runChunks, scriptOf };

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
  const script = scriptOf(file);
  return script.cachedDataRejected === false ? script.runInThisContext() : undefined;
}

function ordinaryBody(file) {
  require("node:module").enableCompileCache();
  return require(file);
}

/** A chunk's text is ASCII (tools/bundle.ts). V8 is done with the kept code when this returns. */
function scriptOf(filename) {
  const text = readInto(filename).latin1Slice();
  return new Script(text, { filename, cachedData: keptCode(filename) });
}

function keptCode(filename) {
  try {
    return readInto(`${filename}.code`);
  } catch {
    return undefined;
  }
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
