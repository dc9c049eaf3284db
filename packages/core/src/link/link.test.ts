import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { anyClientFrame, anyRelayFrame } from "../../test/link-frames.ts";
import { LinkPair, RELAY_TIME } from "../../test/link-pair.ts";
import { withToyKem } from "../../test/toy-kem.ts";
import { concat, equalBytes } from "../bytes.ts";
import { nobleSuite } from "../crypto/noble-suite.ts";
import { PosternError } from "../errors.ts";
import { createIdentity, fingerprintOf } from "../identity.ts";
import { HANDSHAKE_TIMEOUT_MS, LINK_DEAD_MS, PING_INTERVAL_MS } from "../limits.ts";
import type { LinkInput } from "./link-state.ts";
import { linkDeadline, startClientLink, type LinkFrame, type LoginStatus } from "../link.ts";
import type { InstantMs } from "../time.ts";

const suite = withToyKem(nobleSuite);
const identity = createIdentity(suite);
const LISTED: LinkFrame = { kind: "presence", free: 1, listed: true, profiles: 1 };
const RESULT: LinkFrame = { kind: "result", request: 1, status: "done" };

function pair(): LinkPair {
  return new LinkPair({ clientSuite: suite, identity });
}

test("stepLink() establishes a link over X-Wing, in four messages of exact lengths", () => {
  const real = new LinkPair({ clientSuite: nobleSuite });
  const lengths = [real.carry("client"), real.carry("relay"), real.carry("client")];
  assert.deepEqual(real.client.events, [
    { kind: "relay-key", fingerprint: real.relayKeyFingerprint },
  ]);
  const { id } = real.identity;
  const fingerprint = fingerprintOf(nobleSuite, id);
  assert.deepEqual(real.relay.events, [{ kind: "login", id, fingerprint, name: "alice" }]);
  lengths.push(real.welcome().carry("relay"));
  assert.deepEqual(
    lengths.map((bytes) => bytes.length),
    [1216, 2400, 2520, 1168],
  );
  assert.deepEqual(real.relay.events[1], { kind: "established", relay: undefined });
  const limits = { frameBytesMax: 65_536, pingMs: 25_000, deadMs: 60_000 };
  assert.deepEqual(real.client.events[1], {
    kind: "established",
    relay: { fingerprint: real.relayKeyFingerprint, limits, time: RELAY_TIME },
  });
});

test("stepLink() carries every frame both ways on an established link", () => {
  const linked = pair().establish();
  fc.assert(
    fc.property(anyClientFrame, anyRelayFrame, (up, down) => {
      linked.client.step({ kind: "send", frame: up }, 0);
      linked.carry("client");
      linked.relay.step({ kind: "send", frame: down }, 0);
      linked.carry("relay");
      assert.deepEqual(linked.relay.frames.at(-1), up);
      assert.deepEqual(linked.client.frames.at(-1), down);
    }),
    { numRuns: 100 },
  );
});

test("P-01 stepLink() takes a whole link byte by byte", () => {
  const slow = pair();
  const trickle = (from: "client" | "relay"): void => {
    const [sender, receiver] =
      from === "client" ? [slow.client, slow.relay] : [slow.relay, slow.client];
    for (const bytes of sender.take())
      for (const byte of bytes) receiver.receive(Uint8Array.of(byte), 0);
  };
  trickle("client");
  trickle("relay");
  trickle("client");
  slow.welcome();
  slow.relay.step({ kind: "send", frame: RESULT }, 0);
  trickle("relay");
  slow.client.step({ kind: "send", frame: LISTED }, 0);
  trickle("client");
  assert.deepEqual(slow.client.frames, [RESULT]);
  assert.deepEqual(slow.relay.frames, [LISTED]);
});

test("P-01 stepLink() takes m4 and the frames behind it cut in two anywhere", () => {
  const frames = [RESULT, { ...RESULT, request: 2 }, { ...RESULT, request: 3 }];
  for (let cut = 0; cut < 1168 + 3 * 25; cut += 61) {
    const cutPair = pair().login().welcome();
    for (const frame of frames) cutPair.relay.step({ kind: "send", frame }, 0);
    const all = concat(...cutPair.relay.take());
    cutPair.client.receive(all.subarray(0, cut), 0);
    cutPair.client.receive(all.subarray(cut), 0);
    assert.deepEqual(cutPair.client.frames, frames, `cut at ${cut}`);
  }
});

const REFUSALS: readonly (readonly [LoginStatus, string, object])[] = [
  ["name-taken", "relay/name-taken", {}],
  ["overloaded", "relay/overloaded", { retryAfterMs: 1_500 }],
  ["unsupported-version", "link/unsupported-version", {}],
  ["refused", "relay/refused", { retryAfterMs: 1_500 }],
];

for (const [status, code, details] of REFUSALS) {
  test(`stepLink() makes ${code} of the login status ${status}`, () => {
    const refused = pair().login();
    refused.relay.step({ kind: "decide", status, retryAfterMs: 1_500 }, 0);
    assert.equal(refused.relay.state.kind, "closed");
    assert(refused.relay.closed);
    refused.carry("relay");
    assert.equal(refused.client.error?.code, code);
    assert.deepEqual(refused.client.error?.details, details);
    assert(refused.client.closed);
  });
}

