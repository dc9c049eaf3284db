import assert from "node:assert/strict";
import { test } from "node:test";
import { hex } from "@postern/core/bytes";
import { formatFingerprint } from "@postern/core/identity";
import { UNFINISHED_TRANSFERS_MAX, WHOLE_KEPT_MAX, WHOLE_KEPT_MS } from "@postern/core/limits";
import type { WallMs } from "@postern/core/time";
import { replacingId } from "@postern/core/transfer";
import { hasCode } from "../test/has-code.ts";
import { bytes, CONTACT, fingerprint, IDENTITY } from "../test/stored-samples.ts";
import { memoryStore } from "./memory-store.ts";
import type { Store, UnfinishedId } from "./store.ts";
import { type ContentFacts, StoredContents } from "./unfinished.ts";

const content = bytes(16, 1);
const id = Buffer.from(content).toString("hex");
const SENDING: UnfinishedId = { role: "sending", peer: CONTACT.fingerprint, content };
const RECEIVING: UnfinishedId = { ...SENDING, role: "receiving" };
const FACTS: ContentFacts = {
  content: { kind: "file", name: "a.bin", size: 90 },
  profile: "end-to-end",
  signed: false,
  relayName: "bob-at-work",
};
const NOTE = { directory: "/in", name: "a.bin", part: ".a.bin.part", bytes: 40, boot: "one" };

interface Lab {
  readonly store: Store;
  readonly contents: StoredContents;
  now: number;
}

function open(): Lab {
  const store = memoryStore(IDENTITY);
  const lab: Lab = {
    store,
    contents: new StoredContents({ store, wall: () => lab.now as WallMs }),
    now: 5,
  };
  return lab;
}

test("StoredContents shows what is sent, by whom it is known now, and how far it is", async () => {
  const lab = open();
  const { contents } = lab;
  await contents.begin(SENDING, FACTS, { paths: ["/a"], transfer: bytes(16, 1) });
  lab.now = 9;
  await contents.update(SENDING, { bytes: 30, error: "peer/gone" });
  const { signed, profile } = FACTS;
  const shown = {
    id,
    role: "sending",
    content: FACTS.content,
    profile,
    signed,
    bytes: 30,
    beganAt: 5,
    changedAt: 9,
    error: "peer/gone",
    paths: ["/a"],
  };
  const peer = { fingerprint: formatFingerprint(CONTACT.fingerprint), name: "bob-at-work" };
  assert.deepEqual(await contents.list(), [{ ...shown, peer: { ...peer, trust: undefined } }]);
  await lab.store.saveContact({ ...CONTACT, pairingSecret: bytes(32, 3) });
  const known = { ...peer, name: "bob", trust: "first-use" };
  assert.deepEqual(await contents.list(), [{ ...shown, peer: known }]);
  await contents.begin(
    SENDING,
    { ...FACTS, profile: "symmetric" },
    { paths: ["/b"], links: "keep", transfer: bytes(16, 2) },
  );
  const links = { paths: ["/b"], links: "keep" };
  const again = { ...shown, peer: known, profile: "symmetric", error: undefined, ...links };
  assert.deepEqual(await contents.list(), [again]);
});

test("StoredContents finds one by the first digits of its id, and only one", async () => {
  const { contents } = open();
  await contents.begin(SENDING, FACTS, { paths: [], transfer: bytes(16, 1) });
  const close = content.slice();
  close[15] = 1 ^ (content[15] ?? 0);
  await contents.begin({ ...SENDING, content: close }, FACTS, {
    paths: [],
    transfer: bytes(16, 1),
  });
  assert.equal((await contents.find(id))?.id, id);
  for (const digits of ["", id.slice(0, 8), "zz", `${id}00`])
    assert.equal(await contents.find(digits), undefined, digits);
  await contents.forget({ ...SENDING, content: close });
  assert.equal((await contents.find(id.slice(0, 4)))?.id, id);
  assert.equal((await contents.sending(content))?.relayName, "bob-at-work");
  assert.equal(await contents.sending(close), undefined);
});

test("StoredContents drops what it has shown, in that role alone", async () => {
  const { contents } = open();
  await contents.begin(SENDING, FACTS, { paths: [], transfer: bytes(16, 1) });
  await contents.journal(RECEIVING, FACTS).write(NOTE);
  const [latest] = await contents.list();
  assert.equal(latest?.role, "receiving");
  if (latest !== undefined) await contents.drop(latest);
  assert.deepEqual(
    (await contents.list()).map(({ role }) => role),
    ["sending"],
  );
  const peer = { name: "x", fingerprint: "x", trust: undefined };
  const unknown = hasCode("transfer/unknown");
  await assert.rejects(contents.drop({ id, role: "sending", peer }), unknown);
});

test("StoredContents knows what the same peer gave up for a content, in this role alone", async () => {
  const { contents } = open();
  const by = replacingId(replacingId(content));
  const other = bytes(16, 7);
  for (const at of [
    RECEIVING,
    { ...RECEIVING, peer: fingerprint(9) },
    { ...RECEIVING, content: other },
    { ...RECEIVING, content: by },
  ])
    await contents.journal(at, FACTS).write(NOTE);
  await contents.begin(SENDING, FACTS, { paths: [], transfer: bytes(16, 1) });
  const from = { name: "bob", fingerprint: formatFingerprint(CONTACT.fingerprint) };
  const offer = { contentId: hex(by), from: { ...from, trust: undefined } };
  const given = await contents.replacedBy(offer);
  assert.deepEqual(
    given.map((one) => [one.id, one.role, one.peer.fingerprint, one.paths]),
    [[id, "receiving", from.fingerprint, ["/in/.a.bin.part"]]],
  );
  assert.deepEqual(await contents.replacedBy({ ...offer, contentId: id }), []);
  const journal = contents.journal(RECEIVING, FACTS);
  journal.begin();
  await journal.drop();
  await journal.end(true);
  assert.deepEqual(await contents.replacedBy(offer), [], "what is whole was published");
});

