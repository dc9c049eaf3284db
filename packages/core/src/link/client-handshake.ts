/**
 * The client's half of the handshake (docs/protocol.md 5). The states and the diagram are the
 * link's: `link.ts`.
 *
 * Invariants: the relay's key is compared with the pin before anything is encapsulated to it; a
 * link is established only behind a fourth message, which the relay's key alone can make.
 *
 * @module
 */
import { equalBytes, wipe } from "../bytes.ts";
import type { Suite } from "../crypto.ts";
import { PosternError, unreachable } from "../errors.ts";
import { isName, relayFingerprint } from "../identity.ts";
import { HANDSHAKE_TIMEOUT_MS, PING_INTERVAL_MS } from "../limits.ts";
import { after, type InstantMs } from "../time.ts";
import { establish } from "./established.ts";
import { exactly, FINGERPRINT_BYTES } from "./fields.ts";
import { readM2, readM4, refuseOwnKey, startNoise, writeM1, writeM3 } from "./handshake.ts";
import { decodeHello } from "./hello.ts";
import { Inbox } from "./inbox.ts";
import type {
  ClientLinkOptions,
  ExpectHelloState,
  ExpectResultState,
  LinkStep,
} from "./link-state.ts";
import { encodeLogin } from "./login.ts";
import { decodeLoginResult, type LoginResult } from "./login-result.ts";

/**
 * Opens a link: the first effect is m1.
 *
 * @throws {@link PosternError} `usage/invalid-argument` for a name or a pin that is none.
 */
export function startClientLink(
  suite: Suite,
  options: ClientLinkOptions,
  now: InstantMs,
): LinkStep {
  const { identity, linkKey, name, pin } = options;
  if (!isName(name)) throw new PosternError("usage/invalid-argument", "not a name");
  if (pin !== undefined) exactly(pin, FINGERPRINT_BYTES, "pin");
  const noise = startNoise(suite);
  const ephemeral = suite.generateKem();
  const m1 = writeM1(noise, ephemeral);
  const deadline = after(now, HANDSHAKE_TIMEOUT_MS);
  const handshaking = { suite, noise, inbox: new Inbox(), deadline };
  return {
    state: { kind: "expect-hello", ...handshaking, ephemeral, identity, linkKey, name, pin },
    effects: [{ kind: "write", bytes: m1 }],
  };
}

/** m2 has come: check the relay's key, log in. */
export function receiveHello(state: ExpectHelloState, m2: Uint8Array): LinkStep {
  const { suite, noise, inbox, deadline, linkKey, identity, name } = state;
  const { key, payload } = readM2(suite, noise, state.ephemeral, m2);
  wipe(state.ephemeral.seed);
  refuseOwnKey(linkKey, key);
  const fingerprint = relayFingerprint(suite, key);
  if (state.pin !== undefined && !equalBytes(state.pin, fingerprint))
    throw new PosternError("relay/pin-changed", "the relay's key is not the pinned one");
  const relay = { fingerprint, ...decodeHello(payload) };
  const m3 = writeM3(suite, noise, key, linkKey, (h) => encodeLogin(suite, identity, name, h));
  return {
    state: { kind: "expect-result", suite, noise, inbox, deadline, linkKey, relay },
    effects: [
      { kind: "emit", event: { kind: "relay-key", fingerprint } },
      { kind: "write", bytes: m3 },
    ],
  };
}

/** m4 has come: the relay is proven, and its answer says whether the link stands. */
export function receiveResult(state: ExpectResultState, m4: Uint8Array, now: InstantMs): LinkStep {
  const result = decodeLoginResult(readM4(state.suite, state.noise, state.linkKey, m4));
  const refusal = refusalOf(result);
  if (refusal !== undefined) throw refusal;
  const pingMs = Math.min(PING_INTERVAL_MS, state.relay.limits.pingMs);
  return {
    state: establish("client", state, pingMs, now),
    effects: [{ kind: "emit", event: { kind: "established", relay: state.relay } }],
  };
}

function refusalOf({ status, retryAfterMs }: LoginResult): PosternError | undefined {
  switch (status) {
    case "welcome":
      return undefined;
    case "name-taken":
      return new PosternError("relay/name-taken", "another identity has this name");
    case "overloaded":
      return new PosternError("relay/overloaded", "the relay is overloaded", { retryAfterMs });
    case "unsupported-version":
      return new PosternError("link/unsupported-version", "the relay refused the version");
    case "refused":
      return new PosternError("relay/refused", "the relay refused the login", { retryAfterMs });
    default:
      return unreachable(status);
  }
}
