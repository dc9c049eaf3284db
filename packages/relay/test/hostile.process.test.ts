import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { test, type TestContext } from "node:test";
import { HTTP_HEADERS_TIMEOUT_MS, HANDSHAKE_TIMEOUT_MS } from "@postern/core/limits";
import { startClientLink, stepLink } from "@postern/core/link";
import type { InstantMs } from "@postern/core/time";
import { chanceOf, type Chance } from "./chance.ts";
import { heldBytes } from "./held-memory.ts";
import { person, rawConnection, suite, TestLink, upgrade, type Port } from "./test-client.ts";
import { logTo, TestClock, testRelay } from "./test-relay.ts";
import { closed, within } from "./within.ts";
import type { RunningRelay } from "../src/relay.ts";

const M1_BYTES = 1_216;
const M2_BYTES = 2_400;
const M3_BYTES = 2_520;

interface BareLink {
  readonly socket: Socket;
  readonly got: () => Buffer;
  /** Resolves when so many bytes have come, or the relay has closed. */
  readonly arrived: (count: number) => Promise<void>;
}

/** A socket behind the upgrade, for bytes of our own; what comes back is kept. */
async function bareLink(relay: Port): Promise<BareLink> {
  const upgraded = await upgrade(relay, "/link");
  if (typeof upgraded === "number") throw new Error(`refused with ${upgraded}`);
  const { socket, head } = upgraded;
  const chunks: Buffer[] = [head];
  let changed = Promise.withResolvers<void>();
  const announce = (): void => {
    changed.resolve();
    changed = Promise.withResolvers<void>();
  };
  socket.on("data", (chunk: Buffer) => {
    chunks.push(chunk);
    announce();
  });
  socket.on("error", () => socket.destroy());
  socket.on("end", () => socket.end());
  socket.on("close", announce);
  const got = (): Buffer => Buffer.concat(chunks);
  return {
    socket,
    got,
    async arrived(count) {
      while (got().length < count && !socket.closed)
        await within(`${count} bytes, ${got().length} have come`, changed.promise);
    },
  };
}

/** A neighbour that must go on being served, and a relay that complains about nothing. */
async function watched(t: TestContext): Promise<{
  relay: RunningRelay;
  isWell: () => Promise<void>;
}> {
  const lines: string[] = [];
  const relay = await testRelay(t, { logger: logTo(lines, "warn") });
  const neighbour = await TestLink.connect(relay, person("neighbour"));
  t.after(() => neighbour.close());
  return {
    relay,
    async isWell() {
      neighbour.send({ kind: "find", request: 1, name: "neighbour" });
      assert.equal((await neighbour.frame("found")).status, "busy");
      assert.deepEqual(lines, []);
    },
  };
}

test("10,000 random frames before login end their links and nothing else (P-03, P-07)", async (t) => {
  const chance = chanceOf(t);
  const { relay, isWell } = await watched(t);
  for (let round = 0; round < 50; round++) {
    const links = await Promise.all(Array.from({ length: 4 }, () => bareLink(relay)));
    for (const { socket } of links)
      for (let frame = 0; frame < 50; frame++) socket.write(chance.bytes(1 + chance.below(200)));
    for (const { socket } of links) socket.end(chance.bytes(M1_BYTES + M3_BYTES));
    await Promise.all(links.map(({ socket }) => closed(socket, `a link of round ${round}`)));
    for (const { got } of links) assert(got().length <= M2_BYTES);
  }
  await isWell();
});

