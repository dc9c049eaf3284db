import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import * as fs from "node:fs/promises";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import { test, type TestContext } from "node:test";
import { PosternError } from "@postern/core/errors";
import { MANIFEST_DEPTH_MAX } from "@postern/core/limits";
import { decodeManifest, type ManifestEntry } from "@postern/core/transfer";
import { hasCode } from "../../test/has-code.ts";
import { scratch } from "../../test/scratch.ts";
import { directorySource, type DirectorySource } from "./directory-source.ts";

/** Long before now, so that any write changes it. */
const LONG_AGO = new Date(1_600_000_000_000);
const IS_ROOT = process.getuid?.() === 0;
const NOBODY = 65_534;

test("directorySource() is a manifest and the files behind it", async (t) => {
  const folder = await tree(t, { "a.txt": "A", "sub/b.txt": "BB", "sub/deep/c": "", "z.txt": "Z" });
  await fs.mkdir(join(folder, "empty"));
  await fs.chmod(join(folder, "a.txt"), 0o4750);
  const source = await directorySource([folder]);
  const { list, rest } = await contentOf(source);
  assert.deepEqual(paths(list), [
    "top",
    "top/a.txt",
    "top/empty",
    "top/sub",
    "top/z.txt",
    "top/sub/b.txt",
    "top/sub/deep",
    "top/sub/deep/c",
  ]);
  assert.equal(rest, "AZBB");
  assert.equal(source.info.name, "top");
  assert.deepEqual(list, source.manifest.entries);
  const a = list[1];
  assert.ok(a?.kind === "file");
  assert.equal(a.mode, 0o750, "F-07: no set-user-id");
  assert.equal(a.modifiedMs, LONG_AGO.getTime());
  assert.deepEqual([source.skipped, source.renamed], [[], []]);
  await source.close();
});

test("directorySource() gives the same bytes again, at any offset and in any pieces", async (t) => {
  const big = "0123456789".repeat(20_000);
  const files = { a: "A", big, c: "", d: "small", "e/f": "F", "e/g": "", "e/h": big };
  const folder = await tree(t, files);
  const source = await directorySource([folder]);
  const whole = await allOf(source, 1_048_576);
  assert.equal(whole.length, source.info.size);
  for (const pieces of [4_096, 70_001]) assert.deepEqual(await allOf(source, pieces), whole);
  for (const offset of [whole.length - 3, 0, 9, source.info.manifest?.bytes ?? 0, 150_000, 2_000]) {
    const into = new Uint8Array(100_000);
    const count = await source.read(into, offset);
    assert.deepEqual(Buffer.from(into.subarray(0, count)), whole.subarray(offset, offset + count));
    assert.equal(count, Math.min(into.length, whole.length - offset));
  }
  await source.close();
  const again = await directorySource([folder]);
  assert.deepEqual(await allOf(again, 65_536), whole);
  await again.close();
  await assert.rejects(again.read(new Uint8Array(1), 0), hasCode("usage/wrong-state"));
});

test("directorySource() ends, whatever lies at the border of two reads", async (t) => {
  const folder = await tree(t, { a: "", b: "12", c: "", d: "", e: "3", f: "" });
  const source = await directorySource([folder]);
  const whole = await allOf(source, 1_048_576);
  for (let pieces = 1; pieces <= whole.length; pieces++)
    assert.deepEqual(await allOf(source, pieces), whole, `${pieces}`);
  for (let offset = 0; offset <= whole.length; offset++) {
    const into = new Uint8Array(3);
    const count = await source.read(into, offset);
    assert.deepEqual(Buffer.from(into.subarray(0, count)), whole.subarray(offset, offset + 3));
  }
  await source.close();
});

