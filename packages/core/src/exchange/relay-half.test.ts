import assert from "node:assert/strict";
import { test } from "node:test";
import { relayKeyLabels } from "./relay-half.ts";

const transfer = new Uint8Array(16).fill(7);
const sender = new Uint8Array(32).fill(8);
const receiver = new Uint8Array(32).fill(9);
const text = (bytes: Uint8Array): string => new TextDecoder("latin1").decode(bytes);

test("relayKeyLabels() writes the labels of section 7.1, bound to transfer, sender, receiver", () => {
  const bound = "\x07".repeat(16) + "\x08".repeat(32) + "\x09".repeat(32);
  const now = relayKeyLabels("this", transfer, sender, receiver);
  assert.equal(text(now.up), `postern sym-up/1\0${bound}`);
  assert.equal(text(now.down), `postern sym-down/1\0${bound}`);
  const next = relayKeyLabels("next", transfer, sender, receiver);
  assert.equal(text(next.up), `postern sym-next-up/1\0${bound}`);
  assert.equal(text(next.down), `postern sym-next-down/1\0${bound}`);
});

test("relayKeyLabels() never gives one label two uses or directions (S-01)", () => {
  const all = (["this", "next"] as const).flatMap((use) => {
    const there = relayKeyLabels(use, transfer, sender, receiver);
    const back = relayKeyLabels(use, transfer, receiver, sender);
    return [there.up, there.down, back.up, back.down].map(text);
  });
  assert.equal(new Set(all).size, 8);
});