test("handshake messages cut anywhere get no word and do no harm (P-01)", async (t) => {
  const { relay, isWell } = await watched(t);
  const who = person("cut");
  const first = (): { m1: Uint8Array; state: ReturnType<typeof startClientLink>["state"] } => {
    const options = { ...who, pin: relay.fingerprint };
    const { state, effects } = startClientLink(suite, options, 0 as InstantMs);
    const write = effects.find((effect) => effect.kind === "write");
    assert(write?.kind === "write");
    return { m1: write.bytes, state };
  };
  // A few at a time: the relay bounds handshakes under way.
  const cuts = Array.from({ length: 316 }, (_, i) => i * 4);
  for (const batch of chunked(cuts, 64))
    await Promise.all(
      batch.map(async (cut) => {
        const { socket, got } = await bareLink(relay);
        socket.end(first().m1.subarray(0, cut));
        await closed(socket, `the link whose m1 was cut at ${cut}`);
        assert.equal(got().length, cut >= M1_BYTES ? M2_BYTES : 0, `m1 cut at ${cut}`);
      }),
    );
  const laterCuts = [0, 1, 15, 16, 1_119, 1_120, 1_135, 1_136, 1_137, 2_367, 2_368, 2_519];
  for (const cut of laterCuts) {
    const { socket, got, arrived } = await bareLink(relay);
    const { m1, state } = first();
    socket.write(m1);
    await arrived(M2_BYTES);
    const step = stepLink(state, { kind: "received", bytes: got() }, 1 as InstantMs);
    const m3 = step.effects.find((effect) => effect.kind === "write");
    assert(m3?.kind === "write", `${got().length} bytes answered m1, the link ended`);
    assert.equal(m3.bytes.length, M3_BYTES);
    socket.end(m3.bytes.subarray(0, cut));
    await closed(socket, `the link whose m3 was cut at ${cut}`);
    assert.equal(got().length, M2_BYTES, `no word to an m3 cut at ${cut}`);
  }
  await isWell();
});

function chunked<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, i) =>
    items.slice(i * size, (i + 1) * size),
  );
}

test("random frames after login end their links and nothing else (P-03, P-07)", async (t) => {
  const chance = chanceOf(t);
  const { relay, isWell } = await watched(t);
  const who = person("fuzzer");
  const target = person("target");
  const victim = await TestLink.connect(relay, target);
  let outlived = 0;
  for (let round = 0; round < 60; round++) {
    const link = await TestLink.connect(relay, who);
    for (let frame = 0; frame < 20; frame++) link.sendSealed(randomFrame(chance, target));
    link.send({ kind: "find", request: 1, name: "target" });
    const answered = link.frame("found").then(() => outlived++);
    await Promise.race([answered.catch(() => undefined), link.closed]);
    await link.close();
  }
  assert(outlived < 60, "no frame was ever refused");
  await isWell();
  await victim.close();
});

/** Any type with any body, or a right length with random content, sometimes for the target. */
function randomFrame(chance: Chance, { identity }: ReturnType<typeof person>): Uint8Array {
  const below = (limit: number): number => chance.below(limit);
  const shapes: readonly (readonly [number, number])[] = [
    [0x01, 8],
    [0x02, 8],
    [0x10, 4],
    [0x11, 5],
    [0x12, 12],
    [0x13, 36 + below(200)],
    [0x14, 52],
    [0x15, below(588)],
    [0x16, 437],
    [0x1a, 6 + 1_352 * below(3)],
    [0x1b, 36],
    [0x1c, 4],
    [0x1d, 8],
    [0x1e, 5 + below(600)],
    [0x1f, 4],
    [below(256), below(600)],
  ];
  const [type, length] = shapes[below(shapes.length)] ?? [0, 0];
  const frame = chance.bytes(1 + length);
  frame[0] = type;
  // A name of random bytes would never be one, and a random receiver is never there.
  if (type === 0x12 && length >= 12) frame.set([7, 0x61, 0x62, 0x63, 0x2e, 0x64, 0x65, 0x66], 5);
  // As many packages as it says, of nobody.
  if (type === 0x1a && length >= 6) frame.set([below(2), Math.floor((length - 6) / 1_352)], 5);
  if (
    (type === 0x13 || type === 0x14 || type === 0x16 || type === 0x1b) &&
    length >= 36 &&
    below(4) > 0
  )
    frame.set(identity.fingerprint, 5);
  return frame;
}

test("a bit flipped anywhere in m1 or m3 never logs in (C-01)", async (t) => {
  const chance = chanceOf(t);
  const { relay, isWell } = await watched(t);
  const who = person("flipped");
  for (let round = 0; round < 60; round++) {
    const { socket, got, arrived } = await bareLink(relay);
    const options = { ...who, pin: relay.fingerprint };
    const start = startClientLink(suite, options, 0 as InstantMs);
    const m1 = start.effects.find((effect) => effect.kind === "write");
    assert(m1?.kind === "write");
    const inFirst = round % 3 === 0;
    socket.write(inFirst ? flipped(m1.bytes, chance) : m1.bytes);
    await arrived(M2_BYTES);
    const m2 = { kind: "received", bytes: got() } as const;
    const { effects } = stepLink(start.state, m2, 1 as InstantMs);
    const m3 = effects.find((effect) => effect.kind === "write");
    if (m3?.kind === "write") socket.write(inFirst ? m3.bytes : flipped(m3.bytes, chance));
    else socket.end();
    await closed(socket, `the link of round ${round}`);
    assert(got().length <= M2_BYTES);
  }
  await isWell();
});

