import assert from "node:assert/strict";
import { test } from "node:test";
import { createProgressLine, renderProgress } from "./progress-line.ts";
import { displayWidth } from "./width.ts";

const STATE = {
  label: "photo.raw",
  bytes: 1_922_000_000,
  total: 3_100_000_000,
  sessionKey: 3,
  keyAgeMs: 1_200,
  bytesPerSecond: 84_000_000,
};

function line(isTerminal: boolean): {
  progress: ReturnType<typeof createProgressLine>;
  written: string[];
  clock: { now: number };
} {
  const written: string[] = [];
  const clock = { now: 0 };
  const progress = createProgressLine({
    label: "a.bin",
    write: (text) => written.push(text),
    isTerminal,
    columns: () => 80,
    now: () => clock.now,
  });
  return { progress, written, clock };
}

const KEY = { sessionKey: 1, keyAgeMs: 0 };

test("renderProgress() shows share, sizes, speed, time left and the age of the session key", () => {
  assert.equal(
    renderProgress(STATE, 100),
    "photo.raw  ███████░░░░░   62%  1.9/3.1 GB  84 MB/s  0:14 left  key 3, 1.2 s",
  );
});

test("T-03 renderProgress() fits every width, whatever the name", () => {
  for (const label of ["photo.raw", "日本語".repeat(100), "x".repeat(500), ""])
    for (let columns = 1; columns < 140; columns++)
      assert.ok(displayWidth(renderProgress({ ...STATE, label }, columns)) < Math.max(2, columns));
});

test("renderProgress() of a stream shows bytes and speed only", () => {
  const shown = renderProgress({ ...STATE, total: undefined }, 80);
  assert.equal(shown, "photo.raw  1.9 GB  84 MB/s  key 3, 1.2 s");
});

test("createProgressLine() redraws in place at most ten times a second and clears its line", () => {
  const { progress, written, clock } = line(true);
  for (clock.now = 0; clock.now < 1000; clock.now += 10)
    progress.update({ ...KEY, bytes: clock.now, total: 1000 });
  progress.clear();
  progress.clear();
  assert.equal(written.length, 11);
  assert.equal(written.at(-1), "\r\u001b[K");
  assert.ok(
    written
      .slice(0, -1)
      .every((text) => text.startsWith("\r") && text.endsWith("\u001b[K") && !text.includes("\n")),
  );
});

test("createProgressLine() writes one plain line for each tenth when it is no terminal", () => {
  const { progress, written, clock } = line(false);
  for (clock.now = 0; clock.now <= 1000; clock.now += 10)
    progress.update({ ...KEY, bytes: clock.now, total: 1000 });
  progress.clear();
  assert.equal(written.length, 10);
  assert.ok(written.every((text) => /^a\.bin: \d+% of 1\.0 KB, 1\.0 KB\/s, key 1\n$/.test(text)));
});

test("createProgressLine() measures the speed of the last seconds", () => {
  const { progress, written, clock } = line(true);
  let bytes = 0;
  for (clock.now = 0; clock.now <= 20_000; clock.now += 500) {
    progress.update({ ...KEY, bytes, total: 1e9 });
    bytes += clock.now < 10_000 ? 50_000_000 : 1_000_000;
  }
  assert.match(written.at(-1)!, / 2\.0 MB\/s /);
});

test("createProgressLine() of an empty file divides by nothing", () => {
  const { progress, written } = line(true);
  progress.update({ ...KEY, bytes: 0, total: 0 });
  assert.match(written[0]!, /100%/);
});
