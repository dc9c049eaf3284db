import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { test } from "node:test";
import { label, concat } from "@postern/core/bytes";
import { PosternError, type ErrorCode } from "@postern/core/errors";
import { formatFingerprint, parseRelayAddress } from "@postern/core/identity";
import {
  FRAMES_LATE_MS,
  FRAMES_WAITING_MAX,
  LINK_CONGESTED_BYTES,
  LINK_QUEUE_BYTES_MAX,
} from "@postern/core/limits";
import { encodeLinkFrame } from "@postern/core/link";
import { nativeRsa } from "@postern/node";
import { heldBytes } from "./held-memory.ts";
import { person, rawConnection, TestLink } from "./test-client.ts";
import { dataDirectory, logTo, TestClock, testRelay } from "./test-relay.ts";

/** Two seconds at most on a machine of its own, and less than any link's patience. */
const PROMPTLY_MS = 10_000;

const failsWith = (code: ErrorCode) => (error: unknown) =>
  error instanceof PosternError && error.code === code;

const transfer = new Uint8Array(16).fill(2);
const body = new TextEncoder().encode("a secret word");

test("startRelay() gives an address with its fingerprint", async (t) => {
  const relay = await testRelay(t);
  const address = parseRelayAddress(relay.address);
  assert.equal(address.host, "127.0.0.1");
  assert.equal(address.port, relay.port);
  assert.deepEqual(address.fingerprint, relay.fingerprint);
});

test("startRelay() hands envelopes from link to link", async (t) => {
  const relay = await testRelay(t);
  const alice = await TestLink.connect(relay, person("alice"));
  const bob = await TestLink.connect(relay, person("bob"));
  alice.send({ kind: "envelope", request: 1, to: bob.fingerprint, body });
  const delivery = await bob.frame("delivery");
  assert.equal(delivery.name, "alice");
  assert.deepEqual(Buffer.from(delivery.body), Buffer.from(body));
  assert.equal((await alice.frame("result")).status, "done");
  await bob.close();
  assert.deepEqual(
    Buffer.from((await alice.frame("peer-gone")).peer),
    Buffer.from(bob.fingerprint),
  );
  await alice.close();
});

test("an envelope's result goes with the next frame to its link, in order, or soon alone", async (t) => {
  const clock = new TestClock();
  const relay = await testRelay(t, { clock });
  const alice = await TestLink.connect(relay, person("alice"));
  const bob = await TestLink.connect(relay, person("bob"));
  const toBob = { kind: "envelope", to: bob.fingerprint, body } as const;
  alice.send({ ...toBob, request: 1 });
  await bob.frame("delivery");
  let reads = 0;
  alice.socket.on("data", () => reads++);
  bob.send({ kind: "envelope", to: alice.fingerprint, body, request: 1 });
  assert.deepEqual(await alice.frame("result"), { kind: "result", request: 1, status: "done" });
  await alice.frame("delivery");
  assert.equal(reads, 1);
  alice.send({ ...toBob, request: 1 });
  await bob.frame("result");
  await bob.frame("delivery");
  // Refusals are not held back, and take along what was.
  alice.send({ ...toBob, request: 2, to: new Uint8Array(32) });
  assert.deepEqual(await alice.frame("result"), { kind: "result", request: 1, status: "done" });
  assert.equal((await alice.frame("result")).status, "unknown");
  alice.send({ ...toBob, request: 3 });
  await bob.frame("delivery");
  clock.advance(FRAMES_LATE_MS);
  assert.equal((await alice.frame("result")).request, 3);
  // Each waits its own time: what another frame took along leaves no hurry behind.
  alice.send({ ...toBob, request: 4 });
  await bob.frame("delivery");
  clock.advance(FRAMES_LATE_MS / 2);
  bob.send({ kind: "envelope", to: alice.fingerprint, body, request: 2 });
  assert.equal((await alice.frame("result")).request, 4);
  await alice.frame("delivery");
  alice.send({ ...toBob, request: 5 });
  await bob.frame("result");
  await bob.frame("delivery");
  const readsBefore = reads;
  clock.advance(FRAMES_LATE_MS / 2);
  bob.send({ kind: "find", request: 3, name: "bob" });
  await bob.frame("found");
  assert.equal(reads, readsBefore);
  clock.advance(FRAMES_LATE_MS / 2);
  assert.equal((await alice.frame("result")).request, 5);
  for (let request = 10; request < 10 + FRAMES_WAITING_MAX; request++)
    alice.send({ ...toBob, request });
  assert.equal((await alice.frame("result")).request, 10);
  await alice.close();
  await bob.close();
});

