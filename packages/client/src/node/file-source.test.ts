import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import {
  appendFile,
  mkdir,
  rename,
  rm,
  symlink,
  truncate,
  utimes,
  writeFile,
} from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { PosternError } from "@postern/core/errors";
import { hasCode } from "../../test/has-code.ts";
import { scratch } from "../../test/scratch.ts";
import { fileSource } from "./file-source.ts";
import { PromptCalls } from "./prompt-calls.ts";

/** Long before now, so that any write changes it. */
const LONG_AGO = new Date(1_600_000_000_000);
const CONTENT = "0123456789";

test("fileSource() reads a file at any offset and says what it is", async (t) => {
  const source = await fileSource(await file(t, "note.txt"));
  assert.deepEqual(source.info, { kind: "file", name: "note.txt", size: 10 });
  const into = new Uint8Array(4);
  for (const [offset, text] of [
    [0, "0123"],
    [8, "89"],
    [2, "2345"],
    [10, ""],
    [99, ""],
  ] as const) {
    const length = await source.read(into, offset);
    assert.equal(Buffer.from(into.subarray(0, length)).toString(), text);
  }
  source.verified(10);
  await source.close();
  await source.close();
  await assert.rejects(source.read(into, 0), hasCode("usage/wrong-state"));
});

test("fileSource() sends an empty file", async (t) => {
  const path = join(await scratch(t), "empty");
  await writeFile(path, "");
  const source = await fileSource(path);
  assert.equal(await source.read(new Uint8Array(1), 0), 0);
  await source.close();
});

test("fileSource() follows the caller's own link and takes its name", async (t) => {
  const path = await file(t, "target.bin");
  const link = join(path, "..", "link.txt");
  await symlink(path, link);
  const source = await fileSource(link);
  assert.deepEqual(source.info, { kind: "file", name: "link.txt", size: 10 });
  await source.close();
});

test("fileSource() refuses what is no regular file, without a hang (F-05)", async (t) => {
  const directory = await scratch(t);
  const fifo = join(directory, "fifo");
  execFileSync("mkfifo", [fifo]);
  const link = join(directory, "link");
  await symlink(fifo, link);
  const socket = join(directory, "socket");
  const server = createServer().listen(socket);
  t.after(() => server.close());
  await once(server, "listening");
  for (const [path, kind] of [
    [directory, "directory"],
    [fifo, "FIFO"],
    [link, "FIFO"],
    ["/dev/null", "device"],
    [socket, "socket"],
  ] as const)
    await assert.rejects(fileSource(path), (error: unknown) => {
      assert.ok(error instanceof PosternError);
      assert.equal(error.code, "transfer/source-unreadable");
      assert.equal(error.details["kind"], kind);
      return true;
    });
});

test("F-01 fileSource() refuses a name that every receiver would take for an attack", async (t) => {
  const directory = await scratch(t);
  for (const name of ["a\\b", "C:x"]) {
    await writeFile(join(directory, name), "x");
    await assert.rejects(fileSource(join(directory, name)), (error: unknown) => {
      assert.ok(error instanceof PosternError);
      assert.equal(error.code, "transfer/source-unreadable");
      assert.equal(error.details["reason"], "name");
      return true;
    });
  }
});

test("fileSource() says why a file cannot be opened", async (t) => {
  await assert.rejects(fileSource(join(await scratch(t), "none")), (error: unknown) => {
    assert.ok(error instanceof PosternError);
    assert.equal(error.code, "transfer/source-unreadable");
    assert.equal(error.details["errno"], "ENOENT");
    return true;
  });
});

test("fileSource() notices every change of the file (F-13)", async (t) => {
  const changes: Record<string, (path: string) => Promise<void>> = {
    shrinks: (path) => truncate(path, 5),
    grows: (path) => appendFile(path, "x"),
    "is written to": (path) => writeFile(path, "9876543210"),
    "shrinks with its time kept": async (path) => {
      await truncate(path, 5);
      await utimes(path, LONG_AGO, LONG_AGO);
    },
  };
  for (const [name, change] of Object.entries(changes)) {
    const path = await file(t, "note.txt");
    const source = await fileSource(path);
    await source.read(new Uint8Array(4), 0);
    await change(path);
    const changed = hasCode("transfer/source-changed");
    await assert.rejects(source.read(new Uint8Array(4), 4), changed, name);
    await assert.rejects(source.close(), changed, name);
  }
});

test("fileSource() notices a change after the last read when it is closed (F-13)", async (t) => {
  const path = await file(t, "note.txt");
  const source = await fileSource(path);
  assert.equal(await source.read(new Uint8Array(10), 0), 10);
  await appendFile(path, "x");
  await assert.rejects(source.close(), hasCode("transfer/source-changed"));
});

test("fileSource() keeps to its file when its name is given away (F-06, F-13)", async (t) => {
  const path = await file(t, "note.txt");
  const source = await fileSource(path);
  const other = `${path}.new`;
  await writeFile(other, "ABCDEFGHIJ");
  await rename(other, path);
  await rm(path);
  const into = new Uint8Array(10);
  assert.equal(await source.read(into, 0), 10);
  assert.equal(Buffer.from(into).toString(), CONTENT);
  await source.close();
});

test("fileSource() does not send a file that says 0 bytes as empty (F-13)", async (t) => {
  if (process.platform !== "linux") return t.skip("no /proc");
  const source = await fileSource("/proc/version");
  await assert.rejects(source.read(new Uint8Array(8), 0), hasCode("transfer/source-changed"));
  await assert.rejects(source.close(), hasCode("transfer/source-changed"));
});

const twoCores = () => new PromptCalls({ cores: 2, now: () => 0 });

test("fileSource() reads at once what is prompt, but for the end", async (t) => {
  const source = await fileSource(await file(t, "note.txt"), twoCores());
  const into = new Uint8Array(4);
  assert.equal(source.readNow?.(into, 2), 4);
  assert.equal(Buffer.from(into).toString(), "2345");
  assert.equal(source.readNow?.(into, 6), undefined);
  await source.close();
  assert.equal(source.readNow?.(into, 2), undefined);
});

test("fileSource() leaves it to read() where there are cores for a pool", async (t) => {
  const calls = new PromptCalls({ cores: 4 });
  const source = await fileSource(await file(t, "note.txt"), calls);
  assert.equal(source.readNow?.(new Uint8Array(4), 0), undefined);
  await source.close();
});

test("fileSource() notices a change also when it reads at once (F-13)", async (t) => {
  for (const change of [
    (path: string) => truncate(path, 2),
    (path: string) => writeFile(path, "9876543210"),
  ]) {
    const path = await file(t, "note.txt");
    const source = await fileSource(path, twoCores());
    await change(path);
    const changed = hasCode("transfer/source-changed");
    assert.throws(() => source.readNow?.(new Uint8Array(4), 3), changed);
    await assert.rejects(source.close(), changed);
  }
});

async function file(t: TestContext, name: string): Promise<string> {
  const directory = join(await scratch(t), "sub");
  await mkdir(directory);
  const path = join(directory, name);
  await writeFile(path, CONTENT);
  await utimes(path, LONG_AGO, LONG_AGO);
  return path;
}
