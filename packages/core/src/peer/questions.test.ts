import assert from "node:assert/strict";
import { test } from "node:test";
import { nobleSuite as suite } from "../crypto/noble-suite.ts";
import { ANSWER_TIMEOUT_MS, REQUESTS_PENDING_MAX } from "../limits.ts";
import type { LinkFrame, RelayFrame } from "../link/frames.ts";
import type { InstantMs, WallMs } from "../time.ts";
import { Peer } from "./peer.ts";
import type { DirectoryQuery, PeerEffect, PeerInput } from "./steps.ts";

const fingerprint = new Uint8Array(32).fill(3);
const of = new Uint8Array(32).fill(4);
const certificate = new Uint8Array(40).fill(5);
const QUESTION: DirectoryQuery = { kind: "certificate", of };

function newPeer(): (input: PeerInput) => readonly PeerEffect[] {
  const self = { id: new Uint8Array(35), fingerprint };
  const peer = new Peer({ suite, self, relayFingerprint: fingerprint });
  return (input) => peer.step(input, { instant: 0 as InstantMs, wall: 0 as WallMs });
}

function asked(effects: readonly PeerEffect[]): Extract<LinkFrame, { request: number }> {
  const [effect] = effects;
  assert(effect?.kind === "frame" && "request" in effect.frame);
  return effect.frame;
}

test("Peer: a certificate is asked for by fingerprint, and the answer finds its question", () => {
  const step = newPeer();
  const frames = [8, 9].map((token) => asked(step({ kind: "query", token, query: QUESTION })));
  const [first, second] = frames;
  assert(first !== undefined && second !== undefined);
  assert.deepEqual(first, { kind: "fetch-certificate", request: first.request, of });
  assert.notEqual(first.request, second.request);
  const frame: RelayFrame = { kind: "certificate", request: second.request, certificate };
  assert.deepEqual(step({ kind: "frame", frame }), [
    { kind: "answered", token: 9, query: "certificate", answer: frame },
  ]);
  assert.deepEqual(step({ kind: "frame", frame }), [], "an answer counts once");
});

test("Peer: a question that is refused says with which status", () => {
  const step = newPeer();
  for (const status of ["refused", "absent", "unknown", "overloaded"] as const) {
    const { request } = asked(step({ kind: "query", token: 1, query: QUESTION }));
    const answer = status === "overloaded" ? { kind: status } : { kind: "refused", status };
    assert.deepEqual(step({ kind: "frame", frame: { kind: "result", request, status } }), [
      { kind: "answered", token: 1, query: "certificate", answer },
    ]);
  }
});

const keyPackage = new Uint8Array(1_352).fill(6);

/** Each question, its frame, and a frame that answers it. */
const QUESTIONS: readonly (readonly [
  DirectoryQuery,
  (request: number) => LinkFrame,
  (request: number) => RelayFrame,
])[] = [
  [
    { kind: "package", of },
    (request) => ({ kind: "fetch-package", request, of }),
    (request) => ({ kind: "package", request, keyPackage }),
  ],
  [
    { kind: "publish", replace: true, packages: [keyPackage] },
    (request) => ({ kind: "publish-packages", request, replace: true, packages: [keyPackage] }),
    (request) => ({ kind: "packages-held", request, held: [] }),
  ],
  [
    { kind: "pair-open" },
    (request) => ({ kind: "pair-open", request }),
    (request) => ({ kind: "pair-slot", request, slot: 37, validMs: 600_000 }),
  ],
];

for (const [query, question, answer] of QUESTIONS) {
  test(`Peer: ${query.kind} asks with its frame and hears the answer, or the refusal`, () => {
    const step = newPeer();
    const frame = asked(step({ kind: "query", token: 3, query }));
    assert.deepEqual(frame, question(frame.request));
    const reply = answer(frame.request);
    assert.deepEqual(step({ kind: "frame", frame: reply }), [
      { kind: "answered", token: 3, query: query.kind, answer: reply },
    ]);
    const { request } = asked(step({ kind: "query", token: 4, query }));
    assert.deepEqual(step({ kind: "frame", frame: { kind: "result", request, status: "done" } }), [
      {
        kind: "answered",
        token: 4,
        query: query.kind,
        answer: { kind: "refused", status: "done" },
      },
    ]);
  });
}

