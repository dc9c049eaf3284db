/** The link of `@postern/core` over both suites: the same bytes, and each with the other. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { nobleSuite } from "@postern/core/crypto/noble";
import type { LinkFrame } from "@postern/core/link";
import { nativeSuite } from "../src/native-suite.ts";
import { meet } from "./link-meeting.ts";
import type { LinkInputs } from "../../core/test/plain-link.ts";
import { runLinkVector, type LinkTranscript } from "./link-vector.ts";

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
    // What is inside, and the keys, no suite shows: core's tests make them from the text.
    const { id, fingerprint, relayFingerprint, handshake } = transcript;
    const frames = transcript.frames.map(({ from, bytes }) => ({ from, bytes }));
    const expected = { id, fingerprint, relayFingerprint, handshake, frames };
    assert.deepEqual(runLinkVector(suite, inputs), expected);
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
      const linked = meet(clientSuite, relaySuite);
      const up: LinkFrame = { kind: "find", request: 1, name: "bob" };
      const down: LinkFrame = { kind: "result", request: 1, status: "unknown" };
      linked.send("client", up);
      linked.send("relay", down);
      assert.deepEqual(linked.frames, { client: [down], relay: [up] });
    });

test("C-01 C-08 no link comes of an X-Wing key or ciphertext with a bit flipped", () => {
  // The first and last bytes of both halves: ML-KEM-768 first, then X25519.
  const places = [
    [0, 1183, 1184, 1215],
    [0, 1087, 1088, 1119],
    [0, 1087, 1088, 1135],
    [0, 1087, 1088, 1135],
  ];
  places.forEach((offsets, message) => {
    for (const at of offsets) {
      const attacked = meet(nativeSuite, nativeSuite, (bytes, number) =>
        number === message ? bytes.with(at, bytes[at]! ^ 1) : bytes,
      );
      assert.equal(attacked.errors.length, 1, `m${message + 1}, byte ${at}`);
      assert.match(attacked.errors[0]!.code, /^link\/(authentication-failed|malformed)$/);
      assert.notEqual(attacked.client.kind, "established");
    }
  });
});

test("C-07 a relay refuses an ephemeral key whose X25519 half has low order", () => {
  const attacked = meet(nativeSuite, nativeSuite, (bytes, number) => {
    const zeroed = new Uint8Array(bytes);
    if (number === 0) zeroed.fill(0, 1184);
    return zeroed;
  });
  assert.equal(attacked.relay.kind, "failed");
  assert.equal(attacked.errors[0]?.code, "link/malformed");
  assert.equal(attacked.client.kind, "expect-hello");
});

function unhex(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, "hex"));
}
