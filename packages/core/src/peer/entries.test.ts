import assert from "node:assert/strict";
import { test } from "node:test";
import { contentOf } from "../../test/exchange-lab.ts";
import { placedBy, type Incoming } from "./entries.ts";

const SENDER = { id: new Uint8Array(35).fill(1), fingerprint: new Uint8Array(32).fill(1) };
const STRANGER = { id: new Uint8Array(35).fill(2), fingerprint: new Uint8Array(32).fill(2) };
const CONTENT_ID = new Uint8Array(16).fill(3);

test("T-01 placedBy() counts a content for its own sender alone: nobody else gets in by its id", () => {
  const content = contentOf({ kind: "file", name: "a.txt", size: 1, contentId: CONTENT_ID });
  const state = { kind: "expect-consent", content };
  const transfer = { role: "receiving", name: "", party: SENDER, state } as Incoming;
  assert.deepEqual(placedBy([transfer], SENDER), [CONTENT_ID]);
  assert.deepEqual(placedBy([transfer], STRANGER), []);
});
