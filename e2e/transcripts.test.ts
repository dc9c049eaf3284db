/**
 * What two people see on their terminals, kept as text: a code, a receiver that waits and refuses,
 * what is stopped and gone on with, and a folder that is looked at before it is taken.
 *
 * @module
 */
import assert from "node:assert/strict";
import { chmod, mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, test, type TestContext } from "node:test";
import { needsProgram } from "../tools/programs.ts";
import { codeIn } from "./codes.ts";
import { MIB, noise, sha256, sha256File, writeContent } from "./payloads.ts";
import { filesIn, Scene, type RelayProgram } from "./scene.ts";
import { Terminal } from "./terminal.ts";
import { matchesTranscript } from "./transcript.ts";

const TMUX = needsProgram("tmux");

/** A relay and two terminals, each in a folder of its own. */
interface Stage {
  readonly scene: Scene;
  readonly relay: RelayProgram;
  readonly outbox: string;
  readonly inbox: string;
  readonly ann: Terminal;
  readonly bob: Terminal;
}

async function stage(t: TestContext): Promise<Stage> {
  const scene = await Scene.open({ after: (clean) => after(clean) });
  const relay = await scene.relay();
  const [outbox, inbox] = [await scene.newFolder("outbox"), await scene.newFolder("inbox")];
  const ann = await Terminal.open(t, scene, "ann", { relay, cwd: outbox });
  const bob = await Terminal.open(t, scene, "bob", { relay, cwd: inbox });
  return { scene, relay, outbox, inbox, ann, bob };
}

/** Both have ended; the shells wait. */
async function match({ scene, ann, bob }: Stage, name: string): Promise<void> {
  for (const [who, terminal] of [
    ["sender", ann],
    ["receiver", bob],
  ] as const)
    await matchesTranscript(`${name}-${who}`, await terminal.prompts(), scene.folder);
}

test("a file by a code, on both terminals", TMUX, async (t) => {
  const all = await stage(t);
  const { ann, bob, inbox, outbox } = all;
  const content = noise(MIB);
  await writeContent(outbox, "photo.raw", content);
  await ann.enter("postern send photo.raw");
  const code = codeIn(await ann.shows("it is good for one guess"));
  await bob.enter(`postern receive ${code}`);
  await bob.shows("Accept photo.raw");
  await bob.press("y");
  for (const terminal of [ann, bob]) assert.equal(await terminal.exitCode(), 0);
  assert.equal(await sha256File(join(inbox, "photo.raw")), sha256(content));
  await match(all, "code");
});

test(
  "a receiver that waits takes by its rules, refuses on both terminals, goes on",
  TMUX,
  async (t) => {
    const all = await stage(t);
    const { ann, bob, outbox, relay, scene } = all;
    await writeContent(outbox, "notes.txt", Buffer.from("a note\n"));
    await writeContent(outbox, "film.raw", noise(2 * MIB));
    const rules = "--accept ann --max-size 1M --per-sender";
    await bob.enter(`postern receive --wait ${rules} --on-done 'echo "done: $POSTERN_KIND"'`);
    await bob.shows("declines all others");
    await scene.listed(relay, "bob");
    await ann.enter("postern send notes.txt --to bob");
    assert.equal(await ann.exitCode(), 0);
    await bob.shows("done: file");
    await ann.enter("postern send film.raw --to bob");
    assert.equal(await ann.exitCode(), 8);
    await bob.shows("is more than --max-size");
    await ann.enter("postern send notes.txt --to bob --name eve --timeout 20s");
    assert.equal(await ann.exitCode(), 8);
    await bob.shows("is not among those of --accept");
    await ann.enter("postern send --text 'still there?' --to bob");
    assert.equal(await ann.exitCode(), 0);
    await bob.shows("done: message");
    await bob.press("C-c");
    assert.equal(await bob.exitCode(), 130);
    await match(all, "waiting");
  },
);

test(
  "a file that is stopped at both ends goes on where it was, on both terminals",
  TMUX,
  async (t) => {
    const all = await stage(t);
    const { ann, bob, inbox, outbox, relay, scene } = all;
    const content = noise(8 * MIB);
    await writeContent(outbox, "film.raw", content);
    await bob.enter("postern receive --accept all");
    await bob.shows("is waiting for offers");
    await scene.listed(relay, "bob");
    await ann.enter("postern send film.raw --to bob --limit 2M");
    await isUnderWay(bob);
    await ann.press("C-c");
    assert.equal(await ann.exitCode(), 130);
    await bob.shows("is kept here");
    await ann.enter("postern transfers");
    await ann.prompts();

    await ann.enter("postern send film.raw --to bob --limit 2M");
    await bob.shows("going on at");
    await isUnderWay(bob);
    await bob.press("C-c");
    assert.equal(await bob.exitCode(), 130);
    assert.equal(await ann.exitCode(), 8);
    await bob.enter("postern transfers");
    await bob.prompts();

    await bob.enter("postern receive --once --accept all");
    await bob.shows("is waiting for offers", 2);
    await scene.listed(relay, "bob");
    await ann.enter(
      "postern transfers resume $(postern transfers --json | cut -c 28-35 | head -1)",
    );
    assert.equal(await ann.exitCode(), 0);
    assert.equal(await bob.exitCode(), 0);
    assert.deepEqual(await filesIn(inbox), ["film.raw"]);
    assert.equal(await sha256File(join(inbox, "film.raw")), sha256(content));
    await match(all, "resume");
  },
);

test("F-08 a folder is looked at before it is taken, on both terminals", TMUX, async (t) => {
  const all = await stage(t);
  const { ann, bob, inbox, outbox, relay, scene } = all;
  const folder = join(outbox, "photos");
  await mkdir(join(folder, ".git", "hooks"), { recursive: true });
  await mkdir(join(folder, "empty"));
  for (let i = 1; i < 10; i++) await writeFile(join(folder, `${i}.jpg`), noise(1_000, i));
  await writeFile(join(folder, ".bashrc"), "echo\n");
  await writeFile(join(folder, ".git", "hooks", "post-merge"), "#!/bin/sh\n", { mode: 0o755 });
  await writeFile(join(folder, "show.sh"), "#!/bin/sh\n");
  await chmod(join(folder, "show.sh"), 0o755);
  await writeFile(join(folder, "name\u001b[31m\u202e.jpg"), "x");
  await symlink("/etc/passwd", join(folder, "link"));
  await bob.enter("postern receive --once");
  await bob.shows("is waiting for offers");
  await scene.listed(relay, "bob");
  await ann.enter("postern send photos --to bob");
  await bob.shows("Accept photos");
  await bob.press("Down", "Down", "Enter");
  await bob.shows("Accept photos", 2);
  await bob.press("Enter");
  for (const terminal of [ann, bob]) assert.equal(await terminal.exitCode(), 0);
  assert.deepEqual(await filesIn(inbox), ["photos"]);
  await match(all, "folder");
});

/** A part of it has come, and a part has not. */
async function isUnderWay(terminal: Terminal): Promise<void> {
  await terminal.matches(/^film\.raw {2}.* [1-9]\d?% /m);
}
