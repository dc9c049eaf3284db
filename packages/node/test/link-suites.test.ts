/** The link of `@postern/core` over both suites: the same bytes, and each with the other. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { nobleSuite } from "@postern/core/crypto/noble";
import type { LinkFrame } from "@postern/core/link";
import { LinkPair } from "../../core/test/link-pair.ts";
import { nativeSuite } from "../src/native-suite.ts";
import { runLinkVector, type LinkInputs, type LinkTranscript } from "./link-vector.ts";

const FILE = join(import.meta.dirname, "../../../vectors/link.json");

interface LinkVector {
  readonly inputs: LinkInputs;
  readonly transcript: LinkTranscript;
}

const SUITES = [
  ["native", nativeSuite],
  ["noble", nobleSuite],
] as const;

for (const [name, suite] of SUITES) {
  test(`the ${name} suite reproduces vectors/link.json`, () => {
    const { inputs, transcript } = JSON.parse(readFileSync(FILE, "utf8")) as LinkVector;
    assert.deepEqual(runLinkVector(suite, inputs), transcript);
  });

  test(`the ${name} suite opens every recorded encapsulation`, () => {
    const { inputs } = JSON.parse(readFileSync(FILE, "utf8")) as LinkVector;
    const seeds = [inputs.ephemeralSeed, inputs.relaySeed, inputs.linkSeed];
    inputs.encapsulations.forEach(({ ciphertext, secret }, i) => {
      const keyPair = suite.kemFromSeed(unhex(seeds[i]!));
      assert.deepEqual(suite.decapsulate(keyPair, unhex(ciphertext)), unhex(secret));
    });
  });
}

for (const [clientName, clientSuite] of SUITES)
  for (const [relayName, relaySuite] of SUITES)
    test(`a ${clientName} client and a ${relayName} relay establish a link`, () => {
      const linked = new LinkPair({ clientSuite, relaySuite }).establish();
      const up: LinkFrame = { kind: "find", request: 1, name: "bob" };
      const down: LinkFrame = { kind: "result", request: 1, status: "unknown" };
      linked.client.step({ kind: "send", frame: up }, 0);
      linked.carry("client");
      linked.relay.step({ kind: "send", frame: down }, 0);
      linked.carry("relay");
      assert.deepEqual(linked.relay.frames, [up]);
      assert.deepEqual(linked.client.frames, [down]);
    });

test("C-01 C-08 no link comes of an X-Wing key or ciphertext with a bit flipped", () => {
  // The first and last bytes of both halves: ML-KEM-768 first, then X25519.
  const places: readonly (readonly [number, readonly number[]])[] = [
    [0, [0, 1183, 1184, 1215]],
    [1, [0, 1087, 1088, 1119]],
    [2, [0, 1087, 1088, 1135]],
    [3, [0, 1087, 1088, 1135]],
  ];
  for (const [message, bytesAt] of places)
    for (const at of bytesAt) {
      const attacked = new LinkPair({ clientSuite: nativeSuite });
      for (let i = 0; i < message; i++) attacked.carry(i % 2 === 0 ? "client" : "relay");
      if (message === 3) attacked.welcome();
      const from = message % 2 === 0 ? "client" : "relay";
      attacked.carry(from, (bytes) => bytes.with(at, bytes[at]! ^ 1));
      if (message === 0 && attacked.relay.error === undefined) attacked.carry("relay");
      const failed = [attacked.client.error, attacked.relay.error].filter((error) => error);
      assert.equal(failed.length, 1, `message ${message + 1}, byte ${at}`);
      assert.match(failed[0]!.code, /^link\/(authentication-failed|malformed)$/);
      assert.notEqual(attacked.client.state.kind, "established");
    }
});

test("C-07 a relay refuses an ephemeral key whose X25519 half has low order", () => {
  const attacked = new LinkPair({ clientSuite: nativeSuite });
  attacked.carry("client", (m1) => {
    const zeroed = new Uint8Array(m1);
    zeroed.fill(0, 1184);
    return zeroed;
  });
  assert.equal(attacked.relay.error?.code, "link/malformed");
  assert.deepEqual(attacked.relay.written, []);
});

function unhex(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, "hex"));
}
