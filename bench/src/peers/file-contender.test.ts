import assert from "node:assert/strict";
import { cp, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { test, type TestContext } from "node:test";

import { hashOnlyEntry } from "../measure/payload.ts";
import {
  figuresOf,
  FILE_COLUMNS,
  sending,
  type FileContender,
  type Payload,
  type Task,
} from "./file-contender.ts";

const usage = (each: number) => ({ cpuSeconds: each, peakBytes: each * 2 ** 20 });
const RUN = { wallMs: 2_000, sender: usage(1), receiver: usage(3) };

test("figuresOf() gives costs for each GiB, whatever the size", () => {
  const figures = figuresOf({ ...RUN, relay: usage(2), transferMs: 500 }, 2 ** 28);
  assert.deepEqual(figures, {
    wallS: 2,
    rate: 128,
    transferS: 0.5,
    transferRate: 512,
    cpuSender: 4,
    cpuRelay: 8,
    cpuReceiver: 12,
    cpu: 24,
    peakSender: 1,
    peakRelay: 2,
    peakReceiver: 3,
  });
  const keys = FILE_COLUMNS.map(({ key }) => key);
  assert.deepEqual(keys.toSorted(), Object.keys(figures).toSorted());
});

test("figuresOf() leaves out what a program has not", () => {
  const figures = figuresOf(RUN, 2 ** 30);
  assert.equal(figures["cpu"], 4);
  for (const key of ["cpuRelay", "peakRelay", "transferS", "transferRate"])
    assert.ok(!(key in figures), key);
});

test("figuresOf() has no memory of a program that was too short to be looked at", () => {
  const sender = { cpuSeconds: 1, peakBytes: 0 };
  const figures = figuresOf({ ...RUN, sender }, 2 ** 30);
  assert.ok(!("peakSender" in figures));
  assert.equal(figures["peakReceiver"], 3);
});

test("sending() lets each carry something small first, which does not count", async (t) => {
  for (const isFolder of [false, true]) {
    const payload = await makePayload(t, isFolder);
    const tasks: Task[] = [];
    const contender = sending(payload, copying(tasks));
    await contender.prepare(join(payload.folder, "own"));
    assert.equal(tasks.length, 1);
    assert.notEqual(tasks[0]?.path, payload.path);
    assert.ok((tasks[0]?.withinMs ?? Infinity) <= 60_000);
    assert.equal((await contender.run())["wallS"], 2);
    assert.equal(tasks[1]?.path, payload.path);
  }
});

test("sending() knows of a program that does not carry before anything is measured", async (t) => {
  const payload = await makePayload(t, false);
  const run = async ({ outputFolder }: Task) => {
    await writeFile(join(outputFolder, "output"), "something else");
    return RUN;
  };
  const contender = sending(payload, { ...copying([]), run });
  await assert.rejects(
    contender.prepare(join(payload.folder, "own")),
    /what arrived is not what was sent/,
  );
});

function copying(tasks: Task[]): FileContender {
  return {
    name: "copy",
    what: "",
    prepare: async () => {},
    async run(task) {
      tasks.push(task);
      await cp(task.path, join(task.outputFolder, basename(task.path)), { recursive: true });
      return RUN;
    },
  };
}

async function makePayload(t: TestContext, isFolder: boolean): Promise<Payload> {
  const folder = await mkdtemp(join(tmpdir(), "postern-bench-test-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const [place, path] = [join(folder, "payload"), join(folder, "payload", "sent")];
  await mkdir(isFolder ? path : place, { recursive: true });
  await mkdir(join(folder, "own"));
  await writeFile(isFolder ? join(path, "inner") : path, "content");
  return { path, bytes: 7, folder, digest: await hashOnlyEntry(place) };
}
