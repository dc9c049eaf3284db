/**
 * A file of many times the memory that three programs take for it: sparse here, written out there,
 * gone on with after its receiver was killed. POSTERN_TEST_LONG=1 takes 20 GiB, for which there
 * must be room.
 */
import assert from "node:assert/strict";
import { open, readFile, stat, truncate } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { eventually } from "./large-file.ts";
import { MIB } from "./payloads.ts";
import type { Program } from "./program.ts";
import { FILE, ResumedPair } from "./resumed-pair.ts";

const IS_LONG = process.env["POSTERN_TEST_LONG"] === "1";
const BYTES = (IS_LONG ? 20_480 : 1_536) * MIB;
/** What a program holds at any size. */
const MEMORY_MAX = 320 * MIB;
/** What it may take more in the second half of the way than in the first. */
const GROWTH_MAX = 48 * MIB;
/** Here stand bytes; all else is holes. */
const MARKS = [0, 1, BYTES / 3, BYTES / 2, 2 ** 31, 2 ** 32, BYTES - 7]
  .map((at) => Math.floor(at))
  .filter((at) => at < BYTES - 6);

const ONLY_LINUX = process.platform === "linux" ? {} : { skip: "memory is read from /proc" };

test(
  `${BYTES / MIB} MiB of holes at flat memory, killed in the middle`,
  { timeout: 1_500_000, ...ONLY_LINUX },
  async (t) => {
    const pair = await ResumedPair.open(t, { bytes: 0 });
    await truncate(pair.path, BYTES);
    await writeMarks(pair.path);
    await pair.bobWaits();
    pair.startAnn();
    const peaks = new Peaks(() => [pair.ann, pair.bob, pair.relay.program]);
    await peaks.until(async () => (await pair.arrived()) >= 0.3 * BYTES);
    const early = peaks.take();
    await pair.bob?.kill("SIGKILL");
    pair.startBob();
    await peaks.until(async () => (await pair.arrived()) >= 0.6 * BYTES);
    // Of a program that has just begun this says little.
    peaks.take();
    await peaks.until(() => pair.ann?.isRunning === false);
    const late = peaks.take();
    assert.deepEqual(await pair.ann?.ended(), { code: 0, signal: null }, pair.said());

    const stored = join(pair.inbox, FILE);
    assert.equal((await stat(stored)).size, BYTES);
    assert.deepEqual(await marksOf(stored), await marksOf(pair.path));
    assert.ok(pair.annWire.pipeBytes < 1.1 * BYTES);
    for (const [i, who] of ["sender", "receiver", "relay"].entries()) {
      const [before = 0, after = 0] = [early[i], late[i]];
      t.diagnostic(`${who}: ${Math.round(before / MIB)} MiB, later ${Math.round(after / MIB)} MiB`);
      assert.ok(after < MEMORY_MAX, `${who} took ${after / MIB} MiB`);
      assert.ok(after < before + GROWTH_MAX, `${who} grew from ${before} to ${after}`);
    }
  },
);

/** The most memory that each program was seen with. */
class Peaks {
  readonly #programs: () => readonly (Program | undefined)[];
  #peaks = [0, 0, 0];

  constructor(programs: () => readonly (Program | undefined)[]) {
    this.#programs = programs;
  }

  async until(isSo: () => boolean | Promise<boolean>): Promise<void> {
    await eventually(
      "that far",
      async () => {
        await this.#look();
        await wait(50);
        return await isSo();
      },
      1_200_000,
    );
  }

  /** And begins anew. */
  take(): readonly number[] {
    const peaks = this.#peaks;
    this.#peaks = [0, 0, 0];
    return peaks;
  }

  async #look(): Promise<void> {
    for (const [i, program] of this.#programs().entries())
      this.#peaks[i] = Math.max(this.#peaks[i] ?? 0, await residentBytes(program?.pid));
  }
}

async function residentBytes(pid: number | undefined): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "latin1").catch(() => "");
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1_024;
}

async function writeMarks(path: string): Promise<void> {
  const file = await open(path, "r+");
  for (const at of MARKS) await file.write(`mark ${MARKS.indexOf(at)}`, at);
  await file.close();
}

/** With what stands around each. */
async function marksOf(path: string): Promise<readonly string[]> {
  const file = await open(path, "r");
  const found: string[] = [];
  for (const at of MARKS) {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(64), 0, 64, Math.max(0, at - 20));
    found.push(buffer.subarray(0, bytesRead).toString("hex"));
  }
  await file.close();
  return found;
}
