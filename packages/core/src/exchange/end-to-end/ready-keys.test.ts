import assert from "node:assert/strict";
import { test } from "node:test";
import { nobleSuite } from "../../crypto/noble-suite.ts";
import type { KemKeyPair } from "../../crypto/suite.ts";
import { ReadyKeys } from "./ready-keys.ts";

class Maker {
  readonly made: KemKeyPair[] = [];

  generateKem(): KemKeyPair {
    const pair = nobleSuite.generateKem();
    this.made.push(pair);
    return pair;
  }
}

test("ReadyKeys makes a pair ahead for a sender that comes again, each once", () => {
  const [keys, maker] = [new ReadyKeys(), new Maker()];
  keys.make(maker);
  keys.makeAhead(maker);
  assert.equal(maker.made.length, 1, "of who sends one message, none would be used");
  keys.make(maker);
  keys.makeAhead(maker);
  keys.makeAhead(maker);
  assert.equal(maker.made.length, 3);
  const third = keys.make(maker);
  assert.equal(third, maker.made[2]);
  assert.equal(keys.of(third.publicKey), third);
  assert.notEqual(keys.make(maker), third, "no pair is given out twice");
});

test("ReadyKeys wipes the pair that was made ahead too, and makes none then", () => {
  const [keys, maker] = [new ReadyKeys(), new Maker()];
  for (let n = 0; n < 2; n++) keys.make(maker);
  keys.makeAhead(maker);
  keys.keepOnly([]);
  assert.ok(
    maker.made[2]!.seed.some((byte) => byte !== 0),
    "it is nobody's yet",
  );
  keys.wipe();
  for (const { seed } of maker.made) assert.ok(seed.every((byte) => byte === 0));
  keys.makeAhead(maker);
  assert.equal(maker.made.length, 3);
});
