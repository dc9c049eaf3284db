/** Key packages over real sockets and on a real disk (docs/protocol-end-to-end.md 7.3.7). */
import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { StatementSync } from "node:sqlite";
import { test } from "node:test";
import { hex } from "@postern/core/bytes";
import { PACKAGES_ONE_TIME, PACKAGES_PER_IDENTITY_MAX } from "@postern/core/limits";
import { kidOf, packageOf, packagesOf } from "./packages.ts";
import { person, TestLink } from "./test-client.ts";
import { dataDirectory, logTo, testRelay } from "./test-relay.ts";

async function held(link: TestLink): Promise<string[]> {
  link.send({ kind: "publish-packages", request: 1, replace: false, packages: [] });
  return (await link.frame("packages-held")).held.map(({ kid }) => hex(kid));
}

/** The kid of what the relay gave; empty for none. */
async function fetched(link: TestLink, of: Uint8Array): Promise<string> {
  link.send({ kind: "fetch-package", request: 2, of });
  return hex(kidOf((await link.frame("package")).keyPackage));
}

test("R-08 a restart keeps packages, and hands none out that went before it", async (t) => {
  const dataDir = await dataDirectory(t);
  const [alice, bob] = [person("alice"), person("bob")];
  const lastResort = packageOf(bob, { type: "last-resort" });
  const oneTime = packagesOf(bob, PACKAGES_ONE_TIME);
  const left = oneTime.map((each) => hex(kidOf(each)));
  const first = await testRelay(t, { dataDir });
  const receiver = await TestLink.connect(first, bob);
  const packages = [...oneTime, lastResort];
  receiver.send({ kind: "publish-packages", request: 1, replace: true, packages });
  assert.equal((await receiver.frame("packages-held")).held.length, PACKAGES_PER_IDENTITY_MAX);
  const sender = await TestLink.connect(first, alice);
  for (let i = 0; i < 3; i++)
    assert.equal(await fetched(sender, bob.identity.fingerprint), left.shift());
  await first.close();
  await Promise.all([receiver.closed, sender.closed]);
  const second = await testRelay(t, { dataDir });
  const again = await TestLink.connect(second, alice);
  assert.equal(await fetched(again, bob.identity.fingerprint), left.shift());
  const owner = await TestLink.connect(second, bob);
  assert.deepEqual(await held(owner), [...left, hex(kidOf(lastResort))]);
  while (left.length > 0)
    assert.equal(await fetched(again, bob.identity.fingerprint), left.shift());
  assert.equal(await fetched(again, bob.identity.fingerprint), hex(kidOf(lastResort)));
  await Promise.all([again.close(), owner.close()]);
});

test("R-07 what a link was given is gone from the disk before it has it", async (t) => {
  const dataDir = await dataDirectory(t);
  const relay = await testRelay(t, { dataDir });
  const [alice, bob] = [person("alice"), person("bob")];
  const link = await TestLink.connect(relay, bob);
  const packages = packagesOf(bob, 2);
  link.send({ kind: "publish-packages", request: 1, replace: true, packages });
  await link.frame("packages-held");
  const sender = await TestLink.connect(relay, alice);
  const kid = await fetched(sender, bob.identity.fingerprint);
  // A copy of the files at this moment is what a relay finds that crashed at it.
  const copy = await dataDirectory(t);
  copyStore(dataDir, copy);
  const revived = await testRelay(t, { dataDir: copy });
  const owner = await TestLink.connect(revived, bob);
  const after = await held(owner);
  assert.equal(after.length, 1);
  assert(!after.includes(kid), "it would go out twice");
  await Promise.all([link.close(), sender.close(), owner.close()]);
});

