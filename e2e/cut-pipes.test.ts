/**
 * A wire that delivers bytes in small pieces, or ends in the middle of what it carries: every file
 * arrives once, and a new pipe goes on where the last one broke off (docs/protocol.md 8.1).
 *
 * @module
 */
import assert from "node:assert/strict";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { after, test } from "node:test";
import type { Receipt } from "@postern/client";
import { fileSource } from "@postern/client/node";
import { DeliveryLab } from "./delivery-lab.ts";
import { HEADER_BYTES, type PassingFrame } from "./fault-proxy.ts";
import { MIB, noise, sha256File, writeContent } from "./payloads.ts";
import { filesIn } from "./scene.ts";

const RECORD = 2;
const REVERSE = 3;
/** Kind, total, digest and a tag. */
const DONE_BYTES = 1 + 8 + 32 + 16;

/** What hangs is told; all of it takes a few seconds. */
const BOUND = { timeout: 60_000 };

const lab = await DeliveryLab.open({ after });
const [ann, bob] = [await lab.person("ann"), await lab.person("bob")];
await bob.listen();

/** What both sides hear of it when it is whole, and the only thing in the inbox. */
async function deliver(name: string, bytes: number): Promise<readonly Receipt[]> {
  const path = await writeContent(lab.scene.folder, name, noise(bytes, bytes));
  await ann.sees("bob");
  const count = bob.taken.length;
  const { finished } = await ann.client.deliver({
    to: "bob",
    profile: "end-to-end",
    open: async () => await fileSource(path),
    paths: [path],
  });
  const sent = await finished;
  assert.equal(bob.taken.length, count + 1, "one transfer");
  const received = await bob.taken[count]!.transfer.finished;
  const inbox = await bob.inbox();
  assert.deepEqual(await filesIn(inbox), [name]);
  assert.equal(await sha256File(join(inbox, name)), await sha256File(path));
  await rm(join(inbox, name));
  return [sent, received];
}

for (const [pieces, bytes] of [
  [1, 4_096],
  [7, 32_768],
  [65_535, MIB + 1],
] as const)
  test(
    `S-07 P-01 a file arrives over wires that deliver ${pieces} bytes at a time`,
    BOUND,
    async (t) => {
      t.after(() => (ann.wire.pieces = bob.wire.pieces = undefined));
      ann.wire.pieces = bob.wire.pieces = pieces;
      for (const { pipes, resends } of await deliver(`pieces-${pieces}.raw`, bytes))
        assert.deepEqual([pipes, resends], [1, 0]);
    },
  );

interface Cut {
  readonly name: string;
  readonly where: string;
  readonly isAtBob?: boolean;
  readonly cutAt: (frame: PassingFrame) => number | undefined;
  /** Content has to come again, from the record on that was cut. */
  readonly isResent: boolean;
}

const isLast = ({ type, flags }: PassingFrame): boolean => type === RECORD && flags === 1;
const isSecond = ({ type, offset }: PassingFrame): boolean => type === RECORD && offset > 0;

const CUTS: readonly Cut[] = [
  {
    name: "header",
    where: "in the header of a record",
    cutAt: (frame) => (isSecond(frame) ? HEADER_BYTES / 2 + 1 : undefined),
    isResent: true,
  },
  {
    name: "tag",
    where: "in the tag of a record",
    cutAt: (frame) => (isSecond(frame) ? HEADER_BYTES + frame.length - 7 : undefined),
    isResent: true,
  },
  {
    name: "last",
    where: "right behind the last record",
    cutAt: (frame) => (isLast(frame) ? HEADER_BYTES + frame.length : undefined),
    isResent: false,
  },
  {
    name: "receipt",
    where: "between the last record and the receipt",
    isAtBob: true,
    cutAt: ({ type, length }) => (type === REVERSE && length === DONE_BYTES ? 0 : undefined),
    isResent: false,
  },
];

for (const { name, where, isAtBob = false, cutAt, isResent } of CUTS)
  test(
    `C-03 a pipe cut ${where} costs at most another one, and no second copy`,
    BOUND,
    async (t) => {
      t.after(() => (ann.wire.fault = bob.wire.fault = () => undefined));
      const records: { readonly pipe: number; readonly offset: number }[] = [];
      let brokenAt: number | undefined;
      const cutOnce = (frame: PassingFrame): { readonly cutAt: number } | undefined => {
        const at = brokenAt === undefined ? cutAt(frame) : undefined;
        if (at === undefined) return undefined;
        brokenAt = frame.offset;
        return { cutAt: at };
      };
      const first = ann.wire.pipes;
      ann.wire.fault = (frame) => {
        if (frame.type === RECORD) records.push({ pipe: frame.pipe - first, offset: frame.offset });
        return isAtBob ? undefined : cutOnce(frame);
      };
      if (isAtBob) bob.wire.fault = cutOnce;
      for (const { pipes, resends } of await deliver(`${name}.raw`, 3 * MIB)) {
        assert.equal(resends, isResent ? 1 : 0);
        // A receipt over the link may be there before another pipe is.
        assert.ok(pipes === 2 || (pipes === 1 && !isResent), `${pipes} pipes`);
      }
      assert.notEqual(brokenAt, undefined, "nothing was cut");
      const again = records.filter(({ pipe }) => pipe === 1).map(({ offset }) => offset);
      // Neither from the beginning, nor anything that was there.
      assert.equal(again[0], isResent ? brokenAt : undefined);
    },
  );
