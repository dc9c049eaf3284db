/** A sender that says it is there and brings nothing (docs/protocol.md 8.1). */
import assert from "node:assert/strict";
import { test } from "node:test";
import { IDLE_TRANSFER_MS, PING_INTERVAL_MS } from "@postern/core/limits";
import { outcome, RecordsLab, type LabOptions } from "../../test/records-lab.ts";
import { IdleWatch } from "./idle-watch.ts";

const CONTENT = Uint8Array.from({ length: 300_000 }, (_, i) => i * 7 + (i >> 8));
const HALF = 150_000;
const LONG_MS = 10 * IDLE_TRANSFER_MS;
/** It is looked for every so often, and not before a first look. */
const SEEN_MS = IDLE_TRANSFER_MS + 2 * PING_INTERVAL_MS;

/** A source that gives half of it, and the rest when it is let. */
function halting(options: LabOptions = {}) {
  const lab = new RecordsLab(CONTENT, { renews: true, ...options });
  const rest = Promise.withResolvers<undefined>();
  const read = lab.source.read.bind(lab.source);
  lab.source.readBytes = 50_000;
  lab.source.read = async (into, offset) => {
    if (offset >= HALF) await rest.promise;
    return await read(into, offset);
  };
  const ends = Promise.all([outcome(lab.send()), outcome(lab.receive())]);
  return { lab, rest, ends };
}

/** The rest comes, and both ends are content. */
async function arrives({ lab, rest, ends }: ReturnType<typeof halting>): Promise<void> {
  rest.resolve(undefined);
  await lab.clock.advance(10_000);
  assert.deepEqual(
    (await ends).map(({ code }) => code),
    [undefined, undefined],
  );
}

test("P-06 a sender that brings nothing loses its place, hears so, and what came is kept", async () => {
  const { lab, rest, ends } = halting();
  await lab.clock.advance(IDLE_TRANSFER_MS - PING_INTERVAL_MS);
  assert.equal(lab.sink.abandoned, 0);
  assert.ok(lab.keys.length > 10, "the sender shows that it is there");
  await lab.clock.advance(3 * PING_INTERVAL_MS);
  assert.equal(lab.sink.abandoned, 1, "a sink keeps what it has");
  assert.equal(lab.sink.length, HALF);
  rest.resolve(undefined);
  await lab.clock.advance(10_000);
  const [sent, received] = await ends;
  // It tries again by itself: its source may give more later.
  assert.deepEqual([sent.code, received.code], ["transfer/pipe-lost", "peer/timed-out"]);
});

test("a source that gives a little now and then may take any time", async () => {
  const it = halting();
  await it.lab.clock.advance(IDLE_TRANSFER_MS - 2 * PING_INTERVAL_MS);
  await arrives(it);
});

test("a stream may be silent for hours: nobody knows its end", async () => {
  const it = halting({ size: undefined, receive: { size: undefined } });
  await it.lab.clock.advance(LONG_MS);
  await arrives(it);
});

test("a receiver that waits for its person or its disk does not hold that against the sender", async () => {
  for (const what of ["consent", "write", "commit"] as const) {
    const hold = what === "consent" ? { holdAt: HALF } : {};
    const lab = new RecordsLab(CONTENT, { renews: true, send: hold, receive: hold });
    const over = Promise.withResolvers<void>();
    const wait = async (): Promise<void> => await over.promise;
    if (what === "consent") lab.sink.consent = wait;
    if (what === "write") lab.sink.beforeWrite = wait;
    if (what === "commit") lab.sink.commit = wait;
    const ends = Promise.all([outcome(lab.send()), outcome(lab.receive())]);
    await lab.clock.advance(LONG_MS);
    assert.equal(lab.sink.abandoned, 0, what);
    over.resolve();
    await lab.clock.advance(10_000);
    assert.deepEqual(
      (await ends).map(({ code }) => code),
      [undefined, undefined],
      what,
    );
  }
});

test("P-06 whoever got consent and then brings nothing loses its place as well", async () => {
  const hold = { holdAt: HALF };
  const { lab, rest, ends } = halting({ send: hold, receive: hold });
  let asked = 0;
  lab.sink.consent = async () => void asked++;
  await lab.clock.advance(SEEN_MS);
  assert.deepEqual([asked, lab.sink.length, lab.sink.abandoned], [1, HALF, 1]);
  rest.resolve(undefined);
  await lab.clock.advance(10_000);
  assert.equal((await ends)[1].code, "peer/timed-out");
});

test("IdleWatch counts looks in a row, not time: a computer that slept has not looked", () => {
  const watch = new IdleWatch();
  const looks = IDLE_TRANSFER_MS / PING_INTERVAL_MS;
  const idle = (count: number): boolean =>
    Array.from({ length: count }, () => watch.look(5, false)).some((why) => why !== undefined);
  assert.ok(!idle(looks));
  assert.equal(watch.look(5, true), undefined);
  assert.ok(!idle(looks - 1));
  assert.equal(watch.look(6, false), undefined);
  assert.equal(watch.look(5, false), undefined);
  assert.ok(!idle(looks - 1));
  assert.equal(watch.look(5, false)?.code, "peer/timed-out");
});
