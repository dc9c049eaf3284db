import assert from "node:assert/strict";
import { test } from "node:test";
import { PosternError } from "@postern/core/errors";
import type { ChannelJob, ExchangeInput } from "@postern/core/exchange";
import { identityFromSeed } from "@postern/core/identity";
import type { PeerEffect, PeerInput } from "@postern/core/peer";
import type { WallMs } from "@postern/core/time";
import { nativeRsa, nativeSuite as suite } from "@postern/node";
import { TurnedClock } from "../test/turned-clock.ts";
import { MetKeys } from "./met-keys.ts";
import { RelayRsa } from "./relay-rsa.ts";
import { memoryStore } from "./memory-store.ts";
import type { ClientPorts } from "./ports.ts";
import { TransferDesk } from "./transfer-desk.ts";

type TransferEffect = Extract<PeerEffect, { kind: "transfer" }>;

const SEED = new Uint8Array(32).fill(1);
const IDENTITY = identityFromSeed(suite, SEED);
const PEER = { id: new Uint8Array(35).fill(2), fingerprint: new Uint8Array(32).fill(2) };
const TRANSFER = new Uint8Array(16).fill(3);
const KEY = "key";
const OFFERED = { outer: new Uint8Array(5), sealedHeader: new Uint8Array(6) };
const OPEN_OFFER = { kind: "open-offer", ...OFFERED, content: new Uint8Array(0) } as const;
const WORDS = { verdict: "accept", total: 1, digest: new Uint8Array(32) } as const;
const SEAL_RECEIPT = {
  kind: "seal-receipt",
  place: { n: 0, epoch: 1 },
  words: WORDS,
} as const;
const ENDED = new PosternError("peer/gone", "gone");

interface Asked {
  readonly job: ChannelJob;
  readonly role: string;
  /** Whether the transfer wants it when its turn comes. */
  readonly isWanted: boolean | undefined;
}

/** A desk whose channels answer when the test says so. */
class Scene {
  readonly steps: PeerInput[] = [];
  readonly asked: Asked[] = [];
  readonly late: string[] = [];
  waiting = 0;
  /** Offers come by this code alone now. */
  byCode: MetKeys | undefined;
  /** Of each job. */
  readonly keys: (MetKeys | undefined)[] = [];
  readonly #answers: PromiseWithResolvers<ExchangeInput | undefined>[] = [];
  readonly desk: TransferDesk;

  constructor() {
    const store = memoryStore({ name: "me", signingSeed: SEED, linkSeed: SEED });
    const line = { send: () => undefined, step: () => undefined, relayFingerprint: () => SEED };
    const ports = { rsa: nativeRsa, store, suite, wall: () => 0 as WallMs };
    const rsa = new RelayRsa({ ...ports, clock: new TurnedClock() }, IDENTITY, line);
    const relayFingerprint = new Uint8Array(32).fill(7);
    this.desk = new TransferDesk({
      ports: { store, suite, rsa: nativeRsa } as ClientPorts,
      self: IDENTITY,
      channels: {
        waiting: () => this.waiting,
        between: async (_peer, work) => await work(),
        run: async ({ role, met }, job, isWanted) => {
          this.keys.push(met);
          const answer = Promise.withResolvers<ExchangeInput | undefined>();
          this.#answers.push(answer);
          const input = await answer.promise;
          this.asked.push({ job, role, isWanted: isWanted?.() });
          return input;
        },
      },
      step: (input) => void this.steps.push(input),
      keysOf: () => this.byCode,
      link: () => ({ rsa, relayFingerprint }),
      openPipe: async () => await new Promise<never>(() => undefined),
      onOffered: () => undefined,
      onLateReceipt: (_receiver, _transfer, verdict) => void this.late.push(verdict),
    });
  }

  effect(effect: TransferEffect["effect"], role: "sending" | "receiving" = "receiving"): void {
    const at = { key: KEY, party: PEER, name: "bob", role, transfer: TRANSFER } as const;
    this.desk.onEffect({ kind: "transfer", ...at, effect });
  }

  end(): void {
    this.effect({ kind: "emit", event: { kind: "failed", error: ENDED } });
  }

