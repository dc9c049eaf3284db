/** A relay, or somebody at it, that plays with keys, names and proofs (S-01, S-02, S-03). */
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { connect, type ClientPorts } from "@postern/client";
import { concat } from "@postern/core/bytes";
import { PosternError } from "@postern/core/errors";
import { encodeRsaCertificate, formatFingerprint } from "@postern/core/identity";
import { encodeLinkFrame, type ClientFrame, type RelayFrame } from "@postern/core/link";
import type { WallMs } from "@postern/core/time";
import { nativeRsa, nativeSuite as suite } from "@postern/node";
import { Actor, ADDRESS, bytesSource, KEY_LIFE_MS, outcomeOf, rsaKeyOf, Stage } from "./cast.ts";
import { envelopeOf, lastDelivery } from "./envelopes.ts";

before(async () => void (await rsaKeyOf("mallory")));

type KeyUp = Extract<ClientFrame, { kind: "key-up" }>;
type AuthResponse = Extract<ClientFrame, { kind: "auth-response" }>;

test("S-02 a relay cannot put an RSA key of its own in the place of Bob's", async () => {
  const stage = await Stage.open();
  const [alice, bob] = await stage.pair();
  const mallory = await stage.person("mallory");
  const { spki } = stage.relay;
  const notAfter = (stage.relay.wall() + KEY_LIFE_MS) as WallMs;
  const made = (who: Actor, key: Uint8Array, until = notAfter): Uint8Array =>
    encodeRsaCertificate(suite, who.identity, key, until);
  const honest = made(bob, bob.rsaKey.spki);
  const swapped = honest.slice();
  swapped.set(spki, 4);
  const lies: readonly (readonly [string, Uint8Array])[] = [
    ["the relay's key under Bob's signature", swapped],
    ["the relay's key, certified by Mallory", made(mallory, spki)],
    ["Bob's key, certified by Mallory", made(mallory, bob.rsaKey.spki)],
    ["Mallory's own", made(mallory, mallory.rsaKey.spki)],
    ["Bob's, of last year", made(bob, bob.rsaKey.spki, (stage.relay.wall() - 1) as WallMs)],
    ["noise", suite.random(500)],
  ];
  const certify = (bytes: Uint8Array, from: number): void => {
    let count = 0;
    stage.relay.onAnswer = (_to, frame) =>
      frame.kind === "certificate" && ++count >= from
        ? [{ ...frame, certificate: bytes }]
        : [frame];
  };
  certify(honest, 1);
  assert.equal(await stage.send(alice, "bob"), "done", "an honest one passes");
  for (const [what, certificate] of lies) {
    const spoken = stage.relay.heard.length;
    certify(certificate, 1);
    assert.equal(await stage.send(alice, "bob"), "link/authentication-failed", what);
    const kinds = stage.relay.heard.slice(spoken).map(({ frame }) => frame.kind);
    assert.ok(!kinds.includes("envelope"), "nothing was encrypted to it");
    // The second question is about the key of the session secrets.
    certify(certificate, 2);
    assert.equal(await stage.send(alice, "bob"), "link/authentication-failed", what);
    await stage.clock.advance(0);
  }
  assert.equal(bob.received.length, 1);
});

test("S-02 a relay that shows Mallory behind the name bob: the sender sees Mallory's fingerprint", async () => {
  const stage = await Stage.open();
  const [alice, bob] = await stage.pair();
  const mallory = await stage.receiver("mallory");
  stage.relay.onAnswer = (_to, frame) =>
    frame.kind === "found" ? [{ ...frame, id: mallory.identity.id }] : [frame];
  const transfer = await stage.clock.until(stage.start(alice, "bob"));
  // A name proves nothing (3): who gets it is told before a byte of content leaves.
  assert.deepEqual(transfer.peer, {
    name: "bob",
    fingerprint: formatFingerprint(mallory.identity.fingerprint),
    trust: undefined,
  });
  assert.notEqual(transfer.peer.fingerprint, bob.client.fingerprint);
  assert.equal(await stage.clock.until(outcomeOf(transfer)), "done");
  assert.deepEqual([bob.received.length, mallory.received.length], [0, 1]);
});