test("Peer: pair-join is answered by a result, done or not", () => {
  const step = newPeer();
  const query: DirectoryQuery = { kind: "pair-join", slot: 37 };
  for (const [status, answer] of [
    ["done", { kind: "done" }],
    ["unknown", { kind: "refused", status: "unknown" }],
    ["overloaded", { kind: "overloaded" }],
  ] as const) {
    const frame = asked(step({ kind: "query", token: 5, query }));
    assert.deepEqual(frame, { kind: "pair-join", request: frame.request, slot: 37 });
    const result: RelayFrame = { kind: "result", request: frame.request, status };
    assert.deepEqual(step({ kind: "frame", frame: result }), [
      { kind: "answered", token: 5, query: "pair-join", answer },
    ]);
  }
});

test("Peer: what happens in a slot is the driver's", () => {
  const step = newPeer();
  for (const frame of [
    { kind: "pair-joined", slot: 37 },
    { kind: "pair-message", slot: 37, body: of },
    { kind: "pair-closed", slot: 37, reason: "gone" },
  ] as const)
    assert.deepEqual(step({ kind: "frame", frame }), []);
});

test("C-12 Peer: a certificate that nobody asked for changes nothing", () => {
  const step = newPeer();
  const frame: RelayFrame = { kind: "certificate", request: 1, certificate };
  assert.deepEqual(step({ kind: "frame", frame }), []);
  const { request } = asked(
    step({ kind: "query", token: 2, query: { kind: "find", name: "bob" } }),
  );
  assert.deepEqual(
    step({ kind: "frame", frame: { ...frame, request } }),
    [{ kind: "answered", token: 2, query: "find", answer: { ...frame, request } }],
    "whoever asked for a name sees that this is none",
  );
});

test("Peer: questions beyond REQUESTS_PENDING_MAX are overloaded at once", () => {
  const step = newPeer();
  for (let token = 0; token < REQUESTS_PENDING_MAX; token++)
    asked(step({ kind: "query", token, query: QUESTION }));
  assert.deepEqual(step({ kind: "query", token: 7, query: QUESTION }), [
    { kind: "answered", token: 7, query: "certificate", answer: { kind: "overloaded" } },
  ]);
});

test("P-06 Peer: a question without an answer is over after ANSWER_TIMEOUT_MS", () => {
  const self = { id: new Uint8Array(35), fingerprint };
  const peer = new Peer({ suite, self, relayFingerprint: fingerprint });
  const at = (ms: number): { readonly instant: InstantMs; readonly wall: WallMs } => ({
    instant: ms as InstantMs,
    wall: ms as WallMs,
  });
  const ask = (token: number, ms: number): readonly PeerEffect[] =>
    peer.step({ kind: "query", token, query: QUESTION }, at(ms));
  for (let token = 0; token < REQUESTS_PENDING_MAX; token++) ask(token, token);
  assert.equal(peer.deadline, ANSWER_TIMEOUT_MS);
  assert.deepEqual(peer.step({ kind: "woke" }, at(ANSWER_TIMEOUT_MS - 1)), []);
  const effects = peer.step({ kind: "woke" }, at(ANSWER_TIMEOUT_MS + 1));
  const answer = { kind: "unanswered" } as const;
  assert.deepEqual(
    effects,
    [0, 1].map((token) => ({ kind: "answered", token, query: "certificate", answer })),
  );
  assert.equal(peer.deadline, ANSWER_TIMEOUT_MS + 2);
  // Their places are free again, and what comes for them now is for nobody.
  const { request } = asked(ask(1_000, ANSWER_TIMEOUT_MS + 1));
  const late: RelayFrame = { kind: "certificate", request: 1, certificate };
  assert.notEqual(request, 1);
  assert.deepEqual(peer.step({ kind: "frame", frame: late }, at(ANSWER_TIMEOUT_MS + 1)), []);
});
