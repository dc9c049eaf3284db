import assert from "node:assert/strict";
import { test } from "node:test";

import { startActor } from "./actor.ts";
import type { CrowdSetting } from "./link-crowd.ts";

/** Nothing answers there. */
const SETTING: CrowdSetting = { relay: "127.0.0.1:1", clients: 1 };

test("startActor() hands on what went wrong, and the actor goes on", async () => {
  const actor = startActor("link-crowd", SETTING);
  try {
    await assert.rejects(actor.ask("connect"), /link-crowd, connect: .*ECONNREFUSED/);
    await assert.rejects(actor.ask("dance"), /no such question/);
    assert.deepEqual(await actor.ask("close"), {});
  } finally {
    await actor.stop();
  }
});

test("startActor() rejects questions to an actor that has ended", async () => {
  const actor = startActor("link-crowd", SETTING);
  const asked = actor.ask("idle");
  await actor.stop();
  await assert.rejects(asked, /link-crowd ended/);
  await assert.rejects(actor.ask("close"), /link-crowd/);
});