test("directorySource() tells several paths of one name apart", async (t) => {
  const [one, two] = [await tree(t, { x: "1" }), await tree(t, { x: "2" })];
  const file = join(await scratch(t), "TOP");
  await fs.writeFile(file, "3");
  const source = await directorySource([one, two, file]);
  const { list, rest } = await contentOf(source);
  assert.deepEqual(paths(list), ["top", "top/x", "top (1)", "top (1)/x", "TOP (2)"]);
  assert.equal(rest, "123");
  assert.equal(source.info.name, "top + 2");
  assert.deepEqual(source.renamed, [
    { path: two, as: "top (1)" },
    { path: file, as: "TOP (2)" },
  ]);
  await source.close();
});

test("directorySource() sends an empty folder, and no folder at all is refused", async (t) => {
  const source = await directorySource([await tree(t, {})]);
  const { list, rest } = await contentOf(source);
  assert.deepEqual([paths(list), rest], [["top"], ""]);
  await source.close();
  await assert.rejects(directorySource([]), hasCode("usage/invalid-argument"));
  const none = join(await scratch(t), "none");
  await assert.rejects(directorySource([none]), hasCode("transfer/source-unreadable"));
  await assert.rejects(directorySource(["/dev/null"]), hasCode("transfer/source-unreadable"));
});

test("directorySource() skips links and says so; the caller's own it follows", async (t) => {
  const folder = await tree(t, { file: "x" });
  await fs.symlink("file", join(folder, "inside"));
  await fs.symlink("/etc/passwd", join(folder, "outside"));
  const link = `${folder}-link`;
  await fs.symlink(folder, link);
  const source = await directorySource([link]);
  assert.deepEqual(paths(source.manifest.entries), ["top-link", "top-link/file"]);
  assert.deepEqual(source.skipped, [
    { path: join(link, "inside"), why: "link" },
    { path: join(link, "outside"), why: "link" },
  ]);
  await source.close();
});

test("F-07 directorySource() keeps links that stay inside, and follows none", async (t) => {
  const folder = await tree(t, { file: "x", "sub/deep/y": "y" });
  const links = {
    "sub/up": "../file",
    "sub/dot": ".//deep/",
    "sub/root": "..",
    dangling: "nothing",
    out: "../top/file",
    absolute: join(folder, "file"),
    "sub/deep/through": "../../sub/../../x",
    "sub/deep/out": "../../../x",
  };
  for (const [name, target] of Object.entries(links)) await fs.symlink(target, join(folder, name));
  const source = await directorySource([folder], { links: "keep" });
  const kept = source.manifest.entries.flatMap((entry) =>
    entry.kind === "link" ? [[entry.path, entry.target]] : [],
  );
  assert.deepEqual(kept, [
    ["top/dangling", "nothing"],
    ["top/sub/dot", "deep"],
    ["top/sub/root", ".."],
    ["top/sub/up", "../file"],
  ]);
  const left = ["absolute", "out", "sub/deep/out", "sub/deep/through"];
  assert.deepEqual(
    source.skipped,
    left.map((name) => ({ path: join(folder, name), why: "link" })),
  );
  await source.close();
});

test("F-05 directorySource() skips sockets, FIFOs and devices, without a hang", async (t) => {
  const folder = await tree(t, { file: "x" });
  execFileSync("mkfifo", [join(folder, "fifo")]);
  const server = createServer().listen(join(folder, "socket"));
  t.after(() => server.close());
  await once(server, "listening");
  const source = await directorySource([folder]);
  assert.deepEqual(paths(source.manifest.entries), ["top", "top/file"]);
  assert.deepEqual(source.skipped, [
    { path: join(folder, "fifo"), why: "FIFO" },
    { path: join(folder, "socket"), why: "socket" },
  ]);
  await source.close();
});

