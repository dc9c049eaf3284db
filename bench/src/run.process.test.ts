import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, symlink } from "node:fs/promises";
import { platform, tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";

import type { Report } from "./report/report.ts";

const skip = platform() === "linux" ? false : "costs are read from /proc";
const RUN = join(import.meta.dirname, "run.ts");
const COMMAND = join(import.meta.dirname, "../../packages/cli/bin/postern.js");

test(
  "a benchmark measures Postern and names who is absent, in text and JSON",
  { skip },
  async (t) => {
    const folder = await mkdtemp(join(tmpdir(), "postern-bench-test-"));
    t.after(() => rm(folder, { recursive: true, force: true }));
    const json = join(folder, "figures.json");
    const only = ["--only", "symmetric,socat,croc", "--profile", "symmetric"];
    const size = ["--size", "1M", "--runs", "2"];
    // Nobody else's program is in the search path.
    const env = {
      PATH: await pathWith(folder, "bash"),
      TMPDIR: folder,
      HOME: join(folder, "home"),
    };
    const { status, stdout, stderr } = bench(
      ["--case", "file", ...only, ...size, "--json", json],
      env,
    );
    assert.equal(status, 0, stderr);
    const [file] = (JSON.parse(await readFile(json, "utf8")) as Report).cases;
    assert.deepEqual(
      file?.results.map(({ name, runs }) => [name, runs.length]),
      [["postern symmetric", 2]],
    );
    const [run = {}] = file.results[0]?.runs ?? [];
    for (const key of ["wallS", "transferS", "cpuSender", "cpuRelay", "peakReceiver"])
      assert.ok((run[key] ?? 0) > 0, `${key} ${run[key]}`);
    assert.ok(stdout.includes("| postern symmetric |"), stdout);
    assert.ok(stdout.includes("- socat relay: absent, socat is not installed"), stdout);
    assert.ok(stdout.includes("- croc: absent, it is not installed"), stdout);
    const left = (await readdir(folder)).filter((name) => name.startsWith("postern-bench"));
    assert.deepEqual(left, []);
    // The person's own identities are none of its business.
    assert.equal(existsSync(env.HOME), false);
  },
);

test("a benchmark that measured nothing says so", { skip }, () => {
  const { status, stderr } = bench(["--case", "connects", "--only", "socat", "--json", "-"]);
  assert.equal(status, 1);
  assert.match(stderr, /nothing was measured/);
});

test(
  "a benchmark that is broken off leaves no program and no file",
  { skip, timeout: 300_000 },
  async (t) => {
    const folder = await mkdtemp(join(tmpdir(), "postern-bench-test-"));
    t.after(() => rm(folder, { recursive: true, force: true }));
    for (const [program, signal] of [
      [[RUN], "SIGHUP"],
      // A signal that reaches the command alone.
      [[COMMAND, "bench"], "SIGTERM"],
    ] as const) {
      const args = [...program, "--case", "cold-start", "--only", "postern", "--runs", "100"];
      const child = spawn(process.execPath, args, {
        env: { ...process.env, TMPDIR: folder },
        stdio: ["ignore", "ignore", "pipe"],
      });
      let said = "";
      child.stderr.setEncoding("utf8").on("data", (part: string) => (said += part));
      while (!said.includes("1/100")) await once(child.stderr, "data");
      const exited = once(child, "exit");
      child.kill(signal);
      await exited;
      const left = (await readdir(folder)).filter((name) => name.startsWith("postern-bench"));
      assert.deepEqual(left, [], signal);
      assert.deepEqual(await programsWith(folder), [], signal);
    }
  },
);

/** Command lines that still run and name this folder. */
async function programsWith(folder: string): Promise<string[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const lines = await Promise.all(
    pids.map(async (pid) => await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")),
  );
  return lines.filter((line) => line.includes(folder));
}

test("a benchmark drives real links at a relay", { skip }, () => {
  const args = ["--case", "connects,relay-messages", "--quick", "--runs", "1", "--json", "-"];
  const { status, stdout, stderr } = bench(args);
  assert.equal(status, 0, stderr);
  const { cases } = JSON.parse(stdout) as Report;
  const keys = [
    ["rate", "firstRate", "relayMs", "clientMs"],
    ["rate", "relayUs", "generatorUs", "relayPeak"],
  ];
  for (const [at, { results }] of cases.entries())
    for (const key of keys[at] ?? []) {
      const value = results[0]?.runs[0]?.[key] ?? 0;
      assert.ok(value > 0, `${key} ${value}`);
    }
  assert.equal(cases.length, keys.length);
});

test("a benchmark explains itself when it is asked to", { skip }, () => {
  const { status, stdout } = bench(["--help"]);
  assert.equal(status, 0);
  assert.match(stdout, /--relay/);
});

test("a benchmark does not start with arguments that it does not know", { skip }, () => {
  for (const args of [
    ["--size", "x"],
    ["--case", "nothing"],
    ["--json", "/nowhere/figures.json"],
    ["--json", tmpdir()],
  ]) {
    const { status, stderr } = bench(args);
    assert.equal(status, 2);
    assert.match(stderr, /npm run bench/);
  }
});

/** A search path with this program alone. */
async function pathWith(folder: string, program: string): Promise<string> {
  const programs = join(folder, "programs");
  await mkdir(programs);
  await symlink(`/bin/${program}`, join(programs, program));
  return programs;
}

function bench(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): { readonly status: number | null; readonly stdout: string; readonly stderr: string } {
  const options = { encoding: "utf8", env: { ...process.env, ...env } } as const;
  return spawnSync(process.execPath, [RUN, ...args], options);
}
