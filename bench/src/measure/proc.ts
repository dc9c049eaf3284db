/**
 * What the kernel tells of a running process: its children, CPU time and memory. Everything is
 * empty or zero for a process that has just gone.
 *
 * @module
 */
import { readdirSync, readFileSync } from "node:fs";

const KIB = 1_024;
const NANOSECONDS = 1e9;
/** `USER_HZ`: 100 on every Linux of today. */
const TICKS = 100;

/** The process and all below it. */
export function treeOf(pid: number): number[] {
  return [pid, ...childrenOf(pid).flatMap((child) => treeOf(child))];
}

function childrenOf(pid: number): number[] {
  return threadsOf(pid).flatMap((thread) =>
    readProc(`${pid}/task/${thread}/children`).split(" ").filter(Boolean).map(Number),
  );
}

/** CPU seconds of all its threads that still run; of processes that have ended, none. */
export function cpuSecondsOf(pid: number): number {
  let nanoseconds = 0;
  for (const thread of threadsOf(pid))
    nanoseconds += Number(readProc(`${pid}/task/${thread}/schedstat`).split(" ")[0] ?? 0);
  return nanoseconds > 0 ? nanoseconds / NANOSECONDS : ticksOf(pid);
}

/** Resident now (`VmRSS`), or the largest so far (`VmHWM`). */
export function memoryOf(pid: number, figure: "VmRSS" | "VmHWM"): number {
  const row = new RegExp(`^${figure}:\\s+(\\d+) kB$`, "m").exec(readProc(`${pid}/status`));
  return Number(row?.[1] ?? 0) * KIB;
}

/** Hundredths of seconds, for kernels that keep nothing finer. */
function ticksOf(pid: number): number {
  // The program's name stands in parentheses and may hold anything.
  const [user = 0, system = 0] = readProc(`${pid}/stat`)
    .replace(/^.*\) /s, "")
    .split(" ")
    .slice(11);
  return (Number(user) + Number(system)) / TICKS;
}

function threadsOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch {
    return [];
  }
}

function readProc(path: string): string {
  try {
    return readFileSync(`/proc/${path}`, "utf8");
  } catch {
    return "";
  }
}