test("directorySource() skips what it may not read", async (t) => {
  const folder = await tree(t, { closed: "x", "sub/y": "y", open: "z" });
  await fs.chmod(dirname(folder), 0o755);
  await fs.chmod(join(folder, "closed"), 0o000);
  await fs.chmod(join(folder, "sub"), 0o000);
  // Root may read everything; that a file is closed to it, it cannot be shown.
  if (IS_ROOT) process.seteuid?.(NOBODY);
  const source = await directorySource([folder]).finally(() => {
    if (IS_ROOT) process.seteuid?.(0);
  });
  await fs.chmod(join(folder, "sub"), 0o700);
  const { rest } = await contentOf(source);
  assert.equal(rest, IS_ROOT ? "xz" : "z");
  assert.deepEqual(
    source.skipped,
    (IS_ROOT ? ["sub"] : ["closed", "sub"]).map((name) => ({
      path: join(folder, name),
      why: "unreadable",
    })),
  );
  await source.close();
});

test("F-01 F-03 directorySource() skips names that are paths elsewhere or no text", async (t) => {
  const folder = await tree(t, { "..\\x": "1", "C:x": "2", "ok: fine?": "3", "\u001b[2J": "4" });
  const raw = Buffer.concat([Buffer.from(`${folder}/`), Buffer.from([0x66, 0xff, 0xfe])]);
  await fs.writeFile(raw, "5");
  const source = await directorySource([folder]);
  const { list, rest } = await contentOf(source);
  assert.deepEqual(paths(list), ["top", "top/\u001b[2J", "top/ok: fine?"]);
  assert.equal(rest, "43");
  assert.deepEqual(
    source.skipped.map(({ why }) => why),
    ["name", "name", "name"],
  );
  await source.close();
});

test("F-04 directorySource() gives twins by case or normalization other names", async (t) => {
  const twins = { A: "1", a: "2", "caf\u00e9": "3", "cafe\u0301": "4", "sub/x": "5", "SUB/X": "6" };
  const folder = await tree(t, twins);
  const source = await directorySource([folder]);
  const { list, rest } = await contentOf(source);
  assert.equal(rest.length, 6);
  assert.deepEqual(
    source.renamed.map(({ as }) => as),
    ["a (1)", "caf\u00e9 (1)", "sub (1)"],
  );
  assert.ok(paths(list).includes("top/SUB/X") && paths(list).includes("top/sub (1)/x"));
  await source.close();
});

test("F-03 directorySource() leaves out what lies 300 levels deep, and says so", async (t) => {
  const folder = await tree(t, { "a/x": "kept" });
  let deep = join(folder, "a");
  for (let level = 0; level < 300; level++) deep = join(deep, "d");
  await fs.mkdir(deep, { recursive: true });
  const source = await directorySource([folder]);
  assert.equal(source.manifest.entries.length, MANIFEST_DEPTH_MAX + 1);
  assert.deepEqual(
    source.skipped.map(({ why }) => why),
    ["too deep"],
  );
  const { rest } = await contentOf(source);
  assert.equal(rest, "kept");
  await source.close();
});

test("F-13 directorySource() notices every change of a file, small or large", async (t) => {
  const changes: Record<string, (path: string) => Promise<unknown>> = {
    shrinks: (path) => fs.truncate(path, 1),
    grows: (path) => fs.appendFile(path, "x"),
    "is written to": (path) => writeSame(path),
    "shrinks with its time kept": async (path) => {
      await fs.truncate(path, 1);
      await fs.utimes(path, LONG_AGO, LONG_AGO);
    },
    vanishes: (path) => fs.rm(path),
    "is another one": async (path) => {
      await fs.cp(path, `${path}.new`, { preserveTimestamps: true });
      await fs.rename(`${path}.new`, path);
    },
    "is a link now": async (path) => {
      await fs.rename(path, `${path}.old`);
      await fs.symlink(`${path}.old`, path);
    },
  };
  for (const size of [2_000, 200_000])
    for (const [name, change] of Object.entries(changes)) {
      const folder = await tree(t, { a: "x".repeat(size), b: "after" });
      const source = await directorySource([folder]);
      await change(join(folder, "a"));
      await assert.rejects(allOf(source, 1_048_576), (error: unknown) => {
        assert.ok(error instanceof PosternError);
        assert.equal(error.code, "transfer/source-changed", `${size} ${name}`);
        assert.equal(error.details["path"], "top/a");
        return true;
      });
      await source.close();
    }
});

