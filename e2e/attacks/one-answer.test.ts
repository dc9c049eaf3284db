/**
 * A relay that hands out an offer of the RSA profiles again and again: whatever its receiver says
 * to it, no key and nonce seal two things (C-04).
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { messageSource } from "@postern/client";
import { HEADER_VALID_MS } from "@postern/core/limits";
import type { RelayFrame } from "@postern/core/link";
import { outcomeOf, Stage, type Actor } from "./cast.ts";
import { envelopeOf } from "./envelopes.ts";
import { SealLog } from "./seal-log.ts";

const PROFILES = ["asymmetric", "symmetric"] as const;

interface Scene {
  readonly stage: Stage;
  readonly alice: Actor;
  readonly bob: Actor;
  readonly seals: SealLog;
}

/** Bob has one place; what he seals is watched. */
async function scene(): Promise<Scene> {
  const stage = await Stage.open();
  const seals = new SealLog();
  const alice = await stage.person("alice");
  const ports = (honest: Parameters<SealLog["watch"]>[0]) => seals.watch(honest);
  const bob = await stage.receiver("bob", { profiles: PROFILES, ports });
  return { stage, alice, bob, seals };
}

/** What made Bob's offers. */
function offersTo({ relay }: Stage, name: string): readonly RelayFrame[] {
  const isOf = (frame: RelayFrame): boolean =>
    frame.kind === "key-down" || (frame.kind === "delivery" && envelopeOf(frame).kind === "offer");
  return relay.said.flatMap(({ to, frame }) => (to === name && isOf(frame) ? [frame] : []));
}

async function replay({ stage }: Scene, frames: readonly RelayFrame[]): Promise<void> {
  for (const frame of frames) {
    stage.relay.say("bob", frame);
    await stage.clock.advance(0);
  }
  await stage.clock.advance(100);
}

for (const profile of PROFILES) {
  test(`C-04 ${profile}: an offer that was accepted gets no second answer under its key`, async () => {
    const all = await scene();
    const { stage, alice, bob, seals } = all;
    assert.equal(await stage.send(alice, "bob", { profile }), "done");
    const frames = offersTo(stage, "bob");
    await replay(all, frames);
    await replay(all, frames);
    await stage.clock.advance(HEADER_VALID_MS);
    await replay(all, frames);
    await stage.clock.advance(10 * HEADER_VALID_MS);
    await replay(all, frames);
    assert.equal(seals.repeated, 0, "a key and nonce were used twice");
    assert.equal(bob.received.length, 1);
    assert.equal(await stage.send(alice, "bob", { profile }), "done");
  });

  test(`C-04 ${profile}: nor does one that found no room, and finds it later`, async () => {
    const all = await scene();
    const { stage, alice, bob, seals } = all;
    bob.answer = () => "wait";
    const first = outcomeOf(stage.start(alice, "bob", { profile }));
    await stage.clock.advance(1_000);
    assert.equal(bob.offers.length, 1);
    // The relay says that Bob is free.
    stage.relay.onAnswer = (_to, frame) =>
      frame.kind === "found" ? [{ ...frame, status: "free" }] : [frame];
    const before = offersTo(stage, "bob").length;
    const second = stage.send(alice, "bob", { profile, content: messageSource("two") });
    assert.equal(await second, "peer/busy");
    const frames = offersTo(stage, "bob").slice(before);
    bob.offers[0]?.decline();
    assert.equal(await stage.clock.until(first), "peer/declined");
    bob.answer = () => "accept";
    await replay(all, frames);
    await replay(all, frames);
    assert.equal(bob.offers.length, 2, "it is asked about once");
    assert.equal(seals.repeated, 0, "a key and nonce were used twice");
  });
}
