import assert from "node:assert/strict";
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { test, type TestContext } from "node:test";
import { relayLogger } from "./log.ts";

/** A disk with room for so many bytes; what is on it. */
function disk(t: TestContext, room: number): { room: number; readonly text: () => string } {
  const parts: Buffer[] = [];
  const state = { room, text: () => Buffer.concat(parts).toString() };
  t.mock.method(fs, "writeSync", (_fd: number, bytes: Buffer, from = 0) => {
    if (state.room === 0) throw Object.assign(new Error("full"), { code: "ENOSPC" });
    const part = bytes.subarray(from, from + state.room);
    parts.push(Buffer.from(part));
    state.room -= part.length;
    return part.length;
  });
  syncBuiltinESMExports();
  t.after(() => {
    t.mock.restoreAll();
    syncBuiltinESMExports();
  });
  return state;
}

function messagesOf(text: string): string[] {
  const lines = text.split("\n").filter((line) => line.endsWith("}"));
  return lines.map((line) => String(JSON.parse(line).msg));
}

test("relayLogger() loses lines while the disk is full, and goes on when there is room", (t) => {
  const full = disk(t, 0);
  const log = relayLogger("info");
  for (let line = 0; line < 1_000; line++) log.info("lost");
  full.room = 1e6;
  log.info("room again");
  assert.deepEqual(messagesOf(full.text()), ["room again"]);
});

test("relayLogger() begins a new line behind one that the disk took half of", (t) => {
  const almostFull = disk(t, 70);
  const log = relayLogger("info");
  for (const text of ["first", "torn", "lost"]) log.info(text);
  almostFull.room = 1e6;
  log.info("room again");
  assert.deepEqual(messagesOf(almostFull.text()), ["first", "room again"]);
});
