/** Clocks that lie, stop and jump, and a sender that never changes its key (S-16). */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { ClientPorts, ContentSource } from "@postern/client";
import { equalBytes } from "@postern/core/bytes";
import { SESSION_ARRIVAL_MS_MAX, SESSION_GRACE_MS } from "@postern/core/limits";
import { nativeSuite as suite } from "@postern/node";
import { bytesSource, outcomeOf, Stage, type Actor } from "./cast.ts";
import { stoppedClock } from "./turned-clock.ts";

const PROFILES = ["asymmetric", "symmetric"] as const;
const RECORD_BYTES = 16_384;
const SESSION_MS = 5_000;
const HOUR_MS = 3_600_000;

type Profile = (typeof PROFILES)[number];
type Ports = (ports: ClientPorts) => Partial<ClientPorts>;

for (const profile of PROFILES) {
  test(`S-16 ${profile}: a sender that never re-keys is cut off by its own clock`, async () => {
    const run = await slowly(profile, () => ({ suite: sayingFiveSeconds }), 60);
    await run.after(SESSION_MS + SESSION_GRACE_MS);
    assert.equal(run.bob.written.length, 2, "at 5 s + 250 ms the key still lives");
    await run.after(1);
    assert.deepEqual(await run.ends(), ["transfer/session-expired", "transfer/session-expired"]);
    assert.equal(run.bob.written.length, 2);
    assert.equal(run.bob.received.length, 0);
  });

  test(`S-16 ${profile}: an honest sender re-keys, at the same pace`, async () => {
    const run = await slowly(profile, () => ({}), 5);
    await run.after(SESSION_MS + SESSION_GRACE_MS);
    await run.after(1);
    await run.after(2 * SESSION_MS);
    assert.deepEqual(await run.ends(), ["done", "done"]);
    assert.equal((await run.transfer.finished).sessionKeys, 3);
  });

  test(`S-16 ${profile}: a sender whose clock has stopped is cut off by the receiver's`, async () => {
    const run = await slowly(profile, (_ports, stage) => ({ clock: stoppedClock(stage.clock) }), 5);
    await run.after(SESSION_ARRIVAL_MS_MAX);
    assert.equal(run.bob.written.length, 2, "at 65 s the key still lives");
    await run.after(1);
    assert.deepEqual(await run.ends(), ["transfer/session-expired", "transfer/session-expired"]);
    assert.equal(run.bob.written.length, 2);
    assert.equal(run.bob.received.length, 0);
  });

  test(`C-05 ${profile}: wall clocks that jump by an hour or a day break no running transfer`, async () => {
    for (const who of ["alice", "bob", "relay"] as const)
      for (const jumpMs of [HOUR_MS, -HOUR_MS, 24 * HOUR_MS, -24 * HOUR_MS]) {
        const run = await slowly(
          profile,
          () => ({}),
          5,
          (stage, alice, bob) => {
            // While Bob's person decides, too.
            ({ alice, bob, relay: stage.relay })[who].skewMs += jumpMs;
          },
        );
        const { [who]: jumping } = { alice: run.alice, bob: run.bob, relay: run.stage.relay };
        await run.after(100);
        jumping.skewMs -= 2 * jumpMs;
        await run.after(100);
        jumping.skewMs += jumpMs;
        await run.after(100);
        assert.deepEqual(await run.ends(), ["done", "done"], `${who} by ${jumpMs / HOUR_MS} h`);
      }
  });
}

test("C-05 a client says how far its clock is from that of the relay", async () => {
  const stage = await Stage.open();
  stage.relay.skewMs = HOUR_MS;
  const alice = await stage.person("alice");
  await stage.clock.advance(0);
  const apart = alice.events.map((event) => event.type === "connected" && event.clockAheadMs);
  assert.deepEqual(apart, [-HOUR_MS]);
});

/**
 * A file of four records under way; the first has arrived. `after(ms)` lets time pass and then
 * gives the sender one more. `decided` runs between offer and acceptance.
 */
async function slowly(
  profile: Profile,
  ports: (ports: ClientPorts, stage: Stage) => ReturnType<Ports>,
  sessionSeconds: number,
  decided: (stage: Stage, alice: Actor, bob: Actor) => void = () => undefined,
) {
  const stage = await Stage.open();
  const alice = await stage.person("alice", (honest) => ports(honest, stage));
  const bob = await stage.receiver("bob", { profiles: PROFILES });
  bob.answer = () => "wait";
  const content = new SlowSource(suite.random(4 * RECORD_BYTES));
  const starting = stage.start(alice, "bob", { profile, content, sessionSeconds });
  const transfer = await stage.clock.until(starting);
  await stage.clock.advance(0);
  decided(stage, alice, bob);
  bob.accept(bob.offers[0]!);
  content.release();
  await stage.clock.advance(0);
  assert.equal(bob.written.length, 1);
  return {
    stage,
    alice,
    bob,
    transfer,
    async after(ms: number): Promise<void> {
      await stage.clock.advance(ms);
      content.release();
      await stage.clock.advance(0);
    },
    async ends(): Promise<readonly string[]> {
      return await stage.clock.until(Promise.all([outcomeOf(transfer), ...(await bobEnds(bob))]));
    },
  };
}

async function bobEnds(bob: Actor): Promise<Promise<string>[]> {
  return bob.incoming.map(async (transfer) => await outcomeOf(transfer));
}

/** Gives one record each time it is told to. */
class SlowSource implements ContentSource {
  readonly info;
  readonly #whole: ContentSource;
  #given = 0;
  #wake = Promise.withResolvers<void>();

  constructor(bytes: Uint8Array) {
    this.#whole = bytesSource(bytes, { readBytes: RECORD_BYTES });
    this.info = this.#whole.info;
  }

  release(): void {
    this.#given += RECORD_BYTES;
    this.#wake.resolve();
    this.#wake = Promise.withResolvers();
  }

  async read(into: Uint8Array, offset: number): Promise<number> {
    while (offset >= this.#given && offset < (this.info.size ?? 0)) await this.#wake.promise;
    return await this.#whole.read(into, offset);
  }

  verified(): void {}

  async close(): Promise<void> {}
}

/** Says in the header that session keys live for five seconds, whatever it does. */
const sayingFiveSeconds: typeof suite = {
  ...suite,
  sha256(...parts) {
    const [header, ...rest] = parts;
    const isSigned = parts.length === 5 && header !== undefined;
    return isSigned ? suite.sha256(withFive(header, 0), ...rest) : suite.sha256(...parts);
  },
  seal(key, nonce, aad, plaintext) {
    const isHeader = aad.length >= 93 && equalBytes(aad.subarray(0, 3), Uint8Array.of(1, 0, 1));
    if (!isHeader) return suite.seal(key, nonce, aad, plaintext);
    // 7.2 has the header's length before it.
    return suite.seal(key, nonce, aad, withFive(plaintext, aad[3] === 2 ? 4 : 0));
  },
};

function withFive(bytes: Uint8Array, headerAt: number): Uint8Array {
  const changed = bytes.slice();
  const at = headerAt + 49;
  assert.equal(changed[at], 60, "the place of sessionSeconds");
  changed[at] = 5;
  return changed;
}
