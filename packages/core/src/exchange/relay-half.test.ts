import assert from "node:assert/strict";
import { test } from "node:test";
import { relayKeyLabels } from "./relay-half.ts";

const transfer = new Uint8Array(16).fill(7);
const text = (bytes: Uint8Array): string => new TextDecoder("latin1").decode(bytes);

test("relayKeyLabels() writes the labels of section 7.1, bound to the transfer", () => {
  const id = text(transfer);
  const now = relayKeyLabels("this", transfer);
  assert.equal(text(now.up), `postern sym-up/1\0${id}`);
  assert.equal(text(now.down), `postern sym-down/1\0${id}`);
  const next = relayKeyLabels("next", transfer);
  assert.equal(text(next.up), `postern sym-next-up/1\0${id}`);
  assert.equal(text(next.down), `postern sym-next-down/1\0${id}`);
});

test("relayKeyLabels() never gives one label two uses (S-01)", () => {
  const all = (["this", "next"] as const).flatMap((use) => {
    const labels = relayKeyLabels(use, transfer);
    return [text(labels.up), text(labels.down)];
  });
  assert.equal(new Set(all).size, 4);
});
