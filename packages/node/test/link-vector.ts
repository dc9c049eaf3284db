/**
 * One link run from recorded inputs: the same bytes from every suite. The inputs of
 * `vectors/link.json` hold what is random in a real link: seeds and encapsulation results.
 *
 * @module
 */
import { hex } from "@postern/core/bytes";
import type { Suite } from "@postern/core/crypto";
import { identityFromSeed, relayFingerprint } from "@postern/core/identity";
import {
  startClientLink,
  startRelayLink,
  stepLink,
  type LinkFrame,
  type LinkInput,
  type LinkStep,
} from "@postern/core/link";
import type { InstantMs, WallMs } from "@postern/core/time";
import type { LinkInputs } from "../../core/test/plain-link.ts";

export interface LinkTranscript {
  readonly id: string;
  readonly fingerprint: string;
  readonly relayFingerprint: string;
  readonly handshake: readonly string[];
  readonly frames: readonly { readonly from: string; readonly bytes: string }[];
}

const FRAMES: readonly LinkFrame[] = [
  { kind: "presence", free: 1, listed: true, profiles: 7 },
  { kind: "find", request: 1, name: "bob" },
  { kind: "envelope", request: 2, to: new Uint8Array(32).fill(0x22), body: Uint8Array.of(1, 2, 3) },
  { kind: "result", request: 2, status: "absent" },
  { kind: "notice", notice: "restarting", afterMs: 1_000 },
];
const BUNDLED: readonly LinkFrame[] = [
  { kind: "envelope", request: 3, to: new Uint8Array(32).fill(0x22), body: Uint8Array.of(4) },
  { kind: "find", request: 4, name: "bob" },
];

/** @throws Error when a machine fails or an encapsulation does not open. */
export function runLinkVector(suite: Suite, inputs: LinkInputs): LinkTranscript {
  const now = 0 as InstantMs;
  const replaying = replay(suite, inputs);
  const identity = identityFromSeed(suite, unhex(inputs.identitySeed));
  const linkKey = suite.kemFromSeed(unhex(inputs.linkSeed));
  const staticKey = suite.kemFromSeed(unhex(inputs.relaySeed));
  const pin = relayFingerprint(suite, staticKey.publicKey);
  const { name } = inputs;
  const time = inputs.relayTimeMs as WallMs;
  let client = startClientLink(replaying, { identity, linkKey, name, pin }, now);
  const m1 = written(client);
  let relay = startRelayLink(replaying, { staticKey, time }, now);
  const receive = (step: LinkStep, bytes: Uint8Array): LinkStep =>
    go(step, { kind: "received", bytes });
  relay = receive(relay, m1);
  const m2 = written(relay);
  client = receive(client, m2);
  const m3 = written(client);
  relay = go(receive(relay, m3), { kind: "decide", status: "welcome", retryAfterMs: 0 });
  const m4 = written(relay);
  client = receive(client, m4);
  const alone = FRAMES.map((frame) => {
    const from = frame.kind === "result" || frame.kind === "notice" ? "relay" : "client";
    const step = go(from === "relay" ? relay : client, { kind: "send", frame });
    if (from === "relay") {
      relay = step;
      client = receive(client, written(step));
    } else {
      client = step;
      relay = receive(relay, written(step));
    }
    return { from, bytes: hex(written(step)) };
  });
  for (const frame of BUNDLED) client = go(client, { kind: "queue", frame });
  client = go(client, { kind: "flush" });
  receive(relay, written(client));
  return {
    id: hex(identity.id),
    fingerprint: hex(identity.fingerprint),
    relayFingerprint: hex(pin),
    handshake: [m1, m2, m3, m4].map(hex),
    frames: [...alone, { from: "client", bytes: hex(written(client)) }],
  };
}

/** The suite with recorded chance. Opening what was encapsulated stays its own work. */
function replay(suite: Suite, inputs: LinkInputs): Suite {
  const results = inputs.encapsulations.map(({ ciphertext, secret }) => ({
    ciphertext: unhex(ciphertext),
    secret: unhex(secret),
  }));
  return {
    ...suite,
    generateKem: () => suite.kemFromSeed(unhex(inputs.ephemeralSeed)),
    encapsulate: () => results.shift(),
  };
}

function go(step: LinkStep, input: LinkInput): LinkStep {
  const next = stepLink(step.state, input, 0 as InstantMs);
  if (next.state.kind === "failed") throw next.state.error;
  return next;
}

function written(step: LinkStep): Uint8Array {
  for (const effect of step.effects) if (effect.kind === "write") return effect.bytes;
  throw new Error(`nothing was written in ${step.state.kind}`);
}

function unhex(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, "hex"));
}