test("answers leave in the order in which they were sealed, pongs among them", async (t) => {
  const relay = await testRelay(t);
  const link = await TestLink.connect(relay, person("alice"));
  const find = encodeLinkFrame({ kind: "find", request: 1, name: "alice" });
  const ping = encodeLinkFrame({ kind: "ping", token: 7 });
  link.sendSealed(find, ping, find);
  for (let i = 0; i < 2; i++) assert.equal((await link.frame("found")).status, "busy");
  await link.close();
});

test("a proven login displaces its old link at once, another one does not (R-01, R-02)", async (t) => {
  const relay = await testRelay(t);
  const who = person("alice");
  const old = await TestLink.connect(relay, who);
  const thief = await TestLink.start(relay, person("alice"));
  const { error } = await thief.event("failed");
  assert.equal(error.code, "relay/name-taken");
  await thief.closed;
  const began = performance.now();
  const fresh = await TestLink.connect(relay, who);
  assert.equal((await old.frame("notice")).notice, "superseded");
  await old.closed;
  const took = Math.round(performance.now() - began);
  t.diagnostic(`back after ${took} ms`);
  assert(took < PROMPTLY_MS, `back after ${took} ms`);
  await fresh.close();
});

test("startRelay() relays a master key under its own RSA key (S-01)", async (t) => {
  const relay = await testRelay(t);
  const alice = await TestLink.connect(relay, person("alice"));
  const bob = await TestLink.connect(relay, person("bob"));
  const [aliceRsa, bobRsa] = await Promise.all([nativeRsa.generate(), nativeRsa.generate()]);
  alice.sendCertificate(aliceRsa.spki);
  bob.sendCertificate(bobRsa.spki);
  bob.send({ kind: "presence", free: 1, listed: true, profiles: 1 });
  await bob.frame("rsa-key");
  const key = await nativeRsa.importPublic((await alice.frame("rsa-key")).spki);
  assert(key !== undefined);
  const labelled = (use: string): Uint8Array =>
    concat(label(use), transfer, alice.fingerprint, bob.fingerprint);
  const masterKey = new Uint8Array(32).fill(0x5a);
  const send = async (use: string, plaintext: Uint8Array): Promise<void> => {
    const ciphertext = await nativeRsa.encrypt(key, labelled(use), plaintext);
    const to = bob.fingerprint;
    alice.send({ kind: "key-up", request: 1, to, transfer, use: "this", ciphertext });
  };
  await send("sym-up", masterKey);
  const down = await bob.frame("key-down");
  assert.equal((await alice.frame("result")).status, "done");
  assert.deepEqual(Buffer.from(down.from), Buffer.from(alice.who.identity.id));
  const opened = await nativeRsa.decrypt(bobRsa, labelled("sym-down"), down.ciphertext);
  assert.deepEqual(opened, masterKey);
  await send("sym-next-up", masterKey);
  assert.equal((await alice.frame("result")).status, "failed", "another use's label");
  await send("sym-up", new Uint8Array(31));
  assert.equal((await alice.frame("result")).status, "failed", "no master key");
  assert.equal(bob.frames.length, 2, "Bob heard of neither");
  await Promise.all([alice.close(), bob.close()]);
});

test("a relay keeps its fingerprint and names when it comes back (R-08)", async (t) => {
  const dataDir = await dataDirectory(t);
  const first = await testRelay(t, { dataDir });
  const who = person("alice");
  const link = await TestLink.connect(first, who);
  const began = performance.now();
  const closing = first.close();
  const notice = await link.frame("notice");
  assert.equal(notice.notice, "restarting");
  assert(notice.afterMs > 0);
  await closing;
  assert(performance.now() - began < PROMPTLY_MS);
  await link.closed;
  const second = await testRelay(t, { dataDir });
  assert.deepEqual(second.fingerprint, first.fingerprint);
  const thief = await TestLink.start(second, person("alice"));
  assert.equal((await thief.event("failed")).error.code, "relay/name-taken");
  await (await TestLink.connect(second, who)).close();
});

