/** A relay that does not answer, never ends its answer, or has always something to say. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { PosternError } from "@postern/core/errors";
import { ANSWER_TIMEOUT_MS, LINKS_MAX } from "@postern/core/limits";
import type { ReceiverEntry, RelayFrame } from "@postern/core/link";
import { hasCode } from "../../packages/client/test/has-code.ts";
import { Stage, type Actor } from "./cast.ts";

const ANSWERS = [
  ["found", "end-to-end"],
  ["package", "end-to-end"],
  ["rsa-key", "symmetric"],
  ["auth-challenge", "asymmetric"],
  ["auth-confirm", "asymmetric"],
  ["certificate", "asymmetric"],
] as const satisfies readonly (readonly [RelayFrame["kind"], string])[];
const PROFILES = ["symmetric", "asymmetric", "end-to-end"] as const;

test("P-06 a relay that keeps an answer back holds up nobody for longer than an answer may take", async () => {
  for (const [kept, profile] of ANSWERS) {
    const stage = await Stage.open();
    const alice = await stage.person("alice");
    const bob = await stage.receiver("bob", { profiles: PROFILES });
    const late: RelayFrame[] = [];
    stage.relay.onAnswer = (to, frame) => {
      if (to !== "alice" || frame.kind !== kept) return [frame];
      late.push(frame);
      return [];
    };
    const before = stage.clock.now();
    assert.equal(await stage.send(alice, "bob", { profile }), "link/timed-out", kept);
    assert.ok(stage.clock.now() - before <= ANSWER_TIMEOUT_MS + 1_000, kept);
    assert.equal(late.length, 1, kept);
    assert.equal(bob.received.length, 0);
    // What comes too late serves who comes then.
    stage.relay.onAnswer = (_to, frame) => [frame];
    for (const frame of late) stage.relay.say("alice", frame);
    await stage.clock.advance(ANSWER_TIMEOUT_MS);
    assert.equal(await stage.send(alice, "bob", { profile }), "done", kept);
  }
});

test("P-06 an answer that is lost is asked for anew, at the latest on the next link", async () => {
  for (const [lost, profile] of ANSWERS) {
    const stage = await Stage.open();
    const alice = await stage.person("alice");
    const bob = await stage.receiver("bob", { profiles: PROFILES });
    stage.relay.onAnswer = (to, frame) => (to === "alice" && frame.kind === lost ? [] : [frame]);
    assert.equal(await stage.send(alice, "bob", { profile }), "link/timed-out", lost);
    stage.relay.onAnswer = (_to, frame) => [frame];
    const first = await stage.send(alice, "bob", { profile });
    // A relay that has begun with a proof takes another one for a mistake.
    if (lost.startsWith("auth-")) assert.equal(first, "link/closed", lost);
    await stage.clock.advance(1_000);
    if (first !== "done") assert.equal(await stage.send(alice, "bob", { profile }), "done", lost);
    assert.equal(bob.received.length, 1, lost);
  }
});

test("P-06 a receiver whose relay shows no RSA key hears so", async () => {
  for (const profile of ["symmetric", "asymmetric"] as const) {
    const stage = await Stage.open();
    const bob = await stage.person("bob");
    stage.relay.onAnswer = () => [];
    const offers = bob.client.receive({ profiles: [profile] })[Symbol.asyncIterator]();
    await assert.rejects(stage.clock.until(offers.next()), hasCode("link/timed-out"), profile);
  }
});

test("P-06 a list of receivers that goes back, or has no end, is not believed", async () => {
  const stage = await Stage.open();
  const alice = await stage.person("alice");
  const pages: Readonly<Record<string, (page: number) => readonly ReceiverEntry[]>> = {
    "the same page": () => [entry("a"), entry("b")],
    "out of order": () => [entry("b"), entry("a")],
    "one name twice": () => [entry("a"), entry("a")],
    "no end": (page) => Array.from({ length: 250 }, (_, n) => entry(numbered(250 * page + n))),
  };
  for (const [what, receivers] of Object.entries(pages)) {
    let page = 0;
    stage.relay.onAnswer = (_to, frame) =>
      frame.kind === "receivers"
        ? [{ ...frame, more: true, receivers: receivers(page++) }]
        : [frame];
    await assert.rejects(stage.clock.until(listed(alice)), hasCode("link/malformed"), what);
    assert.ok(page <= LINKS_MAX / 250 + 1, what);
  }
});

test("P-06 a relay that says the same thing on and on is heard once", async () => {
  const stage = await Stage.open();
  const alice = await stage.person("alice");
  for (let n = 0; n < 1_000; n++) {
    stage.relay.say("alice", { kind: "notice", notice: "overloaded", afterMs: n });
    stage.relay.say("alice", { kind: "notice", notice: "restarting", afterMs: n });
  }
  await stage.clock.advance(0);
  assert.deepEqual(
    alice.events.flatMap((event) => (event.type === "notice" ? [event.notice] : [])),
    ["overloaded", "restarting"],
  );
});

test("P-06 a relay that lets in and closes again is tried at growing distances", async () => {
  const stage = await Stage.open();
  const alice = await stage.person("alice");
  const cut = (): void => {
    if (stage.relay.isConnected("alice")) stage.relay.cut("alice");
  };
  for (let second = 0; second < 600; second++) {
    cut();
    await stage.clock.advance(1_000);
  }
  const waits = alice.events.flatMap((event) =>
    event.type === "reconnecting" ? [event.inMs] : [],
  );
  assert.deepEqual(waits.slice(0, 6), [250, 1_000, 2_000, 5_000, 10_000, 30_000]);
  assert.ok(waits.length < 30, `${waits.length} attempts in ten minutes`);
  // One that lasted is a good one again.
  await stage.clock.advance(65_000);
  cut();
  await stage.clock.advance(1_000);
  assert.ok(stage.relay.isConnected("alice"));
});

test("P-03 a link that ends while it begins is none: nobody waits on it for ever", async () => {
  const stage = await Stage.open();
  await stage.receiver("bob", { profiles: ["end-to-end"] });
  const { transport } = stage.relay;
  // m2 and m4 are the relay's first words; what follows m4 at once is no frame.
  const person = stage.person("alice", () => ({
    transport: {
      ...transport,
      openLink: async (address, events) => {
        let messages = 0;
        const twice = (bytes: Uint8Array): void => {
          events.onBytes(bytes);
          if (++messages === 2) events.onBytes(new Uint8Array(64));
        };
        const onClose = (error: PosternError | undefined): void => events.onClose(error);
        return await transport.openLink(address, { onBytes: twice, onClose });
      },
    },
  }));
  await assert.rejects(stage.clock.until(person), hasCode("link/malformed"));
});

test("P-03 a link that is lost while the relay is pinned is none either", async () => {
  const stage = await Stage.open();
  const alice = stage.person("alice", ({ store }) => {
    const pin = store.pinRelay.bind(store);
    store.pinRelay = async (address, fingerprint) => {
      stage.relay.cut("alice");
      await pin(address, fingerprint);
    };
    return {};
  });
  await assert.rejects(alice, hasCode("link/closed"));
  await stage.clock.advance(60_000);
  assert.ok(!stage.relay.isConnected("alice"), "and nothing goes on behind it");
});

async function listed(actor: Actor): Promise<string[]> {
  const names: string[] = [];
  for await (const { name } of actor.client.receivers()) names.push(name);
  return names;
}

function entry(name: string): ReceiverEntry {
  return { name, id: Uint8Array.of(1, 0, 1, ...new Uint8Array(32)), free: 1, profiles: 7 };
}

function numbered(n: number): string {
  return String(n).padStart(8, "0");
}
