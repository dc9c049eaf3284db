import assert from "node:assert/strict";
import { test } from "node:test";

import { alternate } from "./alternate.ts";
import type { Contender, Figures } from "./bench-case.ts";

test("alternate() gives every contender its turn before the next round", async () => {
  const { seen, make } = stage();
  const { results } = await alternate([make("a"), make("b")], turns(3));
  assert.deepEqual(seen, [
    "prepare a",
    "prepare b",
    "a",
    "b",
    "a",
    "b",
    "a",
    "b",
    "close a",
    "close b",
  ]);
  assert.deepEqual(
    results.map(({ name, runs }) => [name, runs.length]),
    [
      ["a", 3],
      ["b", 3],
    ],
  );
});

test("alternate() names who is not there and goes on without it", async () => {
  const { seen, make } = stage();
  const away = { ...make("away"), absence: () => "not installed" };
  const broken = { ...make("broken"), prepare: async () => Promise.reject(new Error("no key")) };
  const outcome = await alternate([away, broken, make("c")], turns(1));
  assert.deepEqual(outcome.absent, [
    { name: "away", why: "not installed" },
    { name: "broken", why: "no key" },
  ]);
  assert.deepEqual(seen, ["close broken", "prepare c", "c", "close c"]);
  assert.deepEqual(outcome.failed, []);
});

test("alternate() takes it for a failure when Postern itself cannot be prepared", async () => {
  const prepare = async (): Promise<void> => Promise.reject(new Error("no home"));
  const { absent, failed } = await alternate(
    [{ ...stage().make("postern symmetric"), prepare }],
    turns(1),
  );
  assert.deepEqual(absent, []);
  assert.deepEqual(failed, [{ name: "postern symmetric", why: "no home" }]);
});

test("alternate() keeps what a contender gave before it failed, and asks it no more", async () => {
  const { seen, make } = stage();
  const failing = make("f", (turn) => {
    if (turn === 2) throw new Error("out of breath");
  });
  const outcome = await alternate([failing, make("g")], turns(3));
  assert.deepEqual(outcome.failed, [{ name: "f", why: "out of breath" }]);
  assert.deepEqual(
    outcome.results.map(({ name, runs }) => [name, runs.length]),
    [
      ["f", 1],
      ["g", 3],
    ],
  );
  assert.equal(seen.filter((each) => each === "f").length, 2);
});

test("alternate() closes everybody when it is broken off", async () => {
  const { seen, make } = stage();
  const stopping = {
    ...turns(1),
    say: () => {
      throw new Error("stop");
    },
  };
  await assert.rejects(alternate([make("a"), make("b")], stopping), /stop/);
  assert.deepEqual(seen.slice(-2), ["close a", "close b"]);
});

function turns(runs: number): Parameters<typeof alternate>[1] {
  return { runs, makeFolder: async () => "folder", say: () => {} };
}

function stage(): {
  readonly seen: string[];
  readonly make: (name: string, onRun?: (turn: number) => void) => Contender;
} {
  const seen: string[] = [];
  return {
    seen,
    make(name, onRun) {
      let turn = 0;
      return {
        name,
        what: "",
        prepare: async () => void seen.push(`prepare ${name}`),
        async run(): Promise<Figures> {
          seen.push(name);
          onRun?.(++turn);
          return { value: 1 };
        },
        close: async () => void seen.push(`close ${name}`),
      };
    },
  };
}
