/** A message and a file between two people, from the first transfer on, in each profile. @module */
import assert from "node:assert/strict";
import { cp, readdir, readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { after, test } from "node:test";
import type { EventLine, Program } from "./program.ts";
import { MIB, noise, sha256, sha256File, writeContent } from "./payloads.ts";
import { filesIn, Scene } from "./scene.ts";

/** What differs between the profiles, as both ends tell it. */
interface Profile {
  /** What both ends are told; the default needs nothing. */
  readonly flags: readonly string[];
  readonly relayCan: RegExp;
  /** Of the first master key of a pair and of the second one: `source counter`. */
  readonly keys: readonly [string, string];
  readonly said: readonly [RegExp, RegExp];
  readonly isKept: boolean;
}

const BY_RSA = /^master key: fresh, carried by RSA$/m;

const PROFILES: Readonly<Record<string, Profile>> = {
  "end-to-end": {
    flags: [],
    relayCan: /^ *end-to-end: the relay sees who, when and how much; it cannot read this$/m,
    keys: ["key-package 0", "channel 1"],
    said: [
      /^master key: fresh, for a key package of (?:the receiver|this client); a new channel begins$/m,
      /^master key 1: fresh, by a step of the open channel$/m,
    ],
    isKept: true,
  },
  symmetric: {
    flags: ["--profile", "symmetric"],
    relayCan: /^ *symmetric: the relay is trusted with the key and could read this$/m,
    keys: ["fresh-rsa 0", "kept 1"],
    said: [BY_RSA, /^master key 1: kept from the last transfer, no RSA needed$/m],
    isKept: true,
  },
  asymmetric: {
    flags: ["--profile", "asymmetric"],
    relayCan: /^ *asymmetric: the relay cannot read this; it is trusted to say who is who$/m,
    keys: ["fresh-rsa 0", "fresh-rsa 0"],
    said: [BY_RSA, BY_RSA],
    isKept: false,
  },
};

const scene = await Scene.open({ after });
const relay = await scene.relay();
const relayData = join(scene.folder, "relay");

const send = (to: string, ...args: readonly string[]): Program =>
  scene.client("ann", relay, ["send", "--to", to, "--json", ...args]);

const masterKeys = (program: Program): string[] =>
  program
    .events()
    .filter(({ type }) => type === "master-key")
    .map(({ source, counter }) => `${String(source)} ${String(counter)}`);

/** The receivers take all from the first test to the last. */
const receivers = new Map<string, Program>();

for (const [profile, { flags, relayCan, keys, said, isKept }] of Object.entries(PROFILES)) {
  const who = `bob-${profile}`;

  test(`${profile}: the first message arrives, and both ends say what the relay can do`, async () => {
    const inbox = await scene.newFolder(`inbox-${profile}`);
    const args = ["--accept", "all", "-o", inbox, ...flags];
    const bob = await scene.receiver(who, relay, args);
    receivers.set(who, bob);
    const ann = send(who, "--text", "hellö, wörld ✓", ...flags);
    assert.deepEqual(await ann.ended(), { code: 0, signal: null }, ann.stderr());
    const received = await bob.event("message");
    assert.equal(received["text"], "hellö, wörld ✓");
    assert.equal(received["from"], "ann");
    for (const side of [ann, bob]) {
      assert.equal((await side.event("done"))["nextMasterKey"], isKept);
      assert.deepEqual(masterKeys(side), [keys[0]]);
      await side.said(relayCan);
      await side.said(said[0]);
    }
  });

  test(`${profile}: the next transfer, a file, starts with the key that it should`, async () => {
    const bob = receivers.get(who)!;
    const content = noise(5 * MIB + 12_345);
    const path = await writeContent(scene.folder, "photo.raw", content);
    const ann = send(who, path, ...flags);
    assert.equal((await ann.ended()).code, 0, ann.stderr());
    const stored = join(scene.folder, `inbox-${profile}`, "photo.raw");
    const done = await bob.event("done", (event) => event["path"] === stored);
    assert.equal(done["bytes"], content.length);
    assert.equal(await sha256File(stored), sha256(content));
    assert.deepEqual(masterKeys(ann), [keys[1]]);
    assert.deepEqual(masterKeys(bob), keys);
    for (const side of [ann, bob]) await side.said(said[1]);
  });
}

test("C-10 the first contact is said aloud at both ends, the second is none", async () => {
  const bob = receivers.get("bob-end-to-end")!;
  const again = send("bob-end-to-end", "--text", "again");
  assert.equal((await again.ended()).code, 0, again.stderr());
  assert.match(again.stderr(), /^bob-end-to-end is a contact: not verified$/m);
  assert.deepEqual(firstContacts(again), []);

  const carl = scene.client("carl", relay, [
    "send",
    "--text",
    "x",
    "--to",
    "bob-end-to-end",
    "--json",
  ]);
  assert.equal((await carl.ended()).code, 0, carl.stderr());
  await bob.event("first-contact", ({ name }) => name === "carl");
  assert.deepEqual(
    firstContacts(carl).map(({ name }) => name),
    ["bob-end-to-end"],
  );
  // Ann's own was the first that this receiver ever heard of, and it was told once.
  assert.deepEqual(
    firstContacts(bob).map(({ name }) => name),
    ["ann", "carl"],
  );
  assert.match(
    carl.stderr(),
    /^first contact with bob-end-to-end: its key is kept from now on, fingerprint \w{4}-\w{4}-\w{4}\.\.\.$/m,
  );
  await bob.said(/^first contact with carl: its key is kept if you accept, /m);
  for (const side of [carl, bob])
    await side.said(/nobody has verified that this is [\w-]+; compare the safety number/);
});

test("C-04 a home that was put back from a copy uses no master key twice", async () => {
  const copy = join(scene.folder, "copy");
  await cp(scene.home("ann"), copy, { recursive: true });
  for (const who of ["bob-end-to-end", "bob-symmetric"]) {
    const { flags } = PROFILES[who.slice(4)]!;
    assert.equal((await send(who, "--text", "before", ...flags).ended()).code, 0);
  }
  await rm(scene.home("ann"), { recursive: true });
  await cp(copy, scene.home("ann"), { recursive: true });

  for (const [who, keys, renewed] of [
    [
      "bob-end-to-end",
      ["channel 3", "key-package 0"],
      /^the keys with bob-end-to-end did not fit any more \(.+\); a new channel begins$/m,
    ],
    [
      "bob-symmetric",
      ["kept 2", "fresh-rsa 2"],
      /^bob-symmetric no longer has the kept master key; a fresh one goes by RSA$/m,
    ],
  ] as const) {
    const { flags } = PROFILES[who.slice(4)]!;
    const ann = send(who, "--text", "after", ...flags);
    assert.equal((await ann.ended()).code, 0, ann.stderr());
    await receivers.get(who)!.event("message", ({ text }) => text === "after");
    assert.deepEqual(masterKeys(ann), keys);
    assert.match(ann.stderr(), renewed);
  }
});

test("S-15 the relay keeps and logs nothing of what it carried", async () => {
  const secret = "xyzzy-for-bob-alone";
  for (const [profile, { flags }] of Object.entries(PROFILES)) {
    assert.equal((await send(`bob-${profile}`, "--text", secret, ...flags).ended()).code, 0);
    await receivers.get(`bob-${profile}`)!.event("message", ({ text }) => text === secret);
  }
  await relay.program.kill("SIGTERM");
  const kept = (await filesIn(relayData)).map((name) => join(relayData, name));
  const logged = Buffer.concat([relay.program.stdout(), Buffer.from(relay.program.stderr())]);
  for (const bytes of [...(await Promise.all(kept.map((path) => readFile(path)))), logged])
    for (const text of [secret, "photo.raw"]) assert.ok(!bytes.includes(text), text);
  // Names belong to identities, and so are kept; nobody's name is logged.
  assert.ok(!logged.includes('"ann"') && !logged.includes('"bob'));
  for (const path of [...kept, relayData]) assert.equal((await stat(path)).mode & 0o077, 0, path);
});

test("S-15 what a client keeps is readable by its owner alone", async () => {
  for (const who of ["ann", ...receivers.keys()])
    for (const entry of await readdir(scene.home(who), { recursive: true })) {
      const { mode } = await stat(join(scene.home(who), entry));
      assert.equal(mode & 0o077, 0, entry);
    }
});

function firstContacts(program: Program): EventLine[] {
  return program.events().filter(({ type }) => type === "first-contact");
}
