import assert from "node:assert/strict";
import { test } from "node:test";
import { nobleSuite as suite } from "../crypto/noble-suite.ts";
import { SentTags } from "./sent-tags.ts";

const tag = (value: number): Uint8Array => new Uint8Array(16).fill(value);

function sent(...values: readonly number[]): SentTags {
  const tags = new SentTags(suite.sha256Stream(), 100);
  for (const [i, value] of values.entries()) tags.push(110 + 10 * i, tag(value));
  return tags;
}

test("SentTags.digest() covers all tags in order, as often as it is asked", () => {
  const tags = sent(1, 2, 3);
  tags.verify(110);
  const digest = suite.sha256(tag(1), tag(2), tag(3));
  assert.deepEqual(tags.digest(), digest);
  assert.deepEqual(tags.digest(), digest);
  assert.deepEqual(sent().digest(), suite.sha256());
});

test("SentTags.rewind() forgets what came after a place, and what follows counts again", () => {
  const tags = sent(1, 2, 3);
  assert.equal(tags.rewind(120), true);
  tags.push(140, tag(9));
  assert.deepEqual(tags.digest(), suite.sha256(tag(1), tag(2), tag(9)));
});

test("SentTags.rewind() knows the start and the verified end, and no other place", () => {
  const tags = sent(1, 2, 3);
  assert.equal(tags.rewind(115), false);
  assert.equal(tags.count, 3);
  tags.verify(119);
  assert.equal(tags.count, 2);
  assert.equal(tags.rewind(100), false);
  assert.equal(tags.rewind(110), true);
  assert.equal(tags.count, 0);
  assert.equal(sent(1).rewind(100), true);
});

test("SentTags keeps its own copy of a tag", () => {
  const reused = tag(1);
  const tags = new SentTags(suite.sha256Stream(), 0);
  tags.push(1, reused);
  reused.fill(0);
  assert.deepEqual(tags.digest(), suite.sha256(tag(1)));
});
