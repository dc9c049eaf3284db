import assert from "node:assert/strict";
import { test } from "node:test";
import { PosternError } from "@postern/core/errors";
import { identityFromSeed } from "@postern/core/identity";
import type { DriverEffect, PeerInput } from "@postern/core/peer";
import type { WallMs } from "@postern/core/time";
import { nativeRsa, nativeSuite as suite } from "@postern/node";
import { TurnedClock } from "../test/turned-clock.ts";
import { memoryStore } from "./memory-store.ts";
import { messageSink, messageSource } from "./message.ts";
import type { ClientPorts } from "./ports.ts";
import { readMessage } from "./read-message.ts";
import { RelayRsa } from "./relay-rsa.ts";
import { RunningTransfer, type TransferSide } from "./running-transfer.ts";

type RecordsRun = Extract<DriverEffect, { kind: "run-records" }>;

const SEED = new Uint8Array(32).fill(1);
const IDENTITY = identityFromSeed(suite, SEED);
const DIGEST = new Uint8Array(32).fill(6);

/** A transfer of a message that rides in its offer, and what it tells its machine. */
function transferOf(side: TransferSide): { transfer: RunningTransfer; inputs: PeerInput[] } {
  const inputs: PeerInput[] = [];
  const store = memoryStore({ name: "me", signingSeed: SEED, linkSeed: SEED });
  const clock = new TurnedClock();
  const ports = { store, suite, rsa: nativeRsa, clock, wall: () => 0 as WallMs };
  const line = { send: () => undefined, step: () => undefined, relayFingerprint: () => SEED };
  const facts = {
    transfer: new Uint8Array(16),
    key: "key",
    party: { id: IDENTITY.id, fingerprint: IDENTITY.fingerprint },
    relayName: "ann",
    peer: { name: "ann", fingerprint: "", trust: undefined },
    contentId: new Uint8Array(16),
    signed: false,
    content: { kind: "message", name: "", size: 256 },
    profile: "end-to-end",
  } as const;
  const transfer = new RunningTransfer(facts, side, {
    ports: ports as Partial<ClientPorts> as ClientPorts,
    self: IDENTITY,
    rsa: new RelayRsa(ports, IDENTITY, line),
    step: (input) => void inputs.push(input),
    openPipe: async () => await new Promise<never>(() => undefined),
  });
  return { transfer, inputs };
}

async function inlineRun(text: string): Promise<RecordsRun & { readonly content: Uint8Array }> {
  const content = await readMessage(messageSource(text));
  const key = (): Uint8Array => new Uint8Array(32).fill(2);
  const keys = { transcript: key(), header: key(), answer: key(), receipt: key() };
  return {
    kind: "run-records",
    keys: { ...keys, reverse: key(), session: key() },
    path: { kind: "inline", content, digest: DIGEST },
    fromOffset: 0,
    holdAt: undefined,
    sessionSeconds: 5,
    content,
  };
}

async function settle(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

test("runRecords() puts a message of an offer into its sink, then says so", async () => {
  const sink = messageSink();
  const { transfer, inputs } = transferOf({ role: "receiving", sink });
  const run = await inlineRun("hello");
  transfer.runRecords(run);
  assert.equal(await sink.text, "hello");
  await settle();
  const input = { kind: "records-done", total: 256, digest: DIGEST } as const;
  assert.deepEqual(inputs, [{ kind: "transfer", key: "key", input }]);
  assert.ok(run.content.every((byte) => byte === 0) && run.keys.session.every((b) => b === 0));
});

test("runRecords() abandons a message that its sink refuses, or that is stopped", async () => {
  const failure = new PosternError("store/no-space", "full");
  for (const isStopped of [false, true]) {
    const calls: string[] = [];
    const { transfer, inputs } = transferOf({
      role: "receiving",
      sink: {
        write: async () => void calls.push("write"),
        commit: async () => {
          throw failure;
        },
        abandon: async () => void calls.push("abandon"),
      },
    });
    transfer.runRecords(await inlineRun("hello"));
    if (isStopped) transfer.stopRecords(new PosternError("peer/cancelled", "no more"));
    await settle();
    assert.deepEqual(calls, ["write", "abandon"]);
    const [told] = inputs;
    assert.ok(told?.kind === "transfer" && told.input.kind === "records-failed");
    assert.equal(told.input.error.code, isStopped ? "peer/cancelled" : "store/no-space");
  }
});

test("T-01 settled waits for content that began to move after it was asked for", async () => {
  const abandoned = Promise.withResolvers<void>();
  const failure = new PosternError("store/no-space", "full");
  const sink = {
    write: async () => {
      throw failure;
    },
    commit: async () => {},
    abandon: async () => await abandoned.promise,
  };
  const { transfer } = transferOf({ role: "receiving", sink });
  let isSettled = false;
  const settled = transfer.settled.then(() => (isSettled = true));
  transfer.runRecords(await inlineRun("hello"));
  await transfer.fail(failure);
  await settle();
  assert.ok(!isSettled, "the sink is not let go");
  abandoned.resolve();
  await settled;
});

test("T-01 brings() knows a content by its sender too: another's offer of that id ends nothing", () => {
  const { transfer } = transferOf({ role: "receiving", sink: messageSink() });
  const contentId = new Uint8Array(16);
  assert.ok(transfer.brings(contentId, IDENTITY.fingerprint));
  assert.ok(!transfer.brings(contentId, new Uint8Array(32).fill(9)));
  assert.ok(!transfer.brings(new Uint8Array(16).fill(1), IDENTITY.fingerprint));
});

test("onEvent() lets a sender's message go, and counts its one key, when it is delivered", async () => {
  const source = messageSource("hello");
  const message = await readMessage(source);
  const { transfer } = transferOf({ role: "sending", source, rateLimit: undefined, message });
  transfer.onEvent({ kind: "done", nextMasterKey: true, total: 256, digest: DIGEST });
  const { bytes, sessionKeys, pipes } = await transfer.finished;
  assert.deepEqual([bytes, sessionKeys, pipes], [256, 1, 0]);
  assert.ok(message.every((byte) => byte === 0));
  const read = new Uint8Array(256);
  await source.read(read, 0);
  assert.ok(
    read.every((byte) => byte === 0),
    "the source is closed",
  );
});

test("readMessage() refuses a source that ends early", async () => {
  const source = { ...messageSource("hello"), read: async () => 0 };
  await assert.rejects(readMessage(source), { code: "transfer/source-changed" });
});