test("F-13 directorySource() notices a change between two reads of a file", async (t) => {
  for (const size of [2_000, 200_000]) {
    const folder = await tree(t, { a: "x".repeat(size) });
    const source = await directorySource([folder]);
    const start = source.info.manifest?.bytes ?? 0;
    assert.equal(await source.read(new Uint8Array(1_000), start), 1_000);
    await writeSame(join(folder, "a"));
    const changed = hasCode("transfer/source-changed");
    await assert.rejects(source.read(new Uint8Array(1_000), start + 1_000), changed);
    await source.close();
  }
});

test("F-13 directorySource() notices when an empty file got something", async (t) => {
  const folder = await tree(t, { a: "A", b: "" });
  const source = await directorySource([folder]);
  await fs.appendFile(join(folder, "b"), "x");
  await assert.rejects(allOf(source, 65_536), hasCode("transfer/source-changed"));
  await source.close();
});

test("F-06 directorySource() reads nothing through a folder that became a link", async (t) => {
  const folder = await tree(t, { "sub/a": "mine", "sub/deep/b": "mine" });
  const other = await tree(t, { a: "not ", "deep/b": "ours" });
  const source = await directorySource([folder]);
  await fs.rename(join(folder, "sub"), join(folder, "moved"));
  await fs.symlink(other, join(folder, "sub"));
  await assert.rejects(allOf(source, 65_536), hasCode("transfer/source-changed"));
  await source.close();
});

test("F-06 directorySource() reads nothing from another folder of the same name", async (t) => {
  const folder = await tree(t, { "sub/a": "mine" });
  const source = await directorySource([folder]);
  // The file is the same one, its folder is not.
  await fs.rename(join(folder, "sub"), join(folder, "moved"));
  await fs.mkdir(join(folder, "sub"));
  await fs.rename(join(folder, "moved", "a"), join(folder, "sub", "a"));
  await assert.rejects(allOf(source, 65_536), hasCode("transfer/source-changed"));
  await source.close();
});

test("directorySource() sends a file with two names twice", async (t) => {
  const folder = await tree(t, { a: "same" });
  await fs.link(join(folder, "a"), join(folder, "b"));
  const source = await directorySource([folder]);
  assert.equal((await contentOf(source)).rest, "samesame");
  await source.close();
});

/** A folder `top` with these files, all from long ago. */
async function tree(t: TestContext, files: Readonly<Record<string, string>>): Promise<string> {
  const folder = join(await scratch(t), "top");
  await fs.mkdir(folder);
  for (const [path, content] of Object.entries(files)) {
    await fs.mkdir(join(folder, path, ".."), { recursive: true });
    await fs.writeFile(join(folder, path), content);
    await fs.utimes(join(folder, path), LONG_AGO, LONG_AGO);
  }
  return folder;
}

async function writeSame(path: string): Promise<void> {
  const handle = await fs.open(path, "r+");
  await handle.write("x", 0);
  await handle.close();
}

async function allOf(source: DirectorySource, pieces: number): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for (let offset = 0; ;) {
    const into = new Uint8Array(pieces);
    const count = await source.read(into, offset);
    if (count === 0) return Buffer.concat(parts);
    parts.push(into.subarray(0, count));
    offset += count;
  }
}

async function contentOf(source: DirectorySource) {
  const whole = await allOf(source, 65_536);
  const { manifest, size } = source.info;
  assert.ok(manifest !== undefined);
  assert.equal(whole.length, size);
  const list = decodeManifest(whole.subarray(0, manifest.bytes)).entries;
  assert.equal(list.length, manifest.entries);
  return { list, rest: whole.subarray(manifest.bytes).toString() };
}

function paths(entries: readonly ManifestEntry[]): readonly string[] {
  return entries.map(({ path }) => path);
}
