/**
 * Brings a tree of files to the disk. A hundred thousand cannot be flushed one by one: on Linux all
 * of their file system is flushed by one call, syncfs(2), of which the command `sync -f` says how
 * it went. Elsewhere, and where the command is missing or knows no `-f`, each file is.
 *
 * Invariant: when it resolves, everything that was written in the tree before survives a loss of
 * power, as far as the system tells the truth.
 *
 * @module
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { open, readdir } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { PosternError } from "@postern/core/errors";
import { syncDirectory } from "./publish.ts";

/** @throws an error of the system, or {@link PosternError} `store/no-space`, `store/failed`. */
export async function syncTree(directory: string, command = SYNC_COMMAND): Promise<void> {
  if (command !== undefined && (await syncFileSystem(directory, command))) return;
  await syncEach(directory);
}

const SYNC_COMMAND = process.platform === "linux" ? "sync" : undefined;
/** What it says of what went wrong is short. */
const STDERR_LENGTH_MAX = 4_096;

/** False: there is no such command here. */
async function syncFileSystem(directory: string, command: string): Promise<boolean> {
  // The directory's name is no argument: others may see those.
  const child = spawn(command, ["-f", "."], {
    cwd: directory,
    env: { PATH: process.env["PATH"], LC_ALL: "C" },
    stdio: ["ignore", "ignore", "pipe"],
  });
  let said = "";
  child.stderr.setEncoding("latin1").on("data", (text: string) => {
    said = (said + text).slice(0, STDERR_LENGTH_MAX);
  });
  try {
    const [code] = (await once(child, "close")) as [number | null];
    if (code === 0) return true;
  } catch {
    return false;
  }
  if (/option|usage/iu.test(said)) return false;
  const isFull = /no space|quota/iu.test(said);
  throw new PosternError(isFull ? "store/no-space" : "store/failed", "cannot flush the disk");
}

/** Files of one directory that are flushed at once: more than a disk does at a time. */
const AT_ONCE = 16;

async function syncEach(directory: string): Promise<void> {
  const entries = await readdir(directory, { withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  for (let at = 0; at < files.length; at += AT_ONCE) {
    const some = files.slice(at, at + AT_ONCE);
    await Promise.all(some.map(({ name }) => syncFile(join(directory, name))));
  }
  for (const entry of entries) if (entry.isDirectory()) await syncEach(join(directory, entry.name));
  await syncDirectory(directory);
}

async function syncFile(path: string): Promise<void> {
  // Windows flushes only what is open for writing.
  const handle = await open(path, process.platform === "win32" ? "r+" : "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
