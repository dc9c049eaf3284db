/**
 * A wire that turns bits between the sender and the relay: what it costs, and that nothing wrong
 * ever gets a final name (docs/protocol.md 8.1).
 *
 * @module
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, beforeEach, test } from "node:test";
import { FaultProxy, HEADER_BYTES, type Fault, type PassingFrame } from "./fault-proxy.ts";
import { MIB, noise, sha256File, writeContent } from "./payloads.ts";
import type { EventLine, Program } from "./program.ts";
import { filesIn, Scene } from "./scene.ts";

const SESSION = 1;
const RECORD = 2;
const REVERSE = 3;
/** Kind, total, digest and a tag. */
const DONE_BYTES = 1 + 8 + 32 + 16;
const HEADER_BITS = 8 * HEADER_BYTES;
/** Bits of the header: the type, and the thousands of bytes in the length. */
const TYPE_BIT = 1;
/** Nothing of it passes. */
const CUT = { cutAt: 0 };

const scene = await Scene.open({ after });
const relay = await scene.relay();
const proxy = await FaultProxy.open({ after }, relay.port);
const inbox = await scene.newFolder("inbox");
const bob = await scene.receiver("bob", relay, ["--accept", "all", "-o", inbox]);

beforeEach(() => {
  proxy.pipes = 0;
});

interface Sent {
  readonly ann: Program;
  readonly path: string;
  readonly stored: string;
}

async function send(name: string, bytes: number, fault: Fault): Promise<Sent> {
  proxy.fault = fault;
  const path = await writeContent(scene.folder, name, noise(bytes, bytes));
  const ann = scene.client("ann", proxy.hostPort, ["send", path, "--to", "bob", "--json"]);
  await ann.ended(120_000);
  return { ann, path, stored: join(inbox, name) };
}

/** The last event of the transfer that `ann` sent, on Bob's side. */
async function atBob(ann: Program, type: "done" | "failed"): Promise<EventLine> {
  const { content } = await ann.event("master-key");
  return await bob.event(type, (event) => event["content"] === content);
}

async function assertArrived({ ann, path, stored }: Sent): Promise<readonly EventLine[]> {
  assert.deepEqual(await ann.ended(), { code: 0, signal: null }, ann.stderr());
  const both = [await ann.event("done"), await atBob(ann, "done")];
  assert.equal(await sha256File(stored), await sha256File(path));
  return both;
}

test("S-05 a bit turned once in every record of 64 MiB: as many resends as damages", async () => {
  const damagedAt = new Set<number>();
  let skipped: number | undefined;
  const sent = await send("each.raw", 64 * MIB, ({ type, offset, length }) => {
    if (type === SESSION && offset === skipped) skipped = undefined;
    // What was under way behind a damaged record is thrown away: it proves nothing.
    if (type !== RECORD || skipped !== undefined || damagedAt.has(offset)) return undefined;
    damagedAt.add(offset);
    skipped = offset;
    return HEADER_BITS + ((offset * 7) % (8 * length));
  });
  for (const { resends, pipes } of await assertArrived(sent)) {
    assert.equal(resends, damagedAt.size);
    assert.equal(pipes, 1);
  }
  assert.ok(damagedAt.size >= 64, `${damagedAt.size}`);
});

test("S-05 a bit turned in one of twenty records of 256 MiB, here and there", async () => {
  let damaged = 0;
  let state = 1;
  const sent = await send("some.raw", 256 * MIB, ({ type, length }) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    if (type !== RECORD || (state >>> 8) % 20 !== 0) return undefined;
    damaged++;
    return HEADER_BITS + (state % (8 * length));
  });
  for (const { resends, pipes } of await assertArrived(sent)) {
    // Some fell on what was thrown away behind another.
    assert.ok(Number(resends) >= 1 && Number(resends) <= damaged, `${String(resends)}/${damaged}`);
    assert.equal(pipes, 1);
  }
  assert.ok(damaged >= 5);
});

