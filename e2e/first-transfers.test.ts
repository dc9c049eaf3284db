/** A message and a file between two people, from the first transfer on. @module */
import assert from "node:assert/strict";
import { cp, readdir, readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { after, test } from "node:test";
import type { Program } from "./program.ts";
import { MIB, noise, sha256, sha256File, writeContent } from "./payloads.ts";
import { filesIn, Scene } from "./scene.ts";

const RELAY_CAN_READ = /^ *symmetric: the relay is trusted with the key and could read this$/m;

const scene = await Scene.open({ after });
const relay = await scene.relay();
const relayData = join(scene.folder, "relay");
const inbox = await scene.newFolder("inbox");
const bob = await scene.receiver("bob", relay, ["--accept", "all", "-o", inbox]);

const send = (...args: string[]): Program =>
  scene.client("ann", relay, ["send", "--to", "bob", "--json", ...args]);

test("the first message arrives by RSA, and both ends say that the relay could read it", async () => {
  const ann = send("--text", "hellö, wörld ✓");
  assert.deepEqual(await ann.ended(), { code: 0, signal: null });
  const received = await bob.event("message");
  assert.equal(received["text"], "hellö, wörld ✓");
  assert.equal(received["from"], "ann");
  for (const side of [ann, bob]) {
    const key = await side.event("master-key");
    assert.deepEqual([key["source"], key["counter"]], ["fresh-rsa", 0]);
    assert.match(side.stderr(), RELAY_CAN_READ);
    assert.match(side.stderr(), /master key: fresh, carried by RSA/);
    assert.equal((await side.event("done"))["nextMasterKey"], true);
  }
});

test("the next transfer, a file, starts with the key that the one before left", async () => {
  const content = noise(5 * MIB + 12_345);
  const path = await writeContent(scene.folder, "photo.raw", content);
  const ann = send(path);
  assert.equal((await ann.ended()).code, 0);
  const done = await bob.event("done", (event) => event["path"] !== undefined);
  assert.equal(done["path"], join(inbox, "photo.raw"));
  assert.equal(done["bytes"], content.length);
  assert.equal(await sha256File(join(inbox, "photo.raw")), sha256(content));
  for (const side of [ann, bob]) {
    const key = await side.event("master-key", (event) => event["source"] === "kept");
    assert.equal(key["counter"], 1);
    assert.match(side.stderr(), /master key 1: kept from the last transfer, no RSA needed/);
  }
  assert.ok(ann.events().every((event) => event["source"] !== "fresh-rsa"));
});

test("C-04 a home that was put back from a copy uses no master key twice", async () => {
  const copy = join(scene.folder, "copy");
  await cp(scene.home("ann"), copy, { recursive: true });
  assert.equal((await send("--text", "before").ended()).code, 0);
  await rm(scene.home("ann"), { recursive: true });
  await cp(copy, scene.home("ann"), { recursive: true });

  const ann = send("--text", "after");
  assert.equal((await ann.ended()).code, 0);
  await bob.event("message", (event) => event["text"] === "after");
  const keys = ann.events().filter((event) => event.type === "master-key");
  assert.deepEqual(
    keys.map((event) => event["source"]),
    ["kept", "fresh-rsa"],
  );
  assert.match(ann.stderr(), /bob no longer has the kept master key; a fresh one goes by RSA/);
});

test("S-15 the relay keeps and logs nothing of what it carried", async () => {
  const secret = "xyzzy-for-bob-alone";
  assert.equal((await send("--text", secret).ended()).code, 0);
  await bob.event("message", (event) => event["text"] === secret);
  await relay.program.kill("SIGTERM");
  const kept = (await filesIn(relayData)).map((name) => join(relayData, name));
  const logged = Buffer.concat([relay.program.stdout(), Buffer.from(relay.program.stderr())]);
  for (const bytes of [...(await Promise.all(kept.map((path) => readFile(path)))), logged])
    for (const text of [secret, "photo.raw"]) assert.ok(!bytes.includes(text), text);
  // Names belong to identities, and so are kept; nobody's name is logged.
  assert.ok(!logged.includes('"ann"') && !logged.includes('"bob"'));
  for (const path of [...kept, relayData]) assert.equal((await stat(path)).mode & 0o077, 0, path);
});

test("S-15 what a client keeps is readable by its owner alone", async () => {
  for (const who of ["ann", "bob"])
    for (const entry of await readdir(scene.home(who), { recursive: true })) {
      const { mode } = await stat(join(scene.home(who), entry));
      assert.equal(mode & 0o077, 0, entry);
    }
});
