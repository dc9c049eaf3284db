import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, cp, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { utf8 } from "@postern/core/bytes";
import { PosternError } from "@postern/core/errors";
import {
  createIdentity,
  formatFingerprint,
  identityFromSeed,
  isName,
} from "@postern/core/identity";
import { chooseSuite } from "@postern/node";
import { hasCode } from "../../test/has-code.ts";
import { scratch } from "../../test/scratch.ts";
import { defaultHome, openHome } from "./home.ts";

const suite = chooseSuite();

test("defaultHome() follows the platform's custom", () => {
  assert.equal(defaultHome({ HOME: "/home/a" }, "linux"), "/home/a/.local/share/postern");
  const xdg = { HOME: "/home/a", XDG_DATA_HOME: "/data" };
  assert.equal(defaultHome(xdg, "linux"), "/data/postern");
  assert.equal(
    defaultHome({ HOME: "/home/a", XDG_DATA_HOME: "relative" }, "linux"),
    "/home/a/.local/share/postern",
  );
  assert.equal(
    defaultHome({ HOME: "/Users/a" }, "darwin"),
    "/Users/a/Library/Application Support/Postern",
  );
  assert.equal(defaultHome({ LOCALAPPDATA: "/local" }, "win32"), "/local/Postern");
  assert.equal(defaultHome({ ...xdg, POSTERN_HOME: "/p" }, "darwin"), "/p");
});

test("openHome() makes one identity for each name and keeps it", async (t) => {
  const home = await scratch(t);
  const alice = await openHome({ home, name: "alice", suite });
  const bob = await openHome({ home, name: "bob", suite });
  const made = await alice.store.identity();
  assert.notDeepEqual(made.signingSeed, (await bob.store.identity()).signingSeed);
  assert.equal(alice.directory, join(home, "alice"));
  await alice.close();
  await bob.close();
  const again = await openHome({ home, name: "alice", suite });
  assert.equal(again.name, "alice");
  assert.deepEqual(await again.store.identity(), made);
  await again.close();
});

test("openHome() makes up a valid name with the fingerprint's start", async (t) => {
  for (const [userName, start] of [
    ["root", "root-"],
    ["Jörg Müller", "jorg-muller-"],
    ["DOMAIN\\me", "domain-me-"],
    ["李", "user-"],
    ["", "user-"],
    ["x".repeat(60), `${"x".repeat(27)}-`],
    ["...", "user-"],
  ] as const) {
    const home = await scratch(t);
    const first = await openHome({ home, suite, userName });
    const { signingSeed } = await first.store.identity();
    const fingerprint = formatFingerprint(identityFromSeed(suite, signingSeed).fingerprint);
    assert.equal(first.name, start + fingerprint.slice(0, 4));
    assert.ok(isName(first.name));
    assert.equal(first.directory, join(home, "default"));
    await first.close();
    const again = await openHome({ home, suite, userName: "another" });
    assert.equal(again.name, first.name);
    await again.close();
  }
});

test("openHome() takes no name that is no name or leads elsewhere (F-01)", async (t) => {
  const home = await scratch(t);
  for (const name of ["", ".", "..", "a/b", "../x", "Alice", "é", "x".repeat(33), "default"])
    await assert.rejects(openHome({ home, name, suite }), hasCode("usage/invalid-argument"), name);
  assert.deepEqual(await readdir(home), []);
});

test("openHome() stores a name that Windows reserves (F-02)", async (t) => {
  const home = await openHome({ home: await scratch(t), name: "con", suite });
  assert.equal(home.name, "con");
  assert.match(home.directory, /%63on$/u);
  await home.close();
});

test("openHome() keeps its directory to its owner", async (t) => {
  const home = join(await scratch(t), "new", "postern");
  await (await openHome({ home, name: "alice", suite })).close();
  const directory = join(home, "alice");
  for (const path of [home, directory]) assert.equal((await stat(path)).mode & 0o777, 0o700);
  assert.equal((await stat(join(directory, "state.db"))).mode & 0o777, 0o600);
  await chmod(directory, 0o755);
  await (await openHome({ home, name: "alice", suite })).close();
  assert.equal((await stat(directory)).mode & 0o777, 0o700);
});

