import assert from "node:assert/strict";
import { test } from "node:test";
import type { ContentSink } from "./api.ts";
import { watchedSink } from "./watched-sink.ts";

test("watchedSink() tells what each call failed with, before its caller knows, and no end", async () => {
  const told: unknown[] = [];
  const failing = (name: string) => async (): Promise<void> => {
    throw new Error(name);
  };
  const calls = { write: failing("write"), commit: failing("commit"), abandon: failing("abandon") };
  const sink: ContentSink = { ...calls, consent: failing("consent") };
  const watched = watchedSink(sink, (error) => told.push(error));
  for (const [name, call] of Object.entries({
    write: async () => await watched.write(new Uint8Array(1), 0),
    consent: async () => await watched.consent?.(),
    commit: async () => await watched.commit(1),
  })) {
    await assert.rejects(call(), (error) => error === told.at(-1));
    assert.equal(String(told.at(-1)), `Error: ${name}`);
  }
  await assert.rejects(watched.abandon());
  assert.equal(told.length, 3);
  assert.ok(!("consent" in watchedSink(calls, () => {})));
});
