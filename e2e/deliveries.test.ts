/**
 * A content arrives whatever happens on the way, as long as both sides come back: nothing that was
 * verified is sent or written twice, and no two transfers have a master key in common.
 */
import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { messageSource, type DeliverOptions, type DeliveryEvent } from "@postern/client";
import { fileSource } from "@postern/client/node";
import { PosternError } from "@postern/core/errors";
import { fingerprintOf, formatFingerprint } from "@postern/core/identity";
import { decodeSignedReceipt, verifySignedReceipt } from "@postern/core/transfer";
import { nativeSuite } from "@postern/node";
import { DeliveryLab, Watched, type Somebody } from "./delivery-lab.ts";
import { meetByCode, until } from "./lab.ts";
import { MIB, noise, sha256, sha256File, writeContent } from "./payloads.ts";
import type { Owner } from "./scene.ts";

const CONTENT = noise(16 * MIB);
/** A break must come while most of the content is not sent. */
const LIMIT = 8 * MIB;
/** Breaks come when more than this is verified. What is on its way then may be lost: less. */
const VERIFIED = 4 * MIB;
const SENT_MAX = CONTENT.length + VERIFIED;

interface Pair {
  readonly lab: DeliveryLab;
  readonly ann: Somebody;
  readonly bob: Somebody;
  readonly path: string;
}

async function twoPeople(t: Owner): Promise<Pair> {
  const lab = await DeliveryLab.open(t);
  const [ann, bob] = [await lab.person("ann"), await lab.person("bob")];
  await bob.listen();
  const path = await writeContent(lab.scene.folder, "big.raw", CONTENT);
  return { lab, ann, bob, path };
}

function delivering(path: string, options: Partial<DeliverOptions> = {}): DeliverOptions {
  return {
    to: "bob",
    profile: "end-to-end",
    open: async () => await fileSource(path),
    paths: [path],
    rateLimit: LIMIT,
    ...options,
  };
}

async function deliver(who: Somebody, options: DeliverOptions): Promise<Watched> {
  return new Watched(await who.client.deliver(options));
}

/** The whole content is in the inbox, once, and nobody remembers it as unfinished. */
async function arrived(bob: Somebody, ...others: readonly Somebody[]): Promise<void> {
  const inbox = await bob.inbox();
  await until(() => bob.taken.at(-1)?.events.at(-1)?.type === "done");
  assert.deepEqual(await readdir(inbox), ["big.raw"]);
  assert.equal(await sha256File(`${inbox}/big.raw`), sha256(CONTENT));
  for (const { client } of [bob, ...others])
    await until(async () => (await client.unfinished.list()).length === 0);
}

/** Where each transfer of a delivery went on; each later one under another master key. */
function offsets(events: readonly DeliveryEvent[]): readonly number[] {
  const keys = events.flatMap((event) =>
    event.type === "master-key" && event.source !== "fresh-rsa" ? [event.counter] : [],
  );
  assert.equal(new Set(keys).size, keys.length, `counters ${keys.join(" ")}`);
  return events.flatMap((event) => (event.type === "accepted" ? [event.offset] : []));
}

for (const [profile, what, breakIt] of [
  ["end-to-end", "the sender's wire is cut", async ({ ann }: Pair) => ann.wire.cut()],
  ["symmetric", "the receiver's wire is cut", async ({ bob }: Pair) => bob.wire.cut()],
  ["asymmetric", "the sender's wire is cut", async ({ ann }: Pair) => ann.wire.cut()],
  ["end-to-end", "the relay is gone", async ({ lab }: Pair) => lab.restartRelay(1_000)],
] as const)
  test(`T-01 ${profile}, ${what}: the content goes on by itself, no verified byte twice`, async (t) => {
    const pair = await twoPeople(t);
    const { ann, bob, path } = pair;
    const sent = await deliver(ann, delivering(path, { profile }));
    await until(() => sent.bytes > VERIFIED);
    await breakIt(pair);
    const last = await sent.end();
    assert.equal(last?.type, "done", JSON.stringify(last));
    await arrived(bob, ann);
    assert.ok(sent.of("waiting").length > 0);
    const [first, second, ...more] = offsets(sent.events);
    assert.deepEqual([first, more], [0, []]);
    assert.ok(second !== undefined && second > VERIFIED, `went on from ${second}`);
    const factor = ann.wire.pipeBytes / CONTENT.length;
    t.diagnostic(`${(factor * 100).toFixed(2)} % of the content on the wire`);
    assert.ok(ann.wire.pipeBytes < SENT_MAX, `${factor}`);
    assert.equal(sent.of("done").length + sent.of("failed").length, 1);
  });