  /** Answers the job that came at this place, 0 for the first. */
  async answer(at: number, input: ExchangeInput | undefined): Promise<void> {
    this.#answers[at]!.resolve(input);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function keysOf(value: number) {
  const key = (): Uint8Array => new Uint8Array(32).fill(value);
  const secret = { header: key(), answer: key(), receipt: key(), reverse: key(), session: key() };
  return { transcript: key(), ...secret };
}

function openedOffer(value: number): Extract<ExchangeInput, { kind: "offer-opened" }> {
  const message = { content: new Uint8Array(256).fill(value), digest: new Uint8Array(32) };
  const header = new Uint8Array(48);
  const offer = { n: 0, epoch: 1, keys: keysOf(value), salt: new Uint8Array(32), header, message };
  return { kind: "offer-opened", outcome: { kind: "opened", offer } };
}

function contentOf(input: ReturnType<typeof openedOffer>): Uint8Array | undefined {
  return input.outcome.kind === "opened" ? input.outcome.offer.message?.content : undefined;
}

test("an offer by a code stays with its keys, whatever comes, and then lets them go", async () => {
  const scene = new Scene();
  const secret = new Uint8Array(32).fill(1);
  const keys = new MetKeys(secret);
  scene.byCode = keys;
  scene.effect(OPEN_OFFER);
  scene.byCode = undefined;
  scene.effect(OPEN_OFFER);
  scene.end();
  // The receipt of a no, in the same step.
  scene.effect(SEAL_RECEIPT);
  assert.deepEqual(scene.keys, [keys, keys, keys]);
  assert.equal(secret[0], 1);
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(secret[0], 0);
  scene.effect(OPEN_OFFER);
  assert.equal(scene.keys[3], undefined, "the same offer again is no code's any more");
});

test("an offer that came before the code is not the code's", async () => {
  const scene = new Scene();
  scene.effect(OPEN_OFFER);
  scene.byCode = new MetKeys(new Uint8Array(32).fill(1));
  scene.effect(OPEN_OFFER);
  assert.deepEqual(scene.keys, [undefined, undefined]);
});

test("onEffect() hands a job's answer to the transfer that asked", async () => {
  const scene = new Scene();
  scene.effect(OPEN_OFFER);
  const input = openedOffer(4);
  await scene.answer(0, input);
  assert.deepEqual(scene.steps, [{ kind: "transfer", key: KEY, input }]);
  assert.deepEqual(scene.asked, [{ job: OPEN_OFFER, role: "receiving", isWanted: true }]);
});

test("onEffect() gives a repeated offer no answer of the one before, and wipes that", async () => {
  const scene = new Scene();
  scene.effect(OPEN_OFFER);
  scene.end();
  scene.effect(OPEN_OFFER);
  const [first, second] = [openedOffer(4), openedOffer(5)];
  await scene.answer(0, first);
  assert.deepEqual(scene.steps, []);
  assert.equal(scene.asked[0]?.isWanted, false, "not even opened, if its turn had not come");
  assert.ok(
    contentOf(first)?.every((byte) => byte === 0),
    "what was opened for nobody is wiped",
  );
  await scene.answer(1, second);
  assert.deepEqual(scene.steps, [{ kind: "transfer", key: KEY, input: second }]);
});

test("onEffect() lets an ended transfer's receipts be made and heard, and says the made one", async () => {
  const scene = new Scene();
  scene.effect(SEAL_RECEIPT);
  scene.effect({ kind: "open-receipt", receipt: new Uint8Array(9) }, "sending");
  scene.end();
  const receipt = new Uint8Array(10).fill(8);
  await scene.answer(0, { kind: "receipt-sealed", receipt });
  await scene.answer(1, { kind: "receipt-opened", receipt: undefined });
  assert.deepEqual(
    scene.asked.map(({ job, isWanted }) => `${job.kind} ${String(isWanted)}`),
    ["seal-receipt true", "open-receipt true"],
  );
  const envelope = { kind: "receipt", transfer: TRANSFER, sealed: receipt } as const;
  assert.deepEqual(scene.steps, [{ kind: "post", to: PEER.fingerprint, envelope }]);
});

test("onStray() answers a close with the receipt or the resync, and a receipt with nothing", async () => {
  const scene = new Scene();
  const close = { kind: "close", transfer: TRANSFER, ...OFFERED } as const;
  const said = { kind: "receipt", transfer: TRANSFER, sealed: new Uint8Array(7) } as const;
  for (const envelope of [close, close, close, said])
    void scene.desk.onStray({ kind: "stray", party: PEER, envelope });
  const [receipt, resync] = [new Uint8Array(4), new Uint8Array(5)];
  await scene.answer(0, { kind: "offer-opened", outcome: { kind: "receipt", receipt } });
  await scene.answer(1, { kind: "offer-opened", outcome: { kind: "out-of-step", resync } });
  await scene.answer(2, { kind: "offer-opened", outcome: { kind: "invalid" } });
  await scene.answer(3, { kind: "receipt-opened", receipt: undefined });
  assert.deepEqual(scene.late, [], "one that does not open says nothing");
  const to = PEER.fingerprint;
  assert.deepEqual(scene.steps, [
    { kind: "post", to, envelope: { kind: "receipt", transfer: TRANSFER, sealed: receipt } },
    { kind: "post", to, envelope: { kind: "resync", transfer: TRANSFER, resync } },
  ]);
  assert.deepEqual(
    scene.asked.map(({ job, role }) => `${job.kind} ${role}`),
    [
      "close-offer receiving",
      "close-offer receiving",
      "close-offer receiving",
      "open-receipt sending",
    ],
  );
});

test("onStray() tells what a receipt says of a transfer that has ended here", async () => {
  const scene = new Scene();
  const envelope = { kind: "receipt", transfer: TRANSFER, sealed: new Uint8Array(7) } as const;
  const heard = scene.desk.onStray({ kind: "stray", party: PEER, envelope });
  const kid = new Uint8Array(16);
  const words = { verdict: "accept", total: 1, digest: SEED, keyNumber: 1 } as const;
  const receipt = { ...words, kid, publicKey: new Uint8Array(1_216) };
  await scene.answer(0, { kind: "receipt-opened", receipt });
  await heard;
  const roomMade = { kind: "room-made", of: PEER.fingerprint };
  assert.deepEqual([scene.late, scene.steps], [["accept"], [roomMade]]);
});

test("onStray() says that a resync has made room, unless it changed nothing", async () => {
  for (const kind of ["ignored", "anew", "forgotten"] as const) {
    const scene = new Scene();
    const envelope = { kind: "resync", transfer: TRANSFER, resync: new Uint8Array(7) } as const;
    const heard = scene.desk.onStray({ kind: "stray", party: PEER, envelope });
    await scene.answer(0, { kind: "resync-heeded", outcome: { kind } });
    await heard;
    const roomMade = { kind: "room-made", of: PEER.fingerprint };
    assert.deepEqual(scene.steps, kind === "ignored" ? [] : [roomMade]);
  }
});

test("onStray() drops what comes faster than it can be heard", async () => {
  const scene = new Scene();
  scene.waiting = 1_000;
  const envelope = { kind: "close", transfer: TRANSFER, ...OFFERED } as const;
  await scene.desk.onStray({ kind: "stray", party: PEER, envelope });
  assert.deepEqual([scene.asked, scene.steps], [[], []]);
});
