import assert from "node:assert/strict";
import { test } from "node:test";
import { MemoryJournal } from "../test/part-journal.ts";
import { OfferJournal } from "./offer-journal.ts";

const NOTE = { directory: "/in", name: "a", part: ".a.part", bytes: 7, boot: "b" };

class Kept extends MemoryJournal {
  whole = 0;

  async markWhole(): Promise<void> {
    this.whole++;
  }
}

async function begun() {
  const kept = new Kept();
  const journal = new OfferJournal(kept);
  await journal.write(NOTE);
  journal.begin();
  return { kept, journal };
}

test("OfferJournal drops at once before a transfer, and after one", async () => {
  const { kept, journal } = await begun();
  await journal.end(false);
  assert.deepEqual(await journal.read(), NOTE, "nobody has dropped it");
  await journal.drop();
  assert.equal(kept.note, undefined);
});

test("OfferJournal keeps a dropped note until the transfer is over", async () => {
  const { kept, journal } = await begun();
  await journal.drop();
  assert.deepEqual(kept.note, NOTE, "should the process end now, its sender comes again");
  await journal.end(false);
  assert.deepEqual([kept.note, kept.whole], [undefined, 0], "nothing of it was kept");
});

test("OfferJournal keeps the note of a content that is whole: its sender may not know", async () => {
  const { kept, journal } = await begun();
  await journal.drop();
  await journal.end(true);
  assert.deepEqual([kept.note, kept.whole], [NOTE, 1]);
});

test("OfferJournal takes a note that is written later for a new beginning", async () => {
  const { kept, journal } = await begun();
  await journal.drop();
  await journal.write({ ...NOTE, bytes: 9 });
  await journal.end(false);
  assert.equal(kept.note?.bytes, 9);
});