test("S-02 C-13 Bob's identity with Mallory's certificate, and the other way round, is refused", async () => {
  const stage = await Stage.open();
  const [alice, bob] = await stage.pair();
  const mallory = await stage.receiver("mallory");
  stage.relay.onFrame = (_from, frame) =>
    frame.kind === "fetch-certificate" ? [{ ...frame, of: mallory.identity.fingerprint }] : [frame];
  assert.equal(await stage.send(alice, "bob"), "link/authentication-failed");
  stage.relay.onFrame = (_from, frame) =>
    frame.kind === "fetch-certificate" ? [{ ...frame, of: bob.identity.fingerprint }] : [frame];
  assert.equal(await stage.send(alice, "mallory"), "link/authentication-failed");
  assert.deepEqual([bob.offers.length, mallory.offers.length], [0, 0]);
});

test("S-02 a man in the middle of the link has not the pinned key, and hears no login", async () => {
  const stage = await Stage.open();
  const alice = await stage.person("alice");
  const middle = await Stage.open();
  const ports = { ...alice.ports, transport: middle.relay.transport, clock: middle.clock };
  const again = async (fingerprint?: Uint8Array): Promise<string> => {
    const address = fingerprint === undefined ? ADDRESS : { ...ADDRESS, fingerprint };
    return await middle.clock.until(codeOf(connect(ports, { address })));
  };
  assert.equal(await again(), "relay/pin-changed");
  assert.equal(await again(stage.relay.fingerprint), "link/wrong-relay-key");
  assert.equal(middle.relay.isConnected("alice"), false);
  assert.deepEqual(middle.relay.heard, []);
});

test("S-03 R-01 a login under Bob's name by somebody else is refused, and Bob stays", async () => {
  const stage = await Stage.open();
  const [alice, bob] = await stage.pair();
  const impostor = new Actor(stage, "bob", await rsaKeyOf("mallory"), () => ({}));
  await stage.certify(impostor);
  assert.equal(await codeOf(stage.connect(impostor)), "relay/name-taken");
  assert.ok(stage.relay.isConnected("bob"));
  assert.deepEqual(stage.relay.listed(), ["bob"]);
  assert.equal(await stage.send(alice, "bob"), "done");
  assert.equal(bob.received.length, 1);
});

test("S-01 Alice's AUTH messages prove nothing when Mallory sends them", async () => {
  const stage = await Stage.open();
  const [alice] = await stage.pair();
  assert.equal(await stage.send(alice, "bob"), "done");
  const [open, response] = ["auth-open", "auth-response"].map((kind) =>
    stage.relay.heard.find(({ from, frame }) => from === "alice" && frame.kind === kind)!,
  );
  const alices = response!.frame as AuthResponse;
  const replays: readonly ((own: ClientFrame) => ClientFrame)[] = [
    (own) => (own.kind === "auth-open" ? open!.frame : own),
    (own) => (own.kind === "auth-response" ? alices : own),
    (own) => (own.kind === "auth-response" ? { ...own, ciphertext: alices.ciphertext } : own),
    (own) => (own.kind === "auth-response" ? { ...own, mac: alices.mac } : own),
  ];
  for (const [number, replay] of replays.entries()) {
    const mallory = await stage.person(`mallory.${number}`, undefined, "mallory");
    const { name } = mallory;
    stage.relay.onFrame = (from, frame) => [from === name ? replay(frame) : frame];
    const said = stage.relay.said.length;
    assert.equal(await stage.clock.until(codeOf(stage.start(mallory, "bob"))), "link/closed");
    const answers = stage.relay.said.slice(said).filter(({ to }) => to === name);
    const kinds = new Set(answers.map(({ frame }) => frame.kind));
    assert.ok(!kinds.has("auth-confirm") && !kinds.has("certificate"), [...kinds].join());
    await stage.clock.until(mallory.client.close());
  }
});