test("T-02 a receiver that has gone is waited for, and finds its part when it is back", async (t) => {
  const { lab, ann, bob, path } = await twoPeople(t);
  const sent = await deliver(ann, delivering(path));
  await until(() => sent.bytes > VERIFIED);
  await bob.leave();
  await until(() => sent.of("waiting").length > 1);
  assert.deepEqual(new Set(sent.of("waiting").map((wait) => wait.for)), new Set(["receiver"]));
  const again = await lab.person("bob");
  const [kept] = await again.client.unfinished.list();
  assert.equal(kept?.id, sent.delivery.id);
  assert.deepEqual(
    [kept?.role, kept?.peer.name, kept?.content.name],
    ["receiving", "ann", "big.raw"],
  );
  await again.listen();
  assert.equal((await sent.end())?.type, "done");
  await arrived(again, ann);
  assert.ok((offsets(sent.events).at(-1) ?? 0) > VERIFIED);
  assert.ok(ann.wire.pipeBytes < SENT_MAX);
});

test("a receiver that closes in order has said no to nothing, and is waited for as well", async (t) => {
  const { lab, ann, bob, path } = await twoPeople(t);
  const sent = await deliver(ann, delivering(path));
  await until(() => sent.bytes > VERIFIED);
  await bob.client.close();
  await until(() => bob.taken[0]?.events.at(-1)?.type === "failed");
  const last = bob.taken[0]?.events.at(-1);
  assert.equal(last?.type === "failed" && last.error.code, "transfer/cancelled");
  await until(() => sent.of("waiting").length > 0);
  const again = await lab.person("bob");
  await again.listen();
  assert.equal((await sent.end())?.type, "done");
  await arrived(again, ann);
  assert.ok((offsets(sent.events).at(-1) ?? 0) > VERIFIED);
});

test("T-03 a sender that has gone goes on from what its store remembers", async (t) => {
  const { lab, ann, bob, path } = await twoPeople(t);
  const sent = await deliver(ann, delivering(path));
  await until(() => sent.bytes > VERIFIED);
  await ann.leave();
  assert.equal((await sent.end())?.type, "failed");
  const again = await lab.person("ann");
  const late: string[] = [];
  void (async () => {
    for await (const event of again.client.events)
      if (event.type === "late-receipt") late.push(event.outcome);
  })();
  const [kept, ...others] = await again.client.unfinished.list();
  assert.deepEqual(others, []);
  assert.deepEqual(
    [kept?.id, kept?.role, kept?.peer.name, kept?.paths],
    [sent.delivery.id, "sending", "bob", [path]],
  );
  assert.ok((kept?.bytes ?? 0) > VERIFIED);
  const options = delivering(path, { id: sent.delivery.id });
  const resumed = await deliver(again, options);
  await assert.rejects(again.client.deliver(options), { code: "usage/wrong-state" });
  assert.equal((await resumed.end())?.type, "done");
  await arrived(bob, again);
  assert.ok((offsets(resumed.events)[0] ?? 0) > VERIFIED);
  assert.notEqual(bob.taken[0]?.transfer.id, bob.taken[1]?.transfer.id);
  assert.deepEqual(late, ["goes-on"], "nothing is told as lost that is not");
  assert.equal(bob.offers[1]?.contentId, sent.delivery.id);
  assert.ok(ann.wire.pipeBytes + again.wire.pipeBytes < SENT_MAX);
});

test("T-04 a file that has changed in what the receiver holds is told apart, and stays as it is", async (t) => {
  const { lab, ann, bob, path } = await twoPeople(t);
  const sent = await deliver(ann, delivering(path));
  await until(() => sent.bytes > VERIFIED);
  await ann.leave();
  await sent.end();
  const again = await lab.person("ann");
  const options = { id: sent.delivery.id };
  const shorter = await writeContent(lab.scene.folder, "big.raw", CONTENT.subarray(1));
  await assert.rejects(again.client.deliver(delivering(shorter, options)), {
    code: "transfer/source-changed",
  });
  const changed = await writeContent(lab.scene.folder, "big.raw", noise(CONTENT.length, 2));
  const failed = await deliver(again, delivering(changed, options));
  const last = await failed.end();
  assert.equal(last?.type === "failed" && last.error.code, "transfer/other-content");
  await until(() => bob.taken[1]?.events.at(-1)?.type === "failed");
  const told = bob.taken[1]?.events.at(-1);
  assert.equal(told?.type === "failed" && told.error.code, "transfer/other-content");
  assert.equal(again.wire.pipeBytes, 0);
  assert.equal((await bob.client.unfinished.list())[0]?.error, "transfer/other-content");
  await writeContent(lab.scene.folder, "big.raw", CONTENT);
  assert.equal((await (await deliver(again, delivering(path, options))).end())?.type, "done");
  await arrived(bob, again);
});