test("openHome() refuses an identity under another name", async (t) => {
  const home = await scratch(t);
  await (await openHome({ home, name: "alice", suite })).close();
  await cp(join(home, "alice"), join(home, "bob"), { recursive: true });
  for (let i = 0; i < 2; i++)
    await assert.rejects(openHome({ home, name: "bob", suite }), hasCode("store/failed"));
});

test("openHome() says which directory it cannot make", async (t) => {
  const home = join(await scratch(t), "file");
  await writeFile(home, "");
  await assert.rejects(openHome({ home, name: "alice", suite }), (error: unknown) => {
    assert.ok(error instanceof PosternError);
    assert.equal(error.code, "store/failed");
    assert.equal(error.details["directory"], join(home, "alice"));
    return true;
  });
});

test("openHome() is for one process at a time, and free again after a crash", async (t) => {
  const home = await scratch(t);
  const script = `
    import { chooseSuite } from "@postern/node";
    import { openHome } from ${JSON.stringify(import.meta.resolve("./home.ts"))};
    const home = await openHome({ home: process.argv[1], name: "alice", suite: chooseSuite() });
    await home.store.pinRelay("a", new Uint8Array(32).fill(5));
    process.stdout.write("ready");
    setInterval(() => {}, 1e6);
  `;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script, home], {
    cwd: import.meta.dirname,
    stdio: ["ignore", "pipe", "inherit"],
  });
  t.after(() => child.kill("SIGKILL"));
  await once(child.stdout, "data");
  await assert.rejects(openHome({ home, name: "alice", suite }), (error: unknown) => {
    assert.ok(error instanceof PosternError);
    assert.equal(error.code, "store/in-use");
    assert.equal(error.details["directory"], join(home, "alice"));
    return true;
  });
  child.kill("SIGKILL");
  await once(child, "exit");
  const after = await openHome({ home, name: "alice", suite });
  assert.deepEqual(await after.store.relayPin("a"), new Uint8Array(32).fill(5));
  await after.close();
});

test("openHome() opens an identity with its passphrase alone, and gives it free after a failure", async (t) => {
  const options = { home: await scratch(t), name: "alice", suite };
  const first = await openHome({ ...options, passphrase: utf8("not needed and not set") });
  assert.equal(first.isProtected, false);
  const made = await first.store.identity();
  await assert.rejects(first.setPassphrase(utf8("")), hasCode("usage/invalid-argument"));
  const passphrase = utf8("correct horse");
  await first.setPassphrase(passphrase);
  assert.equal(first.isProtected, true);
  await first.close();
  const path = join(first.directory, "state.db");
  assert.ok(!(await readFile(path)).includes(made.signingSeed));
  await assert.rejects(openHome(options), hasCode("store/locked"));
  const wrong = openHome({ ...options, passphrase: utf8("battery staple") });
  await assert.rejects(wrong, hasCode("store/wrong-passphrase"));
  const second = await openHome({ ...options, passphrase: async () => passphrase.slice() });
  assert.equal(second.fingerprint, first.fingerprint);
  assert.deepEqual(await second.store.identity(), made);
  await second.setPassphrase(undefined);
  assert.equal(second.isProtected, false);
  await second.close();
  await (await openHome(options)).close();
});

test("openHome() makes one guess of a passphrase cost 64 MiB and three passes", async (t) => {
  const home = await openHome({ home: await scratch(t), name: "alice", suite });
  await home.setPassphrase(utf8("correct horse"));
  await home.close();
  const database = new DatabaseSync(join(home.directory, "state.db"));
  const row = database.prepare("SELECT memory_kib, passes, lanes FROM passphrase").get();
  database.close();
  assert.deepEqual({ ...row }, { memory_kib: 65_536, passes: 3, lanes: 1 });
});

test("openHome() shows contacts without a connection", async (t) => {
  const options = { home: await scratch(t), name: "alice", suite };
  const home = await openHome(options);
  const bob = createIdentity(suite);
  const added = await home.contacts.addFirstUse(bob.id, "bob");
  await home.close();
  const again = await openHome(options);
  assert.deepEqual(await again.contacts.list(), [added]);
  const own = identityFromSeed(suite, (await again.store.identity()).signingSeed);
  await assert.rejects(again.contacts.addFirstUse(own.id, "me"), hasCode("peer/malformed"));
  await again.close();
});
