/**
 * A child process with its costs: CPU seconds of itself and all its children as the shell's `time`
 * counts them, and the peak of its memory as the kernel keeps it (`VmHWM`). Linux with bash.
 *
 * @module
 */
import { spawn, type ChildProcess } from "node:child_process";
import { basename } from "node:path";
import process from "node:process";
import type { Readable } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";

import { endProgramsWith } from "./endings.ts";
import { cpuSecondsOf, memoryOf, treeOf } from "./proc.ts";

export interface Usage {
  readonly cpuSeconds: number;
  /** Largest resident memory; of processes that run together, the sum of their largest. */
  readonly peakBytes: number;
}

export interface ProcessOptions {
  /** What it reads from its standard input, which is empty otherwise. */
  readonly input?: string | undefined;
  /** Added to those of this process; `undefined` takes one away. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
}

export interface MeasuredProcess {
  /** Read at once or not at all: what nobody reads is dropped, so that no program waits for it. */
  readonly stdout: Readable;
  /** Rejects with the end of what the program wrote to stderr when it fails. */
  readonly ended: Promise<Usage>;
  /** Until all its own children have ended and are counted. */
  untilAlone(): Promise<void>;
  /** So far, of those of its processes that still run: for a program that does not end. */
  usage(): Usage;
  /** Memory that it and its children hold now. */
  residentBytes(): number;
  /**
   * SIGTERM to it and its children, SIGKILL to those that stay; {@link ended} then resolves
   * whatever its exit code.
   */
  stop(): void;
}

const SAMPLE_MS = 25;
const ALONE_MS = 5_000;
/** After SIGTERM. */
const LEAVE_MS = 3_000;
const STDERR_BYTES_MAX = 4_096;
const COMPLAINT_CHARACTERS_MAX = 400;
const CPU_PRECISION = "%3U %3S";
/** Descriptor 3 gets the costs, 2 stays the program's. */
const TIMED = `TIMEFORMAT="${CPU_PRECISION}"; { time "$@" 2>&4; } 4>&2 2>&3`;

/** The program and its arguments. */
export function startMeasured(
  command: readonly string[],
  options: ProcessOptions = {},
): MeasuredProcess {
  // A group of its own, which can be ended as a whole, and without the person's terminal.
  const shell = spawn("bash", ["-c", TIMED, "bash", ...command], {
    detached: true,
    stdio: ["pipe", "pipe", "pipe", "pipe"],
    env: { ...process.env, ...options.env },
  });
  RUNNING.add(shell);
  shell.stdin.on("error", () => {
    // It has ended without reading.
  });
  shell.stdin.end(options.input);
  shell.stdout.resume();
  const peaks = new Map<number, number>();
  const sample = (): void => samplePeaks(shell.pid, peaks);
  const timer = setInterval(sample, SAMPLE_MS);
  const costs = collect(shell.stdio[3] as Readable);
  const complaints = collect(shell.stderr);
  let stopped = false;
  let killing: NodeJS.Timeout | undefined;
  const ended = new Promise<Usage>((resolve, reject) => {
    const forget = (): void => {
      RUNNING.delete(shell);
      clearInterval(timer);
      clearTimeout(killing);
    };
    shell.on("error", (error) => {
      forget();
      reject(error);
    });
    // Whoever it left behind would keep its output open.
    shell.on("exit", () => killGroup(shell.pid));
    shell.on("close", (code) => {
      forget();
      const cpuSeconds = parseCosts(costs());
      if ((code === 0 || stopped) && cpuSeconds !== undefined)
        resolve({ cpuSeconds, peakBytes: sumOf(peaks.values()) });
      else reject(new Error(failureOf(command[0] ?? "", code, complaints())));
    });
  });
  // Whoever awaits it hears of it; until then it is nobody's unhandled rejection.
  ended.catch(() => {});
  return {
    stdout: shell.stdout,
    ended,
    async untilAlone() {
      const giveUp = performance.now() + ALONE_MS;
      while (programsOf(shell.pid).length > 1 && performance.now() < giveUp) await delay(5);
    },
    usage() {
      sample();
      const pids = programsOf(shell.pid);
      return { cpuSeconds: sumOf(pids.map(cpuSecondsOf)), peakBytes: sumOf(peaks.values()) };
    },
    residentBytes: () => sumOf(programsOf(shell.pid).map((pid) => memoryOf(pid, "VmRSS"))),
    stop() {
      // The number of a process that has ended may be another's by now.
      if (shell.pid === undefined || !RUNNING.has(shell)) return;
      stopped = true;
      const programs = programsOf(shell.pid);
      // It may not have started anything yet.
      for (const pid of programs.length > 0 ? programs : [shell.pid]) killSilently(pid, "SIGTERM");
      killing ??= setTimeout(() => killAll(shell.pid), LEAVE_MS);
    },
  };
}

/** What was added since `before`; the peak is that of all its time. */
export function usageSince(before: Usage, now: Usage): Usage {
  return { cpuSeconds: now.cpuSeconds - before.cpuSeconds, peakBytes: now.peakBytes };
}

export function sumOf(values: Iterable<number>): number {
  let sum = 0;
  for (const value of values) sum += value;
  return sum;
}

/** One line that may stand on a terminal, whatever the program wrote. */
function failureOf(program: string, code: number | null, complaints: string): string {
  const text = complaints.replaceAll(/\s+/g, " ").replaceAll(/\p{C}/gu, "?");
  const said = text.slice(-COMPLAINT_CHARACTERS_MAX).trim();
  return `${basename(program)} exited with ${code}${said === "" ? "" : `: ${said}`}`;
}

const RUNNING = new Set<ChildProcess>();
endProgramsWith(() => {
  for (const { pid } of RUNNING) {
    const programs = programsOf(pid);
    killGroup(pid);
    // Some, as sshd's, are in groups of their own.
    for (const each of programs) killSilently(each, "SIGKILL");
  }
});

/** The programs alone: the shell then still tells what they cost. */
function killAll(shell: number | undefined): void {
  const programs = programsOf(shell);
  if (programs.length === 0) killGroup(shell);
  for (const each of programs) killSilently(each, "SIGKILL");
}

function killGroup(shell: number | undefined): void {
  if (shell !== undefined) killSilently(-shell, "SIGKILL");
}

function killSilently(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended by itself.
  }
}

/** The last line of the form `user system`: bash may say before it which signal ended a program. */
function parseCosts(text: string): number | undefined {
  const match = /(\d+\.\d+) (\d+\.\d+)\s*$/.exec(text);
  return match === null ? undefined : Number(match[1]) + Number(match[2]);
}

function samplePeaks(pid: number | undefined, peaks: Map<number, number>): void {
  for (const each of programsOf(pid)) {
    const bytes = memoryOf(each, "VmHWM");
    if (bytes > 0) peaks.set(each, bytes);
  }
}

/** All but the shell that keeps the time. */
function programsOf(shell: number | undefined): number[] {
  return shell === undefined ? [] : treeOf(shell).slice(1);
}

/** Keeps the end of what a stream gives. */
function collect(stream: Readable): () => string {
  let text = "";
  stream.setEncoding("utf8");
  stream.on("data", (part: string) => {
    text = (text + part).slice(-STDERR_BYTES_MAX);
  });
  return () => text.trim();
}
