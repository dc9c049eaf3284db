import assert from "node:assert/strict";
import fs, {
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { CHANNEL_RECORD_BYTES_MAX } from "@postern/core/limits";
import type { InstantMs } from "@postern/core/time";
import { whileNothingIsWritten } from "../../test/failing-disk.ts";
import { hasCode } from "../../test/has-code.ts";
import { scratch } from "../../test/scratch.ts";
import {
  atEachStep,
  contentsOf,
  copyOf,
  openIn,
  openStateLab,
  type StateLab,
} from "../../test/state-lab.ts";
import { bytes, packageOf, PAIR } from "../../test/stored-samples.ts";
import { TurnedClock } from "../../test/turned-clock.ts";
import { openState, type StateFile } from "./state-file.ts";
import { ERASED_AFTER_IDLE_MS, ERASED_AFTER_MS } from "./state-journal.ts";

const JOURNAL_BYTES_MAX = 4 * 1_048_576;

const journalBytes = ({ directory }: StateLab): number =>
  statSync(join(directory, "state.db-wal")).size;

const has = ({ directory }: StateLab, secret: Uint8Array): boolean =>
  contentsOf(directory).includes(secret);

async function keep({ store }: StateLab, counter: number): Promise<void> {
  await store.keepPairKey(PAIR, { counter, key: keyOf(counter) });
}

const keyOf = (counter: number): Uint8Array => bytes(32, counter + 70);

test("StateJournal erases what was replaced and dropped when nothing changes any more", async (t) => {
  const lab = await openStateLab(t);
  await keep(lab, 1);
  await lab.clock.advance(ERASED_AFTER_IDLE_MS);
  assert.ok(has(lab, keyOf(1)), "the search finds a kept key");
  await keep(lab, 2);
  await lab.clock.advance(ERASED_AFTER_IDLE_MS - 1);
  await lab.store.takePairKey(PAIR);
  await lab.clock.advance(ERASED_AFTER_IDLE_MS - 1);
  assert.ok(has(lab, keyOf(1)) && has(lab, keyOf(2)), "not while something goes on");
  await lab.clock.advance(1);
  assert.ok(!has(lab, keyOf(1)) && !has(lab, keyOf(2)));
  assert.equal(await lab.store.pairCounter(PAIR), 2);
});

test("StateJournal erases within a second though changes never cease", async (t) => {
  const lab = await openStateLab(t);
  await keep(lab, 0);
  for (let passed = 0; passed < 3 * ERASED_AFTER_MS; passed += 100) {
    await keep(lab, passed / 100 + 1);
    await lab.clock.advance(100);
    const counters = Array.from({ length: passed / 100 + 1 }, (_, counter) => counter);
    const found = counters.filter((counter) => has(lab, keyOf(counter)));
    assert.ok(found.length <= ERASED_AFTER_MS / 100, `${passed} ms: ${found.join(" ")}`);
  }
});

test("StateJournal erases before a change when no timer had its turn", async (t) => {
  const directory = await scratch(t);
  let now = 0;
  const clock = { now: () => now as InstantMs, after: () => () => {} };
  const store = await openIn(directory, undefined, clock);
  t.after(() => store.close());
  await store.keepPairKey(PAIR, { counter: 1, key: keyOf(1) });
  await store.keepPairKey(PAIR, { counter: 2, key: keyOf(2) });
  now = ERASED_AFTER_MS;
  await store.pinRelay("a", bytes(32, 1));
  assert.ok(!contentsOf(directory).includes(keyOf(1)));
  assert.deepEqual(await store.pairKey(PAIR), { counter: 2, key: keyOf(2) });
});

test("StateJournal keeps its file, and within a bound though time stands still", async (t) => {
  const lab = await openStateLab(t);
  const save = async (size: number): Promise<void> =>
    lab.store.saveChannel(PAIR, bytes(size, size % 251));
  await save(100_000);
  await save(101_000);
  await lab.clock.advance(ERASED_AFTER_IDLE_MS);
  const kept = journalBytes(lab);
  assert.ok(kept > 200_000);
  await save(99_000);
  assert.equal(journalBytes(lab), kept, "overwritten from its start");
  for (let n = 0; n < 100; n++) {
    await save(100_000 + n);
    assert.ok(journalBytes(lab) < JOURNAL_BYTES_MAX + 200_000, `${journalBytes(lab)} bytes`);
    if (n % 5 !== 0) continue;
    // What a crash would leave: new frames in front of old ones.
    const after = await openIn(copyOf(lab.directory));
    assert.equal((await after.channel(PAIR))?.length, 100_000 + n);
    await after.close();
  }
  await save(CHANNEL_RECORD_BYTES_MAX);
  await lab.clock.advance(ERASED_AFTER_IDLE_MS);
  assert.equal(journalBytes(lab), JOURNAL_BYTES_MAX);
});

test("StateJournal erases when it is closed, before its file loses its name", async (t) => {
  const lab = await openStateLab(t);
  await keep(lab, 1);
  await lab.store.takePairKey(PAIR);
  const other = join(lab.directory, "state.db-other-name");
  linkSync(join(lab.directory, "state.db-wal"), other);
  await lab.store.close();
  assert.ok(statSync(other).size > 0 && !has(lab, keyOf(1)));
  assert.ok(!existsSync(join(lab.directory, "state.db-wal")));
});

test("StateJournal erases what a change had written before it was refused", async (t) => {
  const { directory, database, journal } = await opened(t);
  const secret = bytes(CHANNEL_RECORD_BYTES_MAX, 99);
  const refused = (): void => {
    const insert = database.prepare("INSERT INTO channel VALUES (?, ?, ?, ?)");
    insert.run(PAIR.role, PAIR.peer, secret, bytes(32, 1));
    assert.fail("refused");
  };
  const trace = secret.subarray(2_000_000, 2_000_100);
  assert.throws(() => journal.change(refused), { message: "refused" });
  assert.ok(contentsOf(directory).includes(trace), "too much for SQLite's memory");
  journal.erase();
  assert.ok(!contentsOf(directory).includes(trace));
});

test("StateJournal erases at the next opening, whichever step a crash hits", async (t) => {
  const lab = await openStateLab(t);
  await keep(lab, 1);
  await lab.clock.advance(ERASED_AFTER_IDLE_MS);
  await lab.store.saveKeyPackages([packageOf(1)]);
  const left: string[] = [];
  const stop = atEachStep(t, () => void left.push(copyOf(lab.directory)));
  await lab.store.takePairKey(PAIR);
  await lab.clock.advance(ERASED_AFTER_IDLE_MS);
  await lab.store.saveKeyPackages([packageOf(2)]);
  await lab.store.close();
  stop();
  let taken = 0;
  for (const copy of left) {
    const after = await openIn(copy);
    const isTaken = (await after.pairKey(PAIR)) === undefined;
    if (isTaken) taken++;
    // Now, not only when it is closed.
    assert.equal(contentsOf(copy).includes(keyOf(1)), !isTaken);
    assert.deepEqual(await after.keyPackage(packageOf(1).kid), packageOf(1));
    await after.close();
  }
  assert.ok(taken > 8 && taken < left.length, `${taken} of ${left.length}`);
});

test("StateJournal survives a power cut that leaves any part of what it wrote last", async (t) => {
  const lab = await openStateLab(t);
  for (let n = 1; n < 40; n++) await keep(lab, n);
  const journal = (): Buffer => readFileSync(join(lab.directory, "state.db-wal"));
  const left: { readonly copy: string; readonly synced: Buffer; readonly written: Buffer }[] = [];
  // By its checkpoint SQLite has synced all of it.
  let synced = journal();
  const { writeSync, fdatasyncSync } = fs;
  t.mock.method(fs, "writeSync", (...values: Parameters<typeof writeSync>) => {
    const count = writeSync(...values);
    left.push({ copy: copyOf(lab.directory), synced, written: journal() });
    return count;
  });
  t.mock.method(fs, "fdatasyncSync", (file: number) => {
    fdatasyncSync(file);
    synced = journal();
  });
  syncBuiltinESMExports();
  await lab.clock.advance(ERASED_AFTER_IDLE_MS);
  t.mock.reset();
  syncBuiltinESMExports();
  assert.equal(left.length, 2, "the header, the frames");
  for (const { copy, synced: old, written } of left)
    for (let blocks = 1; blocks * BLOCK_BYTES < written.length; blocks += 7)
      for (const [start, end] of [
        [old, written],
        [written, old],
      ] as const) {
        const at = blocks * BLOCK_BYTES;
        const mixed = Buffer.concat([start.subarray(0, at), end.subarray(at)]);
        const directory = join(copy, `${blocks}-${start === old ? "old" : "new"}`);
        mkdirSync(directory);
        copyFileSync(join(copy, "state.db"), join(directory, "state.db"));
        writeFileSync(join(directory, "state.db-wal"), mixed);
        const after = await openIn(directory);
        assert.equal((await after.pairKey(PAIR))?.counter, 39, `${blocks} blocks`);
        await after.close();
      }
});

test("StateJournal makes a lazy change durable with the next that is not", async (t) => {
  const lab = await openStateLab(t);
  await lab.store.saveChannel(PAIR, bytes(90, 1), undefined, { mayBeLost: "by-power-loss" });
  assert.deepEqual(await lab.store.channel(PAIR), bytes(90, 1));
  await keep(lab, 1);
  const after = await openIn(copyOf(lab.directory));
  assert.deepEqual(await after.channel(PAIR), bytes(90, 1));
  await after.close();
});

test("StateJournal syncs each change but a lazy one, also after one that failed", async (t) => {
  const { database, journal } = await opened(t);
  const level = (): unknown => database.prepare("PRAGMA synchronous").get()?.["synchronous"];
  const seen: unknown[] = [];
  const look = (): void => void seen.push(level());
  const fail = (): void => assert.fail("refused");
  journal.change(look);
  journal.change(look, true);
  for (const isLazy of [true, false])
    assert.throws(() => journal.change(fail, isLazy), { message: "refused" });
  journal.change(look);
  assert.deepEqual(seen, [FULL, NORMAL, FULL]);
  journal.erase();
  const exec = database.exec.bind(database);
  const broken = t.mock.method(database, "exec", (sql: string) => {
    if (sql.includes("user_version")) assert.fail("no first frame");
    exec(sql);
  });
  assert.throws(() => journal.change(look), { message: "no first frame" });
  broken.mock.restore();
  assert.equal(level(), FULL);
  journal.change(look);
  assert.deepEqual(seen, [FULL, NORMAL, FULL, FULL]);
});

test("StateJournal does not ask for ever a file system that writes nothing", async (t) => {
  const { database, journal } = await opened(t);
  journal.change(() => database.exec("DELETE FROM pair"));
  const tried = await whileNothingIsWritten(t, () =>
    assert.throws(() => journal.erase(), hasCode("store/failed")),
  );
  assert.equal(tried, 1);
  // What is owed stays owed.
  journal.erase();
});

async function opened(t: TestContext): Promise<StateFile & { readonly directory: string }> {
  const directory = await scratch(t);
  await (await openIn(directory)).close();
  const state = await openState(join(directory, "state.db"), new TurnedClock());
  t.after(() => state.journal.close());
  return { ...state, directory };
}

const FULL = 2;
const NORMAL = 1;
const BLOCK_BYTES = 4_096;