function flipped(bytes: Uint8Array, chance: Chance): Uint8Array {
  const copy = bytes.slice();
  const at = chance.below(copy.length);
  copy[at] = (copy[at] ?? 0) ^ (1 << chance.below(8));
  return copy;
}

test("1,024 half-open connections hold little memory (P-02)", async (t) => {
  const { relay, isWell } = await watched(t);
  const before = await heldBytes();
  const sockets: Socket[] = [];
  t.after(() => sockets.forEach((socket) => socket.destroy()));
  for (let i = 0; i < 1_024; i++) {
    const socket = await rawConnection(relay);
    // As much as a link takes before it could know anything: one byte less than m1.
    socket.write(
      "GET /link HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: postern\r\n\r\n",
    );
    socket.write(Buffer.alloc(M1_BYTES - 1, 0xff));
    sockets.push(socket);
  }
  await isWell();
  const each = ((await heldBytes()) - before) / sockets.length;
  assert(each < 40_000, `${Math.round(each)} bytes for each, of which half are this test's own`);
  for (const socket of sockets) socket.destroy();
  await isWell();
});

test("handshakes over the limit get 503 and make room again (P-02)", async (t) => {
  const handshakes = { handshakesMax: 100, handshakesPerAddressMax: 8 };
  const relay = await testRelay(t, { handshakes });
  const held = await Promise.all(Array.from({ length: 8 }, () => bareLink(relay)));
  assert.equal(await upgrade(relay, "/link"), 503);
  const idle: Socket[] = [];
  for (let i = 0; i < 30; i++) idle.push(await rawConnection(relay));
  for (const socket of idle) socket.resume();
  await Promise.all(idle.slice(8).map((socket) => closed(socket, "one far over the limit")));
  assert(
    idle.slice(0, 7).every((socket) => !socket.closed),
    "far over the limit they are cut",
  );
  for (const socket of [...idle, ...held.map((link) => link.socket)]) socket.destroy();
  const link = await retried(() => TestLink.connect(relay, person("alice")));
  const other = await TestLink.connect(relay, person("bob"));
  await Promise.all([link.close(), other.close()]);
});

/** The relay hears of closed sockets a moment later. */
async function retried<T>(attempt: () => Promise<T>): Promise<T> {
  for (let left = 100; ; left--) {
    try {
      return await attempt();
    } catch (error) {
      if (left === 0) throw error;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}

test("a handshake that crawls ends after HANDSHAKE_TIMEOUT_MS (P-06)", async (t) => {
  const clock = new TestClock();
  const relay = await testRelay(t, { clock });
  const { socket, got } = await bareLink(relay);
  for (let byte = 0; byte < 2; byte++) {
    socket.write(Uint8Array.of(1));
    await new Promise((resolve) => setImmediate(resolve));
    clock.advance(HANDSHAKE_TIMEOUT_MS / 2 - 2_000);
  }
  assert.equal(socket.closed, false);
  clock.advance(4_500);
  await closed(socket, "the link that crawls");
  assert.equal(got().length, 0);
});

test("a request that crawls is cut, its neighbours go on (P-06)", async (t) => {
  const { relay, isWell } = await watched(t);
  const began = performance.now();
  const silent = await rawConnection(relay);
  const slow = await rawConnection(relay);
  for (const socket of [silent, slow]) socket.resume();
  slow.write("GET /link HTTP/1.1\r\nHost: x\r\n");
  const drip = setInterval(() => slow.write("X: y\r\n"), 400);
  // Also when the test fails: a timer that goes on keeps its process alive for ever.
  t.after(() => clearInterval(drip));
  await Promise.all([closed(silent, "the silent one"), closed(slow, "the slow one")]);
  clearInterval(drip);
  const took = Math.round(performance.now() - began);
  t.diagnostic(`cut after ${took} ms`);
  assert(took < 3 * HTTP_HEADERS_TIMEOUT_MS, `cut after ${took} ms`);
  await isWell();
});