test("StoredContents' journal keeps the note of one content of one peer, and its figures", async () => {
  const { contents } = open();
  const journal = contents.journal(RECEIVING, FACTS);
  assert.equal(await journal.read(), undefined);
  await journal.write(NOTE);
  await journal.write({ ...NOTE, bytes: 60 });
  assert.deepEqual(await journal.read(), { ...NOTE, bytes: 60 });
  const [shown] = await contents.list();
  assert.deepEqual([shown?.bytes, shown?.paths], [60, ["/in/.a.bin.part"]]);
  const other = contents.journal({ ...RECEIVING, peer: fingerprint(9) }, FACTS);
  assert.equal(await other.read(), undefined, "what another sends is not this content");
  await journal.drop();
  assert.deepEqual(await contents.list(), []);
});

test("F-09 StoredContents' journal knows nothing of another content under a known id", async () => {
  const { contents } = open();
  await contents.journal(RECEIVING, FACTS).write(NOTE);
  const { content: begun } = FACTS;
  const others: ContentFacts["content"][] = [
    { ...begun, name: "b.bin" },
    { ...begun, size: 91 },
    { ...begun, size: undefined },
    { ...begun, kind: "stream" },
    { ...begun, kind: "directory", manifest: { entries: 1, bytes: 40 } },
  ];
  for (const other of others) {
    const journal = contents.journal(RECEIVING, { ...FACTS, content: other });
    assert.equal(await journal.read(), undefined);
  }
  assert.deepEqual(await contents.journal(RECEIVING, FACTS).read(), NOTE);
});

test("StoredContents loses no change of two that come together, and revives nothing", async () => {
  const { contents } = open();
  const journal = contents.journal(RECEIVING, FACTS);
  await Promise.all([
    journal.write(NOTE),
    contents.update(RECEIVING, { error: "peer/gone" }),
    journal.write({ ...NOTE, bytes: 50 }),
  ]);
  const kept = await contents.record(RECEIVING);
  assert.deepEqual([kept?.error, kept?.note?.bytes], ["peer/gone", 50]);
  await Promise.all([journal.drop(), contents.update(RECEIVING, { error: "peer/absent" })]);
  assert.equal(await contents.record(RECEIVING), undefined);
});

test("StoredContents shows no whole content, and knows it for a while", async () => {
  const lab = open();
  const { contents } = lab;
  const idOf = (n: number): UnfinishedId => ({ ...RECEIVING, content: bytes(16, n) });
  const finish = async (n: number): Promise<void> => {
    const journal = contents.journal(idOf(n), FACTS);
    await journal.write(NOTE);
    journal.begin();
    await journal.drop();
    await journal.end(true);
  };
  await finish(0);
  assert.deepEqual(await contents.list(), []);
  assert.equal(await contents.find(Buffer.from(idOf(0).content).toString("hex")), undefined);
  assert.deepEqual(await contents.journal(idOf(0), FACTS).read(), NOTE);
  for (let n = 1; n <= WHOLE_KEPT_MAX; n++) await finish(n);
  assert.equal((await lab.store.unfinished()).length, WHOLE_KEPT_MAX);
  assert.equal(await contents.record(idOf(0)), undefined);
  lab.now += WHOLE_KEPT_MS;
  await finish(1_000);
  await contents.begin(SENDING, FACTS, { paths: [], transfer: bytes(16, 1) });
  await contents.forgetWhole();
  assert.equal((await lab.store.unfinished()).length, WHOLE_KEPT_MAX + 1, "not yet a day old");
  lab.now += 1;
  await contents.forgetWhole();
  const left = await lab.store.unfinished();
  assert.deepEqual(
    left.map(({ content: kept }) => kept),
    [content, idOf(1_000).content],
  );
});

test("StoredContents refuses a record that this program did not write", async () => {
  const { contents, store } = open();
  await store.saveUnfinished({ ...SENDING, record: bytes(50, 1), changedAt: 1 as WallMs });
  await assert.rejects(contents.list(), hasCode("store/failed"));
});

test("StoredContents knows the latest transfers of what is not whole, to whom they went", async () => {
  const { contents } = open();
  const all = Array.from({ length: UNFINISHED_TRANSFERS_MAX + 1 }, (_, n) => bytes(16, 50 + n));
  for (const transfer of all) await contents.begin(SENDING, FACTS, { paths: ["/a"], transfer });
  const known = async (peer = SENDING.peer): Promise<readonly boolean[]> =>
    await Promise.all(all.map(async (each) => await contents.isGoingOnWith(peer, each)));
  assert.deepEqual(await known(), [false, ...all.slice(1).map(() => true)]);
  assert.ok(!(await known(fingerprint(9))).includes(true));
  assert.equal(await contents.isGoingOnWith(SENDING.peer, bytes(16, 49)), false);
  await contents.forget(SENDING);
  assert.ok(!(await known()).includes(true));
});