test("stepLink() fails a handshake that takes too long, in every state", () => {
  const late = HANDSHAKE_TIMEOUT_MS;
  for (let carried = 0; carried <= 3; carried++) {
    const slow = pair();
    for (let i = 0; i < carried; i++) slow.carry(i % 2 === 0 ? "client" : "relay");
    for (const end of [slow.client, slow.relay]) {
      assert.equal(linkDeadline(end.state), late);
      end.step({ kind: "woke" }, late - 1);
      assert.notEqual(end.state.kind, "failed");
      end.step({ kind: "woke" }, late);
      assert.equal(end.error?.code, "link/timed-out");
      assert.equal(linkDeadline(end.state), undefined);
    }
  }
  const undecided = pair().login();
  undecided.relay.step({ kind: "decide", status: "welcome", retryAfterMs: 0 }, late);
  assert.equal(undecided.relay.error?.code, "link/timed-out");
});

test("stepLink() pings a silent link, answers pings, and emits neither", () => {
  const linked = pair().establish();
  const { client, relay } = linked;
  assert.equal(linkDeadline(client.state), PING_INTERVAL_MS);
  client.step({ kind: "woke" }, PING_INTERVAL_MS - 1);
  assert.deepEqual(client.written, []);
  linked.now = PING_INTERVAL_MS as InstantMs;
  client.step({ kind: "woke" }, linked.now);
  linked.carry("client");
  linked.carry("relay");
  assert.deepEqual([...client.frames, ...relay.frames], []);
  // The ping and the pong have put off the next ping of either side.
  assert.equal(linkDeadline(client.state), 2 * PING_INTERVAL_MS);
  assert.equal(linkDeadline(relay.state), 2 * PING_INTERVAL_MS);
  client.step({ kind: "send", frame: LISTED }, PING_INTERVAL_MS + 7);
  assert.equal(linkDeadline(client.state), 2 * PING_INTERVAL_MS + 7);
});

test("P-06 stepLink() takes a link for dead after LINK_DEAD_MS without a byte", () => {
  const { client } = pair().establish();
  client.step({ kind: "woke" }, PING_INTERVAL_MS);
  client.step({ kind: "woke" }, 2 * PING_INTERVAL_MS);
  assert.equal(linkDeadline(client.state), LINK_DEAD_MS);
  client.receive(new Uint8Array(0), LINK_DEAD_MS - 1);
  client.step({ kind: "woke" }, LINK_DEAD_MS - 1);
  assert.equal(client.state.kind, "established");
  client.step({ kind: "woke" }, LINK_DEAD_MS);
  assert.equal(client.error?.code, "link/timed-out");
});

test("stepLink() throws a caller's bugs and stays as it was", () => {
  const linked = pair();
  const bug = (end: "client" | "relay", input: LinkInput, code: string): void =>
    assert.throws(
      () => linked[end].step(input, 0),
      (error) => error instanceof PosternError && error.code === code,
    );
  const welcome = { kind: "decide", status: "welcome", retryAfterMs: 0 } as const;
  for (const kind of ["send", "queue"] as const)
    bug("client", { kind, frame: LISTED }, "usage/wrong-state");
  bug("relay", welcome, "usage/wrong-state");
  linked.login();
  bug("relay", { ...welcome, retryAfterMs: -1 }, "usage/invalid-argument");
  linked.welcome().carry("relay");
  bug("relay", welcome, "usage/wrong-state");
  for (const kind of ["send", "queue"] as const) {
    bug("client", { kind, frame: RESULT }, "usage/invalid-argument");
    bug("relay", { kind, frame: LISTED }, "usage/invalid-argument");
    bug("client", { kind, frame: { ...LISTED, free: -1 } }, "usage/invalid-argument");
  }
  linked.client.step({ kind: "send", frame: LISTED }, 0);
  linked.carry("client");
  assert.deepEqual(linked.relay.frames, [LISTED]);
});

test("startClientLink() refuses a name or a pin that is none", () => {
  const linkKey = suite.generateKem();
  for (const [name, pin] of [
    ["Bob", undefined],
    ["", undefined],
    ["bob", new Uint8Array(31)],
  ] as const)
    assert.throws(() => startClientLink(suite, { identity, linkKey, name, pin }, 0 as InstantMs), {
      code: "usage/invalid-argument",
    });
});

test("stepLink() ignores every input after failed and closed", () => {
  const ended = pair().establish();
  ended.client.step({ kind: "close" }, 0);
  assert.equal(ended.client.state.kind, "closed");
  ended.relay.receive(new Uint8Array(3), 0);
  assert.equal(ended.relay.error?.code, "link/malformed");
  const inputs: readonly LinkInput[] = [
    { kind: "received", bytes: new Uint8Array(9) },
    { kind: "send", frame: LISTED },
    { kind: "queue", frame: LISTED },
    { kind: "flush" },
    { kind: "decide", status: "welcome", retryAfterMs: 0 },
    { kind: "woke" },
    { kind: "close" },
  ];
  for (const end of [ended.client, ended.relay]) {
    const { state, events } = end;
    const count = events.length;
    for (const input of inputs) end.step(input, 10 * LINK_DEAD_MS);
    assert.equal(end.state, state);
    assert.equal(events.length, count);
    assert.equal(linkDeadline(end.state), undefined);
  }
});

test("C-20 stepLink() wipes the ephemeral secret when it has served and when the link ends", () => {
  for (const end of ["served", "closed"] as const) {
    const seeds: Uint8Array[] = [];
    const spy = {
      ...suite,
      generateKem: () => {
        const keyPair = suite.generateKem();
        seeds.push(keyPair.seed);
        return keyPair;
      },
    };
    const linkKey = suite.generateKem();
    const spied = new LinkPair({ clientSuite: spy, relaySuite: suite, identity, linkKey });
    assert(!equalBytes(seeds[0]!, new Uint8Array(32)));
    if (end === "served") spied.login();
    else spied.client.step({ kind: "close" }, 0);
    assert.deepEqual(seeds, [new Uint8Array(32)]);
    assert(!equalBytes(linkKey.seed, new Uint8Array(32)), "the caller's key stays");
  }
});