test("a delivery that is cancelled can be gone on with; one that nobody took is forgotten", async (t) => {
  const { ann, bob, path } = await twoPeople(t);
  const sent = await deliver(ann, delivering(path));
  await until(() => sent.bytes > VERIFIED);
  sent.delivery.cancel();
  const last = await sent.end();
  assert.equal(last?.type === "failed" && last.error.code, "transfer/cancelled");
  const [kept] = await ann.client.unfinished.list();
  assert.deepEqual([kept?.id, kept?.error], [sent.delivery.id, "transfer/cancelled"]);
  const resumed = await deliver(ann, delivering(path, { id: sent.delivery.id }));
  assert.equal((await resumed.end())?.type, "done");
  await arrived(bob, ann);

  bob.decide = () => "decline";
  await ann.sees("bob");
  const refused = await deliver(ann, delivering(path));
  const end = await refused.end();
  assert.equal(end?.type === "failed" && end.error.code, "peer/declined");
  assert.deepEqual(await ann.client.unfinished.list(), []);
  const unknown = delivering(path, { id: refused.delivery.id });
  await assert.rejects(ann.client.deliver(unknown), { code: "transfer/unknown" });
});

test("a receiver who never took it is not waited for; patience ends", async (t) => {
  const { ann, bob, path } = await twoPeople(t);
  await assert.rejects(ann.client.deliver(delivering(path, { to: "nobody" })), {
    code: "peer/unknown",
  });
  const sent = await deliver(ann, delivering(path, { patienceMs: 1_500 }));
  await until(() => sent.bytes > VERIFIED);
  await bob.leave();
  const leftAt = performance.now();
  // For ever, were it not for its patience.
  const last = await sent.end(20_000);
  t.diagnostic(`given up after ${Math.round(performance.now() - leftAt)} ms`);
  assert.ok(last?.type === "failed");
  assert.ok(["peer/absent", "peer/gone"].includes(last.error.code), last.error.code);
  assert.equal((await ann.client.unfinished.list())[0]?.id, sent.delivery.id);
});

test("who was met by a code is waited for while both run", async (t) => {
  const { ann, bob, path } = await twoPeople(t);
  const [own, other] = await meetByCode(bob, ann);
  await bob.listen({ from: own });
  const sent = await deliver(ann, delivering(path, { to: other }));
  await until(() => sent.bytes > VERIFIED);
  ann.wire.cut();
  const last = await sent.end();
  assert.equal(last?.type, "done", JSON.stringify(last));
  await arrived(bob, ann);
  assert.ok((offsets(sent.events)[1] ?? 0) > VERIFIED);
});

test("F-12 a receiver that dies with the whole content, untold, gets no second copy", async (t) => {
  const { lab, ann, bob, path } = await twoPeople(t);
  const { sinkOf } = bob;
  bob.sinkOf = async (offer) => {
    const sink = await sinkOf(offer);
    const commit = sink.commit.bind(sink);
    sink.commit = async (total) => {
      await commit(total);
      bob.vanish();
    };
    return sink;
  };
  const sent = await deliver(ann, delivering(path));
  await until(() => sent.of("waiting").length > 0);
  await bob.leave();
  const again = await lab.person("bob");
  await again.listen();
  assert.equal((await sent.end())?.type, "done");
  assert.deepEqual(offsets(sent.events), [0, CONTENT.length]);
  await arrived(again, ann);
  assert.ok(ann.wire.pipeBytes < 1.01 * CONTENT.length);
});

