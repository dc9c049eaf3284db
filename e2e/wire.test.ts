/** Somebody between sender and relay changes, cuts or repeats what is on its way. @module */
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, test } from "node:test";
import { eventually } from "./large-file.ts";
import { MIB, noise, sha256, sha256File, writeContent } from "./payloads.ts";
import type { EventLine, Program } from "./program.ts";
import { filesIn, Scene } from "./scene.ts";
import { openTap, type TapOptions } from "./tap.ts";

const scene = await Scene.open({ after });
const relay = await scene.relay();
const inbox = await scene.newFolder("inbox");
const takes = ["--profile", "end-to-end,symmetric,asymmetric"];
const bob = await scene.receiver("bob", relay, ["--accept", "all", "-o", inbox, ...takes]);
const content = noise(2 * MIB);

interface Outcome {
  readonly ann: Program;
  /** The last event of the transfer, `done` or `failed`, on each side. */
  readonly atAnn: EventLine;
  readonly atBob: EventLine;
}

/** Sends `name` to Bob over a tap. For every profile there is another Ann, who uses no other. */
async function sendOver(
  name: string,
  tapped: TapOptions,
  profile = "end-to-end",
): Promise<Outcome> {
  const tap = await openTap({ after }, relay.port, tapped);
  const path = await writeContent(scene.folder, name, content);
  const args = ["send", path, "--to", "bob", "--json", "--session-seconds", "60"];
  const who = `ann-${profile}`;
  const flags = ["--profile", profile];
  const ann = scene.client(who, `127.0.0.1:${tap.port}`, [...args, ...flags]);
  // What breaks off is tried again some times, a while later.
  await ann.ended(180_000);
  const isLast = ({ type }: EventLine): boolean => type === "done" || type === "failed";
  const atAnn = ann.events().find(isLast);
  assert.ok(atAnn !== undefined, ann.stderr());
  const atBob = await bob.anyEvent(
    (event) => isLast(event) && event["content"] === atAnn["content"],
  );
  return { ann, atAnn, atBob };
}

async function arrived(name: string): Promise<void> {
  assert.equal(await sha256File(join(inbox, name)), sha256(content));
}

async function nothingIsLeft(name: string): Promise<void> {
  await eventually(`${name} is gone`, async () =>
    (await filesIn(inbox)).every((file) => !file.includes(name)),
  );
}

for (const profile of ["end-to-end", "symmetric", "asymmetric"])
  test(`S-05 C-01 ${profile}: one flipped bit costs one resend, and the file arrives`, async () => {
    const { ann, atAnn, atBob } = await sendOver(
      `flipped-${profile}`,
      {
        change: (frame, at) => [at === 2 ? flipped(frame) : frame],
      },
      profile,
    );
    assert.equal(ann.stderr().match(/lost or damaged on the way \(1 time so far\)/g)?.length, 1);
    assert.deepEqual([atAnn.type, atAnn["resends"]], ["done", 1]);
    assert.deepEqual([atBob.type, atBob["resends"]], ["done", 1]);
    assert.equal(atAnn["sessionKeys"], 2);
    await arrived(`flipped-${profile}`);
  });

test("S-05 damage without end ends the transfer: exit 6 and nothing is kept", async () => {
  const { ann, atBob } = await sendOver("damaged", {
    change: (frame) => [frame[0] === 2 ? flipped(frame) : frame],
  });
  assert.deepEqual(await ann.ended(), { code: 6, signal: null });
  assert.match(ann.stderr(), /^postern: STOPPED - damaged arrives damaged again and again$/m);
  assert.equal(atBob.type, "failed");
  await nothingIsLeft("damaged");
});

test("C-02 records that are repeated, dropped or swapped never become content", async () => {
  const ways: Record<string, NonNullable<TapOptions["change"]>> = {
    repeated: (frame, at) => (at === 2 ? [frame, frame] : [frame]),
    dropped: (frame, at) => (at === 2 ? [] : [frame]),
    swapped: swapping(2),
  };
  for (const [name, change] of Object.entries(ways)) {
    const { ann, atAnn, atBob } = await sendOver(name, { change });
    assert.equal(atAnn.type, atBob.type, ann.stderr());
    if (atBob.type === "done") await arrived(name);
    else await nothingIsLeft(name);
  }
});

test("C-03 a pipe that is cut between two records is no end: another one brings the rest", async () => {
  let isCut = false;
  const { ann, atAnn } = await sendOver("cut", {
    change(frame, at) {
      if (at < 3 || isCut) return [frame];
      isCut = true;
      return undefined;
    },
  });
  assert.equal(atAnn.type, "done", ann.stderr());
  assert.match(ann.stderr(), /^the connection for the data broke; going on over another/m);
  await arrived("cut");
});

test("C-03 pipes that are cut again and again end the transfer, and nothing is kept", async () => {
  const { ann, atBob } = await sendOver("cut-again", {
    change: (frame, at) => (at < 1 ? [frame] : undefined),
  });
  assert.notEqual((await ann.ended()).code, 0);
  assert.equal(atBob.type, "failed");
  assert.match(ann.stderr(), /^postern: .+\n {2}why: {2}.+\n {2}next: /m);
  await nothingIsLeft("cut-again");
});

test("S-07 P-01 bytes that come one by one are as good as all at once", async () => {
  const tap = await openTap({ after }, relay.port, { pieces: 1 });
  const args = ["send", "--text", "letter by letter", "--to", "bob", "--json"];
  const ann = scene.client("ann", `127.0.0.1:${tap.port}`, args);
  assert.deepEqual(await ann.ended(), { code: 0, signal: null }, ann.stderr());
  assert.equal((await bob.event("message"))["text"], "letter by letter");
});

function flipped(frame: Buffer): Buffer {
  const copy = Buffer.from(frame);
  copy[40]! ^= 0b100;
  return copy;
}

/** The `first` frame comes after the one behind it. */
function swapping(first: number): NonNullable<TapOptions["change"]> {
  let held: Buffer | undefined;
  return (frame, at) => {
    if (at === first) {
      held = Buffer.from(frame);
      return [];
    }
    return at === first + 1 && held !== undefined ? [frame, held] : [frame];
  };
}