test("S-01 what was encrypted to the relay opens for no other use and no other transfer", async () => {
  const stage = await Stage.open();
  const [alice] = await stage.pair();
  const mallory = await stage.receiver("mallory", { profiles: ["symmetric"] });
  for (const profile of ["asymmetric", "symmetric"] as const)
    assert.equal(await stage.send(alice, "bob", { profile }), "done");
  const { heard } = stage.relay;
  const captured = heard.flatMap(({ from, frame }) =>
    from === "alice" && (frame.kind === "auth-response" || frame.kind === "key-up")
      ? [frame.ciphertext]
      : [],
  );
  assert.equal(captured.length, 3, "one proof, this key and the next");
  const to = mallory.identity.fingerprint;
  for (const [request, ciphertext] of captured.entries())
    for (const use of ["this", "next"] as const) {
      const transfer = suite.random(16);
      const frame: KeyUp = {
        kind: "key-up",
        request: 900 + request,
        to,
        transfer,
        use,
        ciphertext,
      };
      stage.relay.hear("mallory", frame);
      await stage.clock.advance(0);
      const answer = stage.relay.said.at(-1)!.frame;
      assert.deepEqual(answer, { kind: "result", request: 900 + request, status: "failed" });
    }
});

test("S-01 Alice's key-up with its own transfer id opens for no other sender or receiver", async () => {
  const stage = await Stage.open();
  const [alice, bob] = await stage.pair();
  const mallory = await stage.receiver("mallory", { profiles: ["symmetric"] });
  assert.equal(await stage.send(alice, "bob", { profile: "symmetric" }), "done");
  const { heard, said, opened } = stage.relay;
  const captured = heard.flatMap(({ from, frame }) =>
    from === "alice" && frame.kind === "key-up" ? [frame] : [],
  );
  assert.deepEqual(
    captured.map(({ use }) => use),
    ["this", "next"],
  );
  const attempt = async (from: Actor, to: Actor, own: KeyUp): Promise<readonly RelayFrame[]> => {
    const already = said.length;
    stage.relay.hear(from.name, { ...own, request: 900, to: to.identity.fingerprint });
    await stage.clock.advance(0);
    return said.slice(already).map(({ frame }) => frame);
  };
  const keys = opened.length;
  const failed = { kind: "result", request: 900, status: "failed" };
  for (const own of captured)
    for (const [from, to] of [
      [mallory, mallory],
      [mallory, bob],
      [alice, mallory],
      [bob, mallory],
    ] as const)
      assert.deepEqual(await attempt(from, to, own), [failed], `${from.name} to ${to.name}`);
  assert.equal(opened.length, keys, "the relay itself saw nothing");
  const honest = await attempt(alice, bob, captured[0]!);
  assert.deepEqual(honest.map(({ kind }) => kind).toSorted(), ["key-down", "result"]);
});

test("S-01 a client is no oracle: what was encrypted to it elsewhere is no challenge", async () => {
  const stage = await Stage.open();
  const [alice, bob] = await stage.pair();
  assert.equal(await stage.send(alice, "bob"), "done");
  const offer = envelopeOf(lastDelivery(stage.relay, "offer"));
  assert.ok(offer.kind === "offer");
  const ciphertext = offer.outer.slice(-384);
  stage.relay.onAnswer = (_to, frame) =>
    frame.kind === "auth-challenge" ? [{ ...frame, ciphertext }] : [frame];
  const spoken = stage.relay.heard.length;
  stage.relay.cut("bob");
  await stage.clock.advance(300);
  const kinds = stage.relay.heard.slice(spoken).map(({ frame }) => frame.kind);
  assert.ok(kinds.includes("auth-open"), "came back");
  assert.ok(!kinds.includes("auth-response"), "nothing is said of what was in it");
  assert.ok(!stage.relay.isConnected(bob.name), "and does not stay");
  const [last] = bob.events.slice(-1);
  assert.ok(last?.type === "closed" && last.error?.code === FAILED);
});

