/**
 * The relay's half of the handshake (docs/protocol.md 5). The states and the diagram are the
 * link's: `link.ts`.
 *
 * Invariant: before a login is proven nothing is kept but one handshake message.
 *
 * @module
 */
import type { Suite } from "../crypto.ts";
import { PosternError } from "../errors.ts";
import { fingerprintOf } from "../identity.ts";
import {
  HANDSHAKE_TIMEOUT_MS,
  LINK_DEAD_MS,
  LINK_FRAME_BYTES_MAX,
  PING_INTERVAL_MS,
} from "../limits.ts";
import { after, type InstantMs } from "../time.ts";
import { establish } from "./established.ts";
import { readM1, readM3, refuseOwnKey, startNoise, writeM2, writeM4 } from "./handshake.ts";
import { encodeHello } from "./hello.ts";
import { Inbox } from "./inbox.ts";
import type {
  ExpectDecisionState,
  ExpectEphemeralState,
  ExpectLoginState,
  LinkEffect,
  LinkStep,
  RelayLinkOptions,
} from "./link-state.ts";
import { decodeLogin, verifyLogin, type Login } from "./login.ts";
import { encodeLoginResult, type LoginResult } from "./login-result.ts";

/** Waits for a client's m1. */
export function startRelayLink(suite: Suite, options: RelayLinkOptions, now: InstantMs): LinkStep {
  const { staticKey, time } = options;
  const deadline = after(now, HANDSHAKE_TIMEOUT_MS);
  const handshaking = { suite, noise: startNoise(suite), inbox: new Inbox(), deadline };
  return { state: { kind: "expect-ephemeral", ...handshaking, staticKey, time }, effects: [] };
}

/** m1 has come: answer with the relay's key and hello. */
export function receiveEphemeral(state: ExpectEphemeralState, m1: Uint8Array): LinkStep {
  const { suite, noise, inbox, deadline, staticKey, time } = state;
  refuseOwnKey(staticKey, m1);
  const ephemeralKey = readM1(noise, m1);
  const limits = {
    frameBytesMax: LINK_FRAME_BYTES_MAX,
    pingMs: PING_INTERVAL_MS,
    deadMs: LINK_DEAD_MS,
  };
  const m2 = writeM2(suite, noise, ephemeralKey, staticKey, encodeHello({ limits, time }));
  return {
    state: { kind: "expect-login", suite, noise, inbox, deadline, staticKey },
    effects: [{ kind: "write", bytes: m2 }],
  };
}

/** m3 has come: the client is proven; whether it may stay is decided outside. */
export function receiveLogin(state: ExpectLoginState, m3: Uint8Array): LinkStep {
  const { suite, noise, inbox, deadline, staticKey } = state;
  const { key: clientKey, payload, h } = readM3(suite, noise, staticKey, m3);
  refuseOwnKey(staticKey, clientKey);
  const next: ExpectDecisionState = {
    kind: "expect-decision",
    suite,
    noise,
    inbox,
    deadline,
    clientKey,
  };
  let login: Login;
  try {
    login = decodeLogin(payload);
  } catch (error) {
    if (!(error instanceof PosternError) || error.code !== "link/unsupported-version") throw error;
    return refuseVersion(next, error);
  }
  if (!verifyLogin(suite, login, h))
    throw new PosternError("link/authentication-failed", "the login's signature does not hold");
  const fingerprint = fingerprintOf(suite, login.id);
  return {
    state: next,
    effects: [
      { kind: "emit", event: { kind: "login", id: login.id, fingerprint, name: login.name } },
    ],
  };
}

/** The decision has come: tell the client. Anything but `welcome` ends the link. */
export function answerLogin(
  state: ExpectDecisionState,
  result: LoginResult,
  now: InstantMs,
): LinkStep {
  const write = writeResult(state, result);
  if (result.status === "welcome") {
    return {
      state: establish("relay", state, PING_INTERVAL_MS, now),
      effects: [write, { kind: "emit", event: { kind: "established", relay: undefined } }],
    };
  }
  state.noise.wipe();
  return { state: { kind: "closed" }, effects: [write, { kind: "close" }] };
}

function refuseVersion(state: ExpectDecisionState, error: PosternError): LinkStep {
  const write = writeResult(state, { status: "unsupported-version", retryAfterMs: 0 });
  state.noise.wipe();
  return {
    state: { kind: "failed", error },
    effects: [write, { kind: "emit", event: { kind: "failed", error } }, { kind: "close" }],
  };
}

function writeResult(state: ExpectDecisionState, result: LoginResult): LinkEffect {
  const payload = encodeLoginResult(result);
  return { kind: "write", bytes: writeM4(state.suite, state.noise, state.clientKey, payload) };
}
