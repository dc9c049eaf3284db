import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { test } from "node:test";
import { interruptsOf } from "./interrupts.ts";

class FakeProcess extends EventEmitter {
  readonly exits: number[] = [];
  exit(code: number): void {
    this.exits.push(code);
  }
}

test("interruptsOf() aborts at the first Ctrl-C and exits at the second", () => {
  const source = new FakeProcess();
  let now = 0;
  const watched = interruptsOf(source, () => now).watch();
  assert.equal(watched.exitCode, undefined);
  source.emit("SIGINT");
  assert.ok(watched.signal.aborted);
  assert.equal(watched.exitCode, 130);
  assert.deepEqual(source.exits, []);
  // The same key press, passed on by npx.
  now = 20;
  source.emit("SIGINT");
  assert.deepEqual(source.exits, []);
  now = 400;
  source.emit("SIGINT");
  assert.deepEqual(source.exits, [130]);
});

test("interruptsOf() keeps the code of the first signal: SIGTERM is 143", () => {
  const source = new FakeProcess();
  const watched = interruptsOf(source, () => 0).watch();
  source.emit("SIGTERM");
  assert.equal(watched.exitCode, 143);
});

test("interruptsOf() leaves signals alone after stop()", () => {
  const source = new FakeProcess();
  const watched = interruptsOf(source, () => 0).watch();
  watched.stop();
  source.emit("SIGINT");
  assert.ok(!watched.signal.aborted);
  assert.equal(source.listenerCount("SIGINT"), 0);
});