test("R-03 links that race for few packages never share one", async (t) => {
  const relay = await testRelay(t);
  const bob = person("bob");
  const link = await TestLink.connect(relay, bob);
  const packages = packagesOf(bob, 20);
  link.send({ kind: "publish-packages", request: 1, replace: true, packages });
  await link.frame("packages-held");
  const racers = await Promise.all(
    Array.from({ length: 6 }, (_, i) => TestLink.connect(relay, person(`racer-${i}`))),
  );
  const of = bob.identity.fingerprint;
  for (const racer of racers)
    for (let i = 0; i < 4; i++) racer.send({ kind: "fetch-package", request: 2, of });
  const got: string[] = [];
  for (const racer of racers)
    for (let i = 0; i < 4; i++)
      got.push(hex((await racer.frame("package")).keyPackage.slice(4, 20)));
  const given = got.filter((kid) => kid !== "");
  assert.equal(given.length, 20);
  assert.equal(new Set(given).size, 20);
  assert.equal(got.length - given.length, 4, "the late ones got none");
  await Promise.all([link, ...racers].map((each) => each.close()));
});

test("P-03 a publication that is no list of packages ends its link and changes nothing", async (t) => {
  const relay = await testRelay(t);
  const bob = person("bob");
  const packages = packagesOf(bob, 1);
  for (const spoil of [
    (frame: Uint8Array) => frame.subarray(0, -1),
    (frame: Uint8Array) => Buffer.concat([frame, Uint8Array.of(0)]),
    (frame: Uint8Array) => frame.fill(PACKAGES_PER_IDENTITY_MAX + 1, 6, 7),
  ]) {
    const link = await TestLink.connect(relay, bob);
    link.send({ kind: "publish-packages", request: 1, replace: true, packages });
    await link.frame("packages-held");
    const frame = Buffer.concat([Uint8Array.of(0x1a, 0, 0, 0, 1, 1, 1), ...packagesOf(bob, 1)]);
    link.sendSealed(spoil(frame));
    await link.closed;
    const again = await TestLink.connect(relay, bob);
    assert.deepEqual(
      await held(again),
      packages.map((each) => hex(kidOf(each))),
    );
    await again.close();
  }
});

test("the log shows neither packages nor who fetched whose, on any level", async (t) => {
  const lines: string[] = [];
  const relay = await testRelay(t, { logger: logTo(lines, "debug") });
  const bob = person("bob");
  const link = await TestLink.connect(relay, bob);
  const packages = packagesOf(bob, 2);
  link.send({ kind: "publish-packages", request: 1, replace: true, packages });
  await link.frame("packages-held");
  const before = lines.length;
  await fetched(link, bob.identity.fingerprint);
  link.send({
    kind: "publish-packages",
    request: 1,
    replace: true,
    packages: [new Uint8Array(1_352)],
  });
  assert.equal((await link.frame("result")).status, "refused");
  assert.equal(lines.length, before, "these frames leave no line");
  const log = lines.join("");
  for (const each of packages)
    for (const form of ["hex", "base64", "base64url"] as const)
      assert(!log.includes(Buffer.from(kidOf(each)).toString(form)));
  await link.close();
});

/** The database and its journal, as they are on the disk now. */
function copyStore(from: string, to: string): void {
  mkdirSync(to, { recursive: true });
  for (const file of ["relay.db", "relay.db-wal"])
    writeFileSync(join(to, file), readFileSync(join(from, file)));
}

test("a full disk costs no link: what it did not take is refused, and taken later", async (t) => {
  const relay = await testRelay(t);
  const [alice, bob] = [person("alice"), person("bob")];
  const link = await TestLink.connect(relay, bob);
  const packages = packagesOf(bob, 1);
  const publish = { kind: "publish-packages", request: 7, replace: false, packages } as const;
  const disk = t.mock.method(StatementSync.prototype, "run", () => {
    throw Object.assign(new Error("database or disk is full"), { errcode: 13 });
  });
  link.send(publish);
  assert.equal((await link.frame("result")).status, "overloaded");
  const refused = await TestLink.start(relay, alice);
  assert.equal((await refused.event("failed")).error.code, "relay/overloaded", "a name");
  disk.mock.restore();
  link.send(publish);
  assert.equal((await link.frame("packages-held")).held.length, 1);
  const sender = await TestLink.connect(relay, alice);
  await Promise.all([sender.close(), link.close()]);
});