test("close() ends promptly though clients do not read or answer", async (t) => {
  const relay = await testRelay(t);
  const silent = await rawConnection(relay);
  const deaf = await TestLink.connect(relay, person("deaf"));
  deaf.socket.removeAllListeners("end").pause();
  const began = performance.now();
  await relay.close();
  const took = Math.round(performance.now() - began);
  t.diagnostic(`closed after ${took} ms`);
  assert(took < PROMPTLY_MS, `closed after ${took} ms`);
  silent.destroy();
  await deaf.close();
});

test("startRelay() names a port in use and a host that is not ours", async (t) => {
  const dataDir = await dataDirectory(t);
  const other = createServer().listen(0, "127.0.0.1");
  await once(other, "listening");
  t.after(() => other.close());
  const address = other.address();
  assert(typeof address === "object" && address !== null);
  await assert.rejects(
    testRelay(t, { dataDir, port: address.port }),
    failsWith("relay/port-in-use"),
  );
  await assert.rejects(
    testRelay(t, { dataDir, host: "192.0.2.1" }),
    failsWith("relay/cannot-listen"),
  );
  const relay = await testRelay(t, { dataDir });
  await assert.rejects(testRelay(t, { dataDir }), failsWith("store/in-use"));
  await relay.close();
});

test("a link whose client reads nothing is refused envelopes, and closed at the bound (R-11)", async (t) => {
  const relay = await testRelay(t);
  const alice = await TestLink.connect(relay, person("alice"));
  const bob = await TestLink.connect(relay, person("bob"));
  bob.socket.pause();
  const big = new Uint8Array(60_000);
  const before = await heldBytes();
  let taken = 0;
  for (let status = "done"; status === "done" && taken < 1_000; taken++) {
    alice.send({ kind: "envelope", request: 1, to: bob.fingerprint, body: big });
    ({ status } = await alice.frame("result"));
    if (status !== "done") assert.equal(status, "overloaded");
  }
  assert(taken < 1_000, "nothing held the sender back");
  const held = (await heldBytes()) - before;
  assert(held < LINK_CONGESTED_BYTES + 1_048_576, `${held} bytes are held`);
  // Its own answers add to the queue, until it is closed.
  const find = { kind: "find", request: 1, name: "nobody" } as const;
  for (let i = 0; i < LINK_QUEUE_BYTES_MAX / 60; i++) bob.send(find);
  assert.equal((await alice.frame("peer-gone")).kind, "peer-gone");
  bob.socket.resume();
  await Promise.all([bob.closed, alice.close()]);
});

test("the log at info shows no name, no fingerprint and no content (R-14)", async (t) => {
  const lines: string[] = [];
  const relay = await testRelay(t, { logger: logTo(lines, "info") });
  const alice = await TestLink.connect(relay, person("alice-in-the-log"));
  const bob = await TestLink.connect(relay, person("bob-in-the-log"));
  const thief = await TestLink.start(relay, person("alice-in-the-log"));
  await thief.event("failed");
  alice.send({ kind: "envelope", request: 1, to: bob.fingerprint, body });
  alice.send({ kind: "open-pipe", request: 1, to: bob.fingerprint, transfer });
  await bob.frame("delivery");
  await bob.frame("pipe-ticket");
  bob.socket.write("not a frame at all, but long enough to be taken for the start of one");
  await bob.closed;
  await alice.close();
  await relay.close();
  const text = lines.join("");
  assert(lines.length >= 8, "it does log");
  const secrets = [alice, bob, thief].flatMap(({ fingerprint, who }) => [
    who.name,
    formatFingerprint(fingerprint),
    Buffer.from(fingerprint).toString("hex"),
    Buffer.from(fingerprint).toString("base64url"),
  ]);
  const own = formatFingerprint(relay.fingerprint);
  for (const secret of [...secrets, own, "secret", "127.0.0.1", Buffer.from(body).toString("hex")])
    assert(!text.includes(secret), `the log shows ${secret}`);
  for (const line of lines) assert.equal(line.trim().split("\n").length, 1);
});