test("S-01 S-02 a relay that reflects a client's proof has proved nothing", async () => {
  const alicesKey = (await rsaKeyOf("alice")).spki;
  const lies: readonly [string, (frame: RelayFrame, response?: AuthResponse) => RelayFrame][] = [
    ["link/own-key", (frame) => (isChallenge(frame) ? { ...frame, spki: alicesKey } : frame)],
    [FAILED, (frame) => (isChallenge(frame) ? { ...frame, spki: bobsKey.spki } : frame)],
    [FAILED, (frame, own) => (isConfirm(frame) ? { ...frame, mac: own!.mac } : frame)],
    [FAILED, (frame) => (isConfirm(frame) ? { ...frame, mac: new Uint8Array(32) } : frame)],
  ];
  const bobsKey = await rsaKeyOf("bob");
  for (const [code, lie] of lies) {
    const stage = await Stage.open();
    const [alice, bob] = await stage.pair();
    let response: AuthResponse | undefined;
    stage.relay.onFrame = (_from, frame) => {
      if (frame.kind === "auth-response") response = frame;
      return [frame];
    };
    stage.relay.onAnswer = (_to, frame) => [lie(frame, response)];
    assert.equal(await stage.send(alice, "bob"), code);
    assert.equal(bob.offers.length, 0);
  }
});

test("S-01 nothing that anybody decrypted crosses a link or a pipe", async () => {
  const stage = await Stage.open();
  const opened: Uint8Array[] = [];
  const remembering = ({ rsa }: ClientPorts): Partial<ClientPorts> => ({
    rsa: {
      ...rsa,
      async decrypt(...args) {
        const plaintext = await nativeRsa.decrypt(...args);
        if (plaintext !== undefined) opened.push(plaintext.slice());
        return plaintext;
      },
    },
  });
  const alice = await stage.person("alice", remembering);
  const profiles = ["asymmetric", "symmetric"] as const;
  await stage.receiver("bob", { profiles, ports: remembering });
  const content = bytesSource(suite.random(100_000));
  for (const profile of profiles)
    assert.equal(await stage.send(alice, "bob", { profile, content }), "done");
  const wire = Buffer.from(
    concat(
      ...stage.relay.heard.map(({ frame }) => encodeLinkFrame(frame)),
      ...stage.relay.said.map(({ frame }) => encodeLinkFrame(frame)),
      ...stage.relay.pipes.written.map(({ frame }) => frame),
    ),
  );
  // "AUTH1" or "AUTH2", the secret and a hash, or a secret alone.
  const secrets = [...opened, ...stage.relay.opened].map((plaintext) =>
    plaintext.length === 32 ? plaintext : plaintext.slice(5, 37),
  );
  assert.ok(secrets.length >= 9, `${secrets.length} uses of RSA`);
  for (const secret of secrets) assert.equal(wire.indexOf(secret.subarray(0, 16)), -1);
  assert.notEqual(wire.indexOf(alice.identity.fingerprint), -1, "what does cross is found");
});

const FAILED = "link/authentication-failed";

function isChallenge(frame: RelayFrame): frame is Extract<RelayFrame, { kind: "auth-challenge" }> {
  return frame.kind === "auth-challenge";
}

function isConfirm(frame: RelayFrame): frame is Extract<RelayFrame, { kind: "auth-confirm" }> {
  return frame.kind === "auth-confirm";
}

async function codeOf(act: Promise<unknown>): Promise<string> {
  try {
    await act;
    return "done";
  } catch (error) {
    if (error instanceof PosternError) return error.code;
    throw error;
  }
}
