/**
 * Many seeds, on as many threads as the machine has: a run depends on its seed alone, so it does
 * not matter where it runs.
 *
 * @module
 */
import { availableParallelism } from "node:os";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import type { SimProfile } from "./cast.ts";
import { simulate } from "./simulate.ts";

export interface Seeds {
  readonly from: number;
  readonly count: number;
  readonly profile: SimProfile;
}

export interface Sweep {
  /** By seed. */
  readonly violations: ReadonlyMap<number, string>;
  /** How many transfers ended in which way, for both sides. */
  readonly endings: ReadonlyMap<string, number>;
}

/** Fewer seeds are done before another thread has started. */
const SEEDS_PER_THREAD_MIN = 50;

export async function sweep({ from, count, profile }: Seeds): Promise<Sweep> {
  const threads = Math.min(availableParallelism(), Math.ceil(count / SEEDS_PER_THREAD_MIN));
  const share = Math.ceil(count / Math.max(1, threads));
  const parts: Promise<Sweep>[] = [];
  for (let done = share; done < count; done += share)
    parts.push(
      sweepElsewhere({ from: from + done, count: Math.min(share, count - done), profile }),
    );
  parts.unshift(sweepHere({ from, count: Math.min(share, count), profile }));
  return joined(await Promise.all(parts));
}

async function sweepHere({ from, count, profile }: Seeds): Promise<Sweep> {
  const violations = new Map<number, string>();
  const endings = new Map<string, number>();
  for (let seed = from; seed < from + count; seed++) {
    const run = await simulate(seed, { profile });
    if (run.violation !== undefined) violations.set(seed, run.violation);
    addUp(endings, run.endings);
  }
  return { violations, endings };
}

function sweepElsewhere(seeds: Seeds): Promise<Sweep> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL(import.meta.url), { workerData: seeds });
    worker.once("message", resolve);
    worker.once("error", reject);
  });
}

function joined(parts: readonly Sweep[]): Sweep {
  const endings = new Map<string, number>();
  for (const part of parts) addUp(endings, part.endings);
  return { violations: new Map(parts.flatMap(({ violations }) => [...violations])), endings };
}

function addUp(sum: Map<string, number>, part: ReadonlyMap<string, number>): void {
  for (const [ending, times] of part) sum.set(ending, (sum.get(ending) ?? 0) + times);
}

if (!isMainThread) parentPort?.postMessage(await sweepHere(workerData as Seeds), []);