test("C-01 P-01 a bit turned in a header costs one new pipe, and both ends say so", async () => {
  const fault: Fault = ({ pipe, index }) => (pipe === 0 && index === 5 ? TYPE_BIT : undefined);
  const sent = await send("header.raw", 16 * MIB, fault);
  for (const { pipes, resends } of await assertArrived(sent))
    assert.deepEqual([pipes, resends], [2, 1]);
  assert.equal(proxy.pipes, 2);
  assert.match(sent.ann.stderr(), /^the connection for the data broke; going on over another/m);
  assert.equal((await sent.ann.event("new-pipe"))["count"], 2);
});

test("C-03 pipes that are cut in the middle of a record, and behind the last one", async () => {
  const isLast = ({ type, flags }: PassingFrame): boolean => type === RECORD && flags === 1;
  const cut: Fault = (frame) => {
    if (frame.pipe === 0 && frame.index === 4) return CUT;
    return frame.pipe === 1 && isLast(frame) ? CUT : undefined;
  };
  const sent = await send("cut.raw", 16 * MIB, cut);
  for (const { pipes } of await assertArrived(sent)) assert.equal(pipes, 3);
});

const ALWAYS: Readonly<
  Record<string, { readonly bit: number; readonly said: RegExp; readonly code: string }>
> = {
  "transfer/damaged": {
    bit: HEADER_BITS + 9,
    said: /^postern: STOPPED - .*arrives damaged again and again(?: \(not confirmed\))?$/m,
    code: "transfer/damaged",
  },
  "transfer/framing": {
    bit: TYPE_BIT,
    said: /^postern: lost the thread in /m,
    code: "transfer/framing",
  },
};

for (const [name, { bit, said, code }] of Object.entries(ALWAYS))
  test(`S-05 record 7 always damaged ends both sides: ${name}`, async () => {
    let seventh: number | undefined;
    const file = `${code.replace("/", "-")}.raw`;
    const { ann } = await send(file, 16 * MIB, ({ type, pipe, index, offset }) => {
      if (pipe === 0 && index === 7) seventh ??= offset;
      return type === RECORD && offset === seventh ? bit : undefined;
    });
    assert.notEqual((await ann.ended()).code, 0);
    assert.equal((await ann.event("failed"))["code"], code);
    assert.match(ann.stderr(), said);
    // Who hears it before he sees it hears `damaged`: a sender has one word for both.
    const atOther = String((await atBob(ann, "failed"))["code"]);
    assert.ok(atOther === code || atOther === "transfer/damaged", atOther);
    await bob.said(ALWAYS[atOther]!.said);
    assert.ok(!(await filesIn(inbox)).includes(file));
  });

for (const profile of ["end-to-end", "symmetric", "asymmetric"])
  test(`C-03 ${profile}: a \`done\` that is lost with its pipe is heard all the same`, async () => {
    const other = await FaultProxy.open({ after }, relay.port);
    let lost = 0;
    // On Bob's side: the frame of this length is his last word.
    other.fault = ({ type, length }) =>
      type === REVERSE && length === DONE_BYTES && lost++ === 0 ? CUT : undefined;
    const folder = await scene.newFolder(`inbox-${profile}`);
    const name = `cid-${profile.slice(0, 4)}`;
    const cid = scene.client(name, other.hostPort, [
      "receive",
      "--json",
      "--accept",
      "all",
      "-o",
      folder,
      "--profile",
      profile,
    ]);
    await cid.event("waiting");
    await scene.listed(relay, name);
    const path = await writeContent(scene.folder, `${profile}.raw`, noise(3 * MIB));
    const args = ["send", path, "--to", name, "--json", "--profile", profile];
    const ann = scene.client("ann", relay, args);
    assert.deepEqual(await ann.ended(), { code: 0, signal: null }, ann.stderr());
    assert.ok(lost >= 1);
    // The other two have a receipt that comes over the link; here the word must come again.
    if (profile === "symmetric") assert.equal(lost, 2);
    assert.equal((await ann.event("done"))["bytes"], 3 * MIB);
    assert.equal(await sha256File(join(folder, `${profile}.raw`)), await sha256File(path));
    await cid.event("done");
    await cid.kill("SIGKILL");
  });

test("after all of it the next transfer works", async () => {
  await assertArrived(await send("next.raw", MIB, () => undefined));
});
