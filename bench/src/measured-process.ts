/**
 * A child process with its costs: CPU seconds of itself and all its children as the shell's `time`
 * counts them, and the peak of its memory as the kernel keeps it (`VmHWM`). Linux with bash.
 *
 * @module
 */
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import type { Readable } from "node:stream";

export interface Usage {
  readonly cpuSeconds: number;
  /** Largest resident memory; of processes that run together, the sum of their largest. */
  readonly peakBytes: number;
}

export interface MeasuredProcess {
  readonly stdout: Readable;
  /** Rejects with what the program wrote to stderr when it fails. */
  readonly ended: Promise<Usage>;
  /** SIGTERM to the program; {@link ended} then resolves whatever its exit code. */
  stop(): void;
}

const SAMPLE_MS = 25;
const STDERR_BYTES_MAX = 4_096;
const CPU_PRECISION = "%3U %3S";
/** Descriptor 3 gets the costs, 2 stays the program's. */
const TIMED = `TIMEFORMAT="${CPU_PRECISION}"; { time "$@" 2>&4; } 4>&2 2>&3`;

export function startMeasured(command: string, args: readonly string[]): MeasuredProcess {
  const shell = spawn("bash", ["-c", TIMED, "bash", command, ...args], {
    stdio: ["ignore", "pipe", "pipe", "pipe"],
  });
  const peaks = new Map<number, number>();
  const sample = () => samplePeaks(shell.pid, peaks);
  const timer = setInterval(sample, SAMPLE_MS);
  const costs = collect(shell.stdio[3] as Readable);
  const complaints = collect(shell.stderr as Readable);
  let stopped = false;
  const ended = new Promise<Usage>((resolve, reject) => {
    shell.on("error", reject);
    shell.on("close", (code) => {
      clearInterval(timer);
      const cpuSeconds = parseCosts(costs());
      if ((code === 0 || stopped) && cpuSeconds !== undefined)
        resolve({ cpuSeconds, peakBytes: sumOf(peaks.values()) });
      else reject(new Error(`${command} exited with ${code}: ${complaints()}`));
    });
  });
  // Whoever awaits it hears of it; until then it is nobody's unhandled rejection.
  ended.catch(() => {});
  return {
    stdout: shell.stdout as Readable,
    ended,
    stop() {
      stopped = true;
      for (const pid of childrenOf(shell.pid)) process.kill(pid, "SIGTERM");
    },
  };
}

function sumOf(values: Iterable<number>): number {
  let sum = 0;
  for (const value of values) sum += value;
  return sum;
}

/** The last line of the form `user system`: bash may say before it which signal ended a program. */
function parseCosts(text: string): number | undefined {
  const match = /(\d+\.\d+) (\d+\.\d+)\s*$/.exec(text);
  return match === null ? undefined : Number(match[1]) + Number(match[2]);
}

function samplePeaks(pid: number | undefined, peaks: Map<number, number>): void {
  for (const child of childrenOf(pid)) {
    const kilobytes = /^VmHWM:\s+(\d+) kB$/m.exec(readProc(`${child}/status`))?.[1];
    if (kilobytes !== undefined) peaks.set(child, Number(kilobytes) * 1_024);
    samplePeaks(child, peaks);
  }
}

function childrenOf(pid: number | undefined): number[] {
  if (pid === undefined) return [];
  return readProc(`${pid}/task/${pid}/children`).split(" ").filter(Boolean).map(Number);
}

/** Empty when the process has just gone. */
function readProc(path: string): string {
  try {
    return readFileSync(`/proc/${path}`, "utf8");
  } catch {
    return "";
  }
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
