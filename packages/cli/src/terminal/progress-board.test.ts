import assert from "node:assert/strict";
import { test } from "node:test";
import { createProgressBoard } from "./progress-board.ts";
import { renderProgress } from "./progress-line.ts";
import { displayWidth } from "./width.ts";

const STATE = {
  label: "photo.raw",
  bytes: 1_922_000_000,
  total: 3_100_000_000,
  sessionKey: 3,
  keyAgeMs: 1_200,
  bytesPerSecond: 84_000_000,
};

function board(isTerminal: boolean, rows = 24) {
  const written: string[] = [];
  const clock = { now: 0 };
  const made = createProgressBoard({
    write: (text) => written.push(text),
    isTerminal,
    columns: () => 80,
    rows: () => rows,
    isTaken: () => false,
    now: () => clock.now,
  });
  return { board: made, written, clock };
}

function oneLine(isTerminal: boolean) {
  const { board: made, written, clock } = board(isTerminal);
  return { progress: made.open("a.bin"), written, clock };
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

test("renderProgress() of a folder says which of its files is on its way, and how far", () => {
  const file = { number: 17, count: 203, name: "IMG_4711.raw", bytes: 45, size: 100 };
  assert.equal(
    renderProgress({ ...STATE, label: "photos", file }, 120),
    "photos  ███████░░░░░   62%  1.9/3.1 GB  84 MB/s  0:14 left  17/203 IMG_4711.raw 45%  key 3, 1.2 s",
  );
  const wide = { ...file, name: "日本語".repeat(50) };
  for (let columns = 1; columns < 140; columns++) {
    const shown = renderProgress({ ...STATE, label: "photos", file: wide }, columns);
    assert.ok(displayWidth(shown) < Math.max(2, columns), shown);
  }
});

test("renderProgress() of a stream shows bytes and speed only", () => {
  const shown = renderProgress({ ...STATE, total: undefined }, 80);
  assert.equal(shown, "photo.raw  1.9 GB  84 MB/s  key 3, 1.2 s");
});

test("createProgressBoard() redraws in place at most ten times a second and clears its line", () => {
  const { progress, written, clock } = oneLine(true);
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

test("createProgressBoard() writes one plain line for each tenth when it is no terminal", () => {
  const { progress, written, clock } = oneLine(false);
  for (clock.now = 0; clock.now <= 1000; clock.now += 10)
    progress.update({ ...KEY, bytes: clock.now, total: 1000 });
  progress.clear();
  assert.equal(written.length, 10);
  assert.ok(written.every((text) => /^a\.bin: \d+% of 1\.0 KB, 1\.0 KB\/s, key 1\n$/.test(text)));
});

test("createProgressBoard() measures the speed of the last seconds", () => {
  const { progress, written, clock } = oneLine(true);
  let bytes = 0;
  for (clock.now = 0; clock.now <= 20_000; clock.now += 500) {
    progress.update({ ...KEY, bytes, total: 1e9 });
    bytes += clock.now < 10_000 ? 50_000_000 : 1_000_000;
  }
  assert.match(written.at(-1)!, / 2\.0 MB\/s /);
});

test("createProgressBoard() of an empty file divides by nothing", () => {
  const { progress, written } = oneLine(true);
  progress.update({ ...KEY, bytes: 0, total: 0 });
  assert.match(written[0]!, /100%/);
});

test("createProgressBoard() draws one line for each transfer and takes away the one that ended", () => {
  const { board: made, written, clock } = board(true);
  const lines = ["ann", "bob", "cy"].map((label) => made.open(label));
  for (const line of lines) {
    line.update({ ...KEY, bytes: 1, total: 2 });
    clock.now += 100;
  }
  const seen = (at: number): string => written[at]!.replaceAll("\u001b[", "^");
  assert.match(seen(1), /^\rann .*\^K\nbob .*\^K$/);
  assert.match(seen(2), /^\^1A\rann .*\^K\nbob .*\^K\ncy .*\^K$/);
  lines[1]!.clear();
  assert.equal(written[3], "\u001b[2A\r\u001b[J");
  lines[0]!.update({ ...KEY, bytes: 2, total: 2 });
  assert.match(written[4]!, /^\rann .*\ncy [^\n]*$/);
});

test("createProgressBoard() never draws more lines than the window has", () => {
  const { board: made, written, clock } = board(true, 4);
  for (let i = 0; i < 40; i++) {
    made.open(`receiver-${i}`).update({ ...KEY, bytes: 1, total: 2 });
    clock.now += 100;
  }
  for (const text of written) assert.ok(text.split("\n").length <= 3, text);
  assert.ok(written.at(-1)?.endsWith("\nand 38 more\u001b[K"));
});

test("createProgressBoard() writes whole lines for several transfers in a pipe", () => {
  const { board: made, written } = board(false);
  const [ann, bob] = [made.open("ann"), made.open("bob")];
  for (let bytes = 0; bytes <= 100; bytes += 50)
    for (const line of [ann, bob]) line.update({ ...KEY, bytes, total: 100 });
  assert.deepEqual(
    written.map((text) => text.replace(/ of.*\n$/, "")),
    ["ann: 50%", "bob: 50%", "ann: 100%", "bob: 100%"],
  );
});
