/** Session keys change on the way; streams go in and out of pipes; `--json` is JSON. @module */
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, test } from "node:test";
import { MIB, noise, sha256, sha256File, writeContent } from "./payloads.ts";
import type { EventLine, Program } from "./program.ts";
import { Scene } from "./scene.ts";

const scene = await Scene.open({ after });
const relay = await scene.relay();
const inbox = await scene.newFolder("inbox");

test("C-05 session keys change in the middle of a file, and their numbers only grow", async () => {
  const content = noise(4 * MIB);
  const path = await writeContent(scene.folder, "slow.bin", content);
  const bob = await scene.receiver("bob", relay, ["--once", "--accept", "all", "-o", inbox]);
  const args = ["send", path, "--to", "bob", "--json", "--session-seconds", "1", "--limit", "1.2M"];
  const ann = scene.client("ann", relay, args);
  assert.deepEqual(await ann.ended(), { code: 0, signal: null }, ann.stderr());
  assert.deepEqual(await bob.ended(), { code: 0, signal: null }, bob.stderr());
  assert.equal(await sha256File(join(inbox, "slow.bin")), sha256(content));

  for (const side of [ann, bob]) {
    const keys = eventsOf(side, "session-key");
    assert.ok(keys.length >= 3, `${keys.length} session keys`);
    assert.deepEqual(
      keys.map(({ number }) => number),
      keys.map((_, at) => at + 1),
    );
    const offsets = keys.map(({ atOffset }) => Number(atOffset));
    assert.deepEqual(
      offsets,
      [...new Set(offsets)].toSorted((a, b) => a - b),
    );
    assert.equal(eventsOf(side, "done")[0]?.["sessionKeys"], keys.length);
    // A key of a second is replaced in time, also when the machine is busy.
    const ages = eventsOf(side, "progress").map(({ keyAgeMs }) => Number(keyAgeMs));
    assert.ok(Math.max(...ages) < 3_000, `${Math.max(...ages)} ms`);
  }
});

test("postern send - and postern receive -o - pass a stream from pipe to pipe", async () => {
  const content = noise(2 * MIB + 77, 3);
  const args = ["receive", "--once", "--accept", "all", "-o", "-"];
  const bob = scene.client("bob", relay, args);
  await isWaiting(bob);
  const options = ["send", "-", "--file-name", "backup.tar", "--to", "bob", "--json"];
  const ann = scene.client("ann", relay, options);
  // Cut where no record ends.
  for (let at = 0; at < content.length; at += 300_007)
    ann.stdin.write(content.subarray(at, at + 300_007));
  ann.stdin.end();
  assert.deepEqual(await ann.ended(), { code: 0, signal: null }, ann.stderr());
  assert.deepEqual(await bob.ended(), { code: 0, signal: null }, bob.stderr());
  assert.equal(sha256(bob.stdout()), sha256(content));
  assert.match(bob.stderr(), /^ann \(not verified\) offers backup\.tar \(stream, size unknown\)$/m);
  const offered = await ann.event("offered");
  assert.deepEqual([offered["kind"], offered["name"]], ["stream", "backup.tar"]);
});

test("a message is on stdout exactly as it was written, and nothing else is", async () => {
  const text = "  zwei\n\tZeilen, ✓ \u{1f510} ";
  const bob = scene.client("bob", relay, ["receive", "--once", "--accept", "ann"]);
  await isWaiting(bob);
  const ann = scene.client("ann", relay, ["send", "--text", "-", "--to", "bob"]);
  ann.stdin.end(text);
  assert.equal((await ann.ended()).code, 0, ann.stderr());
  assert.equal((await bob.ended()).code, 0, bob.stderr());
  assert.equal(bob.stdout().toString(), `${text}\n`);
  assert.equal(ann.stdout().toString(), "");
});

/** Itself: the relay may still list the one before it. */
async function isWaiting(bob: Program): Promise<void> {
  await bob.said(/^bob is waiting for offers /m);
  await scene.listed(relay, "bob");
}

/** Reading them checks each line: JSON with a `type`. */
function eventsOf(program: Program, type: string): EventLine[] {
  return program.events().filter((event) => event.type === type);
}
