import assert from "node:assert/strict";
import { test } from "node:test";
import { PosternError } from "@postern/core/errors";
import { transferKey, type PeerInput } from "@postern/core/peer";
import type { ReceiveEvent } from "./api.ts";
import { Listening, type PeerFacts } from "./listening.ts";
import type { OfferJournal } from "./offer-journal.ts";

const [ANN, BEN] = [1, 2].map((key) => new Uint8Array(32).fill(key));
const [CONTENT, OTHER] = [3, 4].map((id) => new Uint8Array(16).fill(id));

function factsOf(id: number, fingerprint = ANN!): PeerFacts {
  const transfer = new Uint8Array(16).fill(id);
  const peer = { name: "ann", fingerprint: "f", trust: undefined };
  const party = { id: new Uint8Array(35), fingerprint };
  return { transfer, key: transferKey(fingerprint, transfer), party, relayName: "ann", peer };
}

/** The machine ends a transfer whose sender has withdrawn it. */
class Scene {
  readonly withdrawn: number[] = [];
  readonly listening: Listening;

  constructor() {
    const error = new PosternError("peer/cancelled", "x");
    this.listening = new Listening(
      { profiles: ["end-to-end"] },
      {
        step: (input: PeerInput) => {
          if (input.kind !== "transfer" || input.input.kind !== "envelope") return;
          const { envelope } = input.input;
          assert.equal(envelope.kind, "withdraw");
          const [id = 0] = envelope.transfer;
          this.withdrawn.push(id);
          this.listening.onEvent(factsOf(id), { kind: "failed", error });
        },
        accept: () => assert.fail("nothing is accepted"),
        journal: () => ({}) as OfferJournal,
        before: () => undefined,
      },
    );
  }

  offer(facts: PeerFacts, contentId: Uint8Array): void {
    const content = { kind: "file", name: "a", size: 1, contentId, signed: false } as const;
    this.listening.onEvent(facts, {
      kind: "offer",
      profile: "end-to-end",
      content: { ...content, manifest: undefined },
    });
  }

  /** What the application has heard, as it hears it from now on. */
  read(): readonly string[] {
    const told: string[] = [];
    const say = (event: ReceiveEvent): void => {
      if (event.type === "offer") told.push(`offer ${event.offer.id.slice(0, 2)}`);
      if (event.type === "withdrawn") told.push(`withdrawn ${event.id.slice(0, 2)}`);
    };
    void (async () => {
      for await (const event of this.listening.events) say(event);
    })();
    return told;
  }
}

async function settle(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

test("T-01 an offer that waits is void when its sender offers the same content again", async () => {
  const scene = new Scene();
  scene.offer(factsOf(0x0a), CONTENT!);
  scene.offer(factsOf(0x0b), OTHER!);
  scene.offer(factsOf(0x0c, BEN), CONTENT!);
  assert.deepEqual(scene.withdrawn, []);
  const told = scene.read();
  await settle();
  scene.offer(factsOf(0x0d), CONTENT!);
  assert.deepEqual(scene.withdrawn, [0x0a]);
  await settle();
  assert.deepEqual(told, ["offer 0a", "offer 0b", "offer 0c", "withdrawn 0a", "offer 0d"]);
});

test("T-04 offers that come and go while nobody reads leave nothing behind", async () => {
  const scene = new Scene();
  scene.offer(factsOf(0x0b), OTHER!);
  for (let n = 0; n < 1_000; n++) scene.offer(factsOf(0x0c + (n % 2)), CONTENT!);
  assert.equal(scene.withdrawn.length, 999);
  const told = scene.read();
  await settle();
  assert.deepEqual(told, ["offer 0b", "offer 0d"]);
});