test("a signed content leaves a receipt that anybody can check, over a broken wire too", async (t) => {
  const { lab, ann, bob, path } = await twoPeople(t);
  const sent = await deliver(ann, delivering(path, { signed: true }));
  await until(() => sent.bytes > VERIFIED);
  assert.equal(bob.offers[0]?.signed, true);
  const cy = await lab.person("cy");
  await cy.listen();
  ann.wire.cut();
  assert.equal((await sent.end())?.type, "done");
  await arrived(bob, ann);
  const { signed = "" } = await sent.delivery.finished;
  assert.equal((await bob.taken.at(-1)?.transfer.finished)?.signed, signed);
  const receipt = decodeSignedReceipt(signed);
  assert.ok(verifySignedReceipt(nativeSuite, receipt));
  const { digest, name, sender, receiver } = receipt.content;
  assert.equal(Buffer.from(digest).toString("hex"), sha256(CONTENT));
  const whose = [sender, receiver].map((id) => formatFingerprint(fingerprintOf(nativeSuite, id)));
  assert.deepEqual([name, ...whose], ["big.raw", ann.client.fingerprint, bob.client.fingerprint]);

  for (const profile of ["symmetric", "asymmetric", "end-to-end"] as const) {
    const to = profile === "end-to-end" ? "bob" : "cy";
    const open = async () => messageSource("hello");
    await ann.sees(to);
    const note = await deliver(ann, { to, profile, open, signed: true });
    assert.equal((await note.end())?.type, "done", profile);
    const text = (await note.delivery.finished).signed ?? "";
    assert.equal(decodeSignedReceipt(text).content.kind, "message");
  }
  await ann.sees("bob");
  const plain = await deliver(ann, {
    to: "bob",
    profile: "end-to-end",
    open: async () => messageSource("hi"),
  });
  await plain.end();
  assert.equal((await plain.delivery.finished).signed, undefined);
});

test("an offer of a content that still comes takes over its transfer's place, the only one", async (t) => {
  const { ann, bob, path } = await twoPeople(t);
  const send = async () => {
    const [content, contentId] = [await fileSource(path), new Uint8Array(16).fill(7)];
    const { to, profile, rateLimit = 0 } = delivering(path);
    return await ann.client.send({ to, profile, rateLimit, content, contentId });
  };
  const { sinkOf } = bob;
  let letGo = 0;
  bob.sinkOf = async (offer) => {
    assert.equal(letGo, bob.offers.length - 1, "no part is in two hands");
    const sink = await sinkOf(offer);
    const abandon = sink.abandon.bind(sink);
    sink.abandon = async () => {
      await pause(300);
      await abandon();
      letGo++;
    };
    return sink;
  };
  const first = await send();
  await until(() => bob.taken[0]?.events.findLast(({ type }) => type === "progress") !== undefined);
  const second = await send();
  await assert.rejects(first.finished, { code: "peer/cancelled" });
  await second.finished;
  await arrived(bob);
  const [accepted] = offsets(bob.taken[1]?.events ?? []);
  assert.ok((accepted ?? 0) > 0);
});

test("several at once, to one and to many, each on its own", async (t) => {
  const { lab, ann, bob, path } = await twoPeople(t);
  await bob.listen({ capacity: 4 });
  const cy = await lab.person("cy");
  await cy.listen();
  const texts = ["one", "two"];
  const paths = await Promise.all(
    texts.map(
      async (text) => await writeContent(lab.scene.folder, text, noise(3 * MIB, text.length)),
    ),
  );
  const all = [
    await deliver(ann, delivering(path)),
    await deliver(ann, delivering(path, { to: "cy" })),
    ...(await Promise.all(paths.map(async (one) => await deliver(ann, delivering(one))))),
  ];
  await until(() => all.every(({ bytes }) => bytes > 0));
  bob.wire.cut();
  for (const each of all) assert.equal((await each.end())?.type, "done");
  assert.equal(all[1]?.of("waiting").length, 0, "the other receiver is not held up");
  assert.equal(new Set(all.map(({ delivery }) => delivery.id)).size, 4);
  await arrived(cy, ann, bob);
});

test("F-11 whose disk is full is told so, and not what its sender answers to that", async (t) => {
  const { ann, bob, path } = await twoPeople(t);
  const letGo = Promise.withResolvers<void>();
  bob.sinkOf = async () => ({
    async write() {
      throw new PosternError("store/no-space", "scripted");
    },
    async commit() {},
    // A disk that is slow, too: the answer is there before.
    abandon: async () => await letGo.promise,
  });
  const sending = await deliver(ann, delivering(path));
  const failed = await sending.end();
  assert.equal(failed?.type === "failed" && failed.error.code, "peer/no-space");
  await until(() => bob.taken[0]?.events.at(-1)?.type === "failed");
  letGo.resolve();
  const told = bob.taken[0]?.events.at(-1);
  assert.equal(told?.type === "failed" && told.error.code, "store/no-space");
});
