/**
 * What makes one transfer of a large file into two, other than an end of a program: a wire that is
 * cut, a relay that moves, a file that changes, a disk that is full (T-01, T-04, F-11, F-13).
 */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtemp, open, realpath, rmdir, unlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { eventually, hashLarge } from "./large-file.ts";
import { MIB, noise } from "./payloads.ts";
import type { Program } from "./program.ts";
import { FILE, ResumedPair, type PairOptions } from "./resumed-pair.ts";
import { filesIn, freePort, Scene, type Owner } from "./scene.ts";

const BYTES = 24 * MIB;
/** A break comes when this much has arrived; what is under way then may be lost: less. */
const ARRIVED = 4 * MIB;
const FACTOR_MAX = (BYTES + ARRIVED) / BYTES;
/** So that most of the content is on this side then. */
const SLOWLY = ["--limit", "8M"];

/** A part of the content has arrived. */
async function underWay(t: Owner, options: Partial<PairOptions> = {}): Promise<ResumedPair> {
  const pair = await ResumedPair.open(t, { bytes: BYTES, sending: SLOWLY, ...options });
  await pair.bobWaits();
  pair.startAnn();
  await eventually("a part", async () => (await pair.arrived()) >= ARRIVED);
  return pair;
}

async function wentOn(pair: ResumedPair, ann: Program | undefined): Promise<void> {
  assert.deepEqual(await ann?.ended(180_000), { code: 0, signal: null }, pair.said());
  assert.deepEqual(await pair.stored(), { files: [FILE], digest: pair.digest });
  const { sent, received } = pair.factors;
  assert.ok(sent < FACTOR_MAX && received < FACTOR_MAX, `${sent} ${received}`);
}

for (const who of ["ann", "bob"] as const)
  test(`T-01 ${who}'s connection is cut: both go on by themselves`, async (t) => {
    const pair = await underWay(t);
    (who === "ann" ? pair.annWire : pair.bobWire).cut();
    await wentOn(pair, pair.ann);
  });

test("T-03 the relay has another address: the same command there goes on", async (t) => {
  const pair = await underWay(t);
  for (const program of [pair.ann, pair.bob, pair.relay.program]) await program?.kill("SIGINT");
  assert.deepEqual(await filesIn(pair.inbox), [`.${FILE}.part`]);
  await pair.moveRelay(t, await freePort());
  await pair.bobWaits();
  const ann = pair.startAnn();
  await wentOn(pair, ann);
  assert.ok(Number((await ann.event("accepted"))["offset"]) >= ARRIVED);
});

test("T-04 F-13 the file has changed: said, kept, and begun anew by consent alone", async (t) => {
  const pair = await underWay(t);
  await pair.ann?.kill("SIGINT");
  const file = await open(pair.path, "r+");
  await file.write("changed", 0);
  await file.close();
  const ann = pair.startAnn();
  const { code } = await ann.ended();
  assert.ok(code !== 0, ann.stderr());
  assert.match(ann.stderr(), /^postern: big\.raw is not what was begun$/m);
  assert.match(ann.stderr(), /--anew/);
  assert.deepEqual(await filesIn(pair.inbox), [`.${FILE}.part`]);
  const anew = pair.startAnn(["--anew"]);
  assert.deepEqual(await anew.ended(180_000), { code: 0, signal: null }, pair.said());
  assert.equal(await hashLarge(join(pair.inbox, FILE)), await hashLarge(pair.path));
  assert.notEqual(await hashLarge(pair.path), pair.digest);
  assert.deepEqual(await filesIn(pair.inbox), [FILE], "what was kept for the old one is gone");
});

const ONLY_ROOT =
  process.platform === "linux" && process.getuid?.() === 0
    ? {}
    : { skip: "only root on Linux can mount a small disk" };

test("F-11 the disk is full in the middle: said, kept, and gone on with", ONLY_ROOT, async (t) => {
  const inbox = await smallDisk(t, BYTES + 8 * MIB);
  const pair = await underWay(t, { inbox });
  const ballast = join(inbox, "ballast");
  await writeFile(ballast, Buffer.alloc(BYTES + 8 * MIB)).catch(() => {});
  assert.notEqual((await pair.ann?.ended())?.code, 0);
  assert.match(pair.ann?.stderr() ?? "", /no space|disk is full/);
  await pair.bob?.said(/^postern: the disk is full$/m);
  assert.deepEqual(await filesIn(inbox), [`.${FILE}.part`, "ballast"]);

  // Bob still waits. Without room he does not even begin.
  const refused = pair.startAnn();
  assert.notEqual((await refused.ended()).code, 0);
  await unlink(ballast);
  const ann = pair.startAnn();
  await wentOn(pair, ann);
  assert.ok(Number((await ann.event("accepted"))["offset"]) >= ARRIVED);
});

test(
  "F-11 the disk is full under a stream: said what stays, and how it goes",
  ONLY_ROOT,
  async (t) => {
    const inbox = await smallDisk(t, 4 * MIB);
    const scene = await Scene.open(t);
    const relay = await scene.relay();
    const bob = await scene.receiver("bob", relay, ["--accept", "all", "-o", inbox]);
    const args = ["send", "-", "--file-name", "backup.tar", "--to", "bob"];
    const ann = scene.client("ann", relay, args);
    ann.stdin.end(noise(8 * MIB));
    assert.equal((await ann.ended(60_000)).code, 8);
    assert.match(ann.stderr(), /make room, then send it again, from its beginning$/m);
    await bob.said(/^postern: the disk is full$/m);
    await bob.said(
      /of backup\.tar is kept in .*\/\.backup\.tar\.[0-9a-f]{8}\.part; a pipe's content goes on only/m,
    );
    await bob.said(/^"postern transfers cancel [0-9a-f]{8}" removes it/m);
    await bob.kill("SIGINT");
    assert.deepEqual(await filesIn(inbox), [".backup.tar.part"]);
    const [, id = ""] = /"postern transfers cancel (\w+)"/u.exec(bob.stderr()) ?? [];
    const cancel = scene.run(["transfers", "cancel", id, ...scene.self("bob", relay).slice(2)]);
    assert.deepEqual(await cancel.ended(), { code: 0, signal: null }, cancel.stderr());
    assert.deepEqual(await filesIn(inbox), []);
  },
);

async function smallDisk(owner: Owner, bytes: number): Promise<string> {
  const disk = await realpath(await mkdtemp(join(tmpdir(), "postern-disk-")));
  execFileSync("mount", ["-t", "tmpfs", "-o", `size=${bytes}`, "tmpfs", disk]);
  owner.after(async () => {
    // The programs that use it may be ended after this.
    execFileSync("umount", ["--lazy", disk]);
    await rmdir(disk);
  });
  return disk;
}
