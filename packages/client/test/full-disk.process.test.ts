/** F-11 on a file system that is really full: a small one in memory, which only root can mount. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import * as fs from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { test, type TestContext } from "node:test";
import { fileSink, freeSpace, keptFileSink, sqliteStore } from "../src/node.ts";
import { PAGE_BYTES } from "../src/node/state-schema.ts";
import { contentOf, pour, receive, sinkFor } from "./directory-lab.ts";
import { hasCode } from "./has-code.ts";
import { MemoryJournal } from "./part-journal.ts";
import { namesIn } from "./part-names.ts";

const MIB = 1_048_576;
const ONLY_ROOT = canMount() ? {} : { skip: "only root on Linux can mount a small disk" };

test("F-11 a disk full from the start: nothing stays behind", ONLY_ROOT, async (t) => {
  const disk = await smallDisk(t);
  await fs.writeFile(join(disk, "ballast"), Buffer.alloc(await freeSpace(disk)));
  assert.equal(await freeSpace(disk), 0);
  for (const open of [
    async () => await fileSink(disk, "a"),
    async () => await keptFileSink(disk, "a", new MemoryJournal()),
  ]) {
    const sink = await open();
    await assert.rejects(sink.write(Buffer.alloc(1), 0), hasCode("store/no-space"));
    await sink.abandon();
    assert.deepEqual(await fs.readdir(disk), ["ballast"]);
  }
});

test("F-11 a disk used up in the middle: the part is gone on with", ONLY_ROOT, async (t) => {
  const [disk, journal] = [await smallDisk(t), new MemoryJournal()];
  await fs.writeFile(join(disk, "ballast"), Buffer.alloc(2 * MIB));
  const content = Buffer.from(
    Uint8Array.from({ length: 3 * MIB }, (_, i) => (i * 13 + (i >>> 10)) & 0xff),
  );
  const sink = await keptFileSink(disk, "a", journal);
  const end = await writeFrom(sink, content, 0);
  assert.ok(end < content.length);
  assert.deepEqual(await namesIn(disk), [".a.part", "ballast"]);
  assert.ok((journal.note?.bytes ?? 0) >= end);

  await fs.unlink(join(disk, "ballast"));
  const next = await keptFileSink(disk, "a", journal);
  const held = next.held?.offset ?? 0;
  assert.ok(held >= end);
  assert.equal(await writeFrom(next, content, held), content.length);
  assert.ok((await fs.readFile(next.path)).equals(content));
  assert.deepEqual(await fs.readdir(disk), ["a"]);
});

test("F-11 a disk used up by a folder: what came is gone on with", ONLY_ROOT, async (t) => {
  const [disk, journal] = [await smallDisk(t), new MemoryJournal()];
  await fs.writeFile(join(disk, "ballast"), Buffer.alloc(2 * MIB));
  const files = Array.from({ length: 100 }, (_, n) => [`top/${n}`, `${n} `.padEnd(20_000, "x")]);
  const content = contentOf({ "top/": "", ...Object.fromEntries(files) });
  const tight = await sinkFor(disk, content, journal, { free: freeSpace });
  await fs.writeFile(join(disk, "more"), Buffer.alloc(MIB));
  await assert.rejects(pour(tight, content), hasCode("store/no-space"));
  await tight.abandon();
  assert.deepEqual((await fs.readdir(disk)).toSorted(), ["ballast", "more"]);

  await fs.unlink(join(disk, "more"));
  const sink = await sinkFor(disk, content, journal, { free: async () => MIB * MIB });
  await fs.writeFile(join(disk, "more"), Buffer.alloc(MIB));
  await assert.rejects(pour(sink, content), hasCode("store/no-space"));
  await sink.abandon();
  assert.deepEqual(await namesIn(disk), [".top.part", "ballast", "more"]);

  await fs.unlink(join(disk, "ballast"));
  const next = await sinkFor(disk, content, journal);
  assert.ok((next.held?.offset ?? 0) > content.listBytes + 200_000);
  await receive(next, content);
  assert.deepEqual((await fs.readdir(disk)).toSorted(), ["more", "top"]);
  for (const [path = "", text] of files)
    assert.equal(await fs.readFile(join(disk, path), "utf8"), text);
});

test("F-11 a disk too full for a new identity: none, or a whole one", ONLY_ROOT, async (t) => {
  const disk = await smallDisk(t);
  const identity = () => ({
    name: "ann",
    signingSeed: new Uint8Array(32).fill(1),
    linkSeed: new Uint8Array(32).fill(2),
  });
  const ends = new Set<string>();
  for (let pages = 1; ends.size < 2; pages++) {
    const home = join(disk, "home");
    await fs.mkdir(home);
    const left = (await freeSpace(disk)) - pages * PAGE_BYTES;
    await fs.writeFile(join(disk, "ballast"), Buffer.alloc(left));
    const path = join(home, "state.db");
    try {
      await (await sqliteStore(path, identity)).close();
      ends.add("whole");
    } catch (error) {
      assert.ok(hasCode("store/no-space")(error), `${pages}: ${String(error)}`);
      ends.add("none");
    }
    await fs.unlink(join(disk, "ballast"));
    // Also a state that was made and could not be opened for want of room.
    await (await sqliteStore(path, identity)).close();
    assert.deepEqual(await fs.readdir(home), ["state.db"], `${pages}`);
    await fs.rm(home, { recursive: true });
  }
});

/** Up to the end, or to where the disk is full; returns that place. */
async function writeFrom(
  sink: Awaited<ReturnType<typeof keptFileSink>>,
  content: Buffer,
  from: number,
): Promise<number> {
  let offset = from;
  try {
    for (; offset < content.length; offset += 100_000)
      await sink.write(content.subarray(offset, offset + 100_000), offset);
  } catch (error) {
    assert.ok(hasCode("store/no-space")(error), String(error));
    await sink.abandon();
    return offset;
  }
  await sink.commit(content.length);
  return content.length;
}

async function smallDisk(t: TestContext): Promise<string> {
  const disk = await fs.realpath(await fs.mkdtemp(join(tmpdir(), "postern-disk-")));
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=4m", "tmpfs", disk]);
  t.after(async () => {
    execFileSync("umount", [disk]);
    await fs.rmdir(disk);
  });
  return disk;
}

function canMount(): boolean {
  return process.platform === "linux" && process.getuid?.() === 0;
}
