/**
 * Clients and relays that prove their RSA keys in memory. RSA is a toy that binds key and label and
 * opens only what it sealed; everything else is real. Every step is a call, so that a test can do
 * to a frame what an attacker could.
 *
 * @module
 */
import assert from "node:assert/strict";
import { hex, utf8 } from "@postern/core/bytes";
import { nobleSuite as suite } from "@postern/core/crypto/noble";
import {
  startClientAuth,
  stepClientAuth,
  type ClientAuthContext,
  type ClientAuthEffect,
  type ClientAuthInput,
  type ClientAuthState,
} from "@postern/core/exchange";
import {
  startRelayAuth,
  stepRelayAuth,
  type RelayAuthInput,
  type RelayAuthState,
  type RelayAuthStep,
} from "@postern/core/exchange/relay-half";
import type {
  AuthChallengeFrame,
  AuthConfirmFrame,
  AuthOpenFrame,
  AuthResponseFrame,
} from "@postern/core/link";

export { suite };

const sealed = new Map<string, Uint8Array>();

/** Some key: 64 bytes that stand for the SPKI of `name`. */
export function spkiOf(name: string): Uint8Array {
  return suite.expand(suite.sha256(utf8(name)), utf8("spki"), 64);
}

export function toySeal(to: Uint8Array, label: Uint8Array, plaintext: Uint8Array): Uint8Array {
  const ciphertext = suite.random(384);
  sealed.set(slot(to, label, ciphertext), plaintext.slice());
  return ciphertext;
}

function toyOpen(
  own: Uint8Array,
  label: Uint8Array,
  ciphertext: Uint8Array,
): Uint8Array | undefined {
  return sealed.get(slot(own, label, ciphertext))?.slice();
}

function slot(key: Uint8Array, label: Uint8Array, ciphertext: Uint8Array): string {
  return [key, label, ciphertext].map(hex).join(":");
}

/** A client on one link to the relay that its context names. */
export class LabClient {
  readonly context: ClientAuthContext;
  readonly states: ClientAuthState[] = [];
  /** Everything it ever sent. */
  readonly sent: (AuthOpenFrame | AuthResponseFrame)[] = [];
  /** The relay's key is no RSA key. */
  refuseToSeal = false;

  constructor(name: string, relay = "relay", spki = spkiOf(name)) {
    this.context = {
      suite,
      relayFingerprint: suite.sha256(utf8(relay)),
      id: idOf(name),
      ownSpki: spki,
      certificate: utf8(`certificate of ${name}`),
    };
  }

  get state(): ClientAuthState {
    return this.states.at(-1)!;
  }

  open(): AuthOpenFrame {
    this.#follow(startClientAuth(this.context));
    const frame = this.sent.at(-1);
    assert(frame?.kind === "auth-open");
    return frame;
  }

  /** The response; `undefined` when the client sends none. */
  challenge(frame: AuthChallengeFrame): AuthResponseFrame | undefined {
    const before = this.sent.length;
    this.step({ kind: "frame", frame });
    const answer = this.sent.at(before);
    assert(answer?.kind !== "auth-open");
    return answer;
  }

  confirm(frame: AuthConfirmFrame): void {
    this.step({ kind: "frame", frame });
  }

  step(input: ClientAuthInput): void {
    this.#follow(stepClientAuth(this.context, this.state, input));
  }

  #follow({ state, effects }: ReturnType<typeof startClientAuth>): void {
    this.states.push(state);
    for (const effect of effects) this.#perform(effect);
  }

  #perform(effect: ClientAuthEffect): void {
    if (effect.kind === "send") this.sent.push(effect.frame);
    else if (effect.kind === "decrypt") {
      const plaintext = toyOpen(this.context.ownSpki, effect.label, effect.ciphertext);
      this.step({ kind: "decrypted", plaintext });
    } else {
      const { to, label, plaintext } = effect;
      const ciphertext = this.refuseToSeal ? undefined : toySeal(to, label, plaintext);
      this.step({ kind: "encrypted", ciphertext });
    }
  }
}

/** One link of a relay, from a client whose certificate holds. */
export class LabRelay {
  readonly spki: Uint8Array;
  readonly states: RelayAuthState[] = [];
  readonly sent: (AuthChallengeFrame | AuthConfirmFrame)[] = [];
  readonly jobs: string[] = [];
  readonly #context;

  constructor(name = "relay", client = "alice") {
    this.spki = spkiOf(name);
    this.#context = { suite, relayFingerprint: suite.sha256(utf8(name)), id: idOf(client) };
  }

  get state(): RelayAuthState {
    return this.states.at(-1)!;
  }

  /** The challenge; `undefined` when there is none. */
  open(frame: AuthOpenFrame, clientSpki: Uint8Array): AuthChallengeFrame | undefined {
    const { nonce } = frame;
    this.#follow(startRelayAuth(this.#context, { relaySpki: this.spki, clientSpki, nonce }));
    const answer = this.sent.at(-1);
    assert(answer?.kind !== "auth-confirm");
    return answer;
  }

  /** The confirmation; `undefined` when there is none. */
  respond(frame: AuthResponseFrame): AuthConfirmFrame | undefined {
    const before = this.sent.length;
    this.step({ kind: "frame", frame });
    const answer = this.sent.at(before);
    assert(answer?.kind !== "auth-challenge");
    return answer;
  }

  step(input: RelayAuthInput): void {
    this.#follow(stepRelayAuth(this.#context, this.state, input));
  }

  #follow({ state, effects }: RelayAuthStep): void {
    this.states.push(state);
    for (const effect of effects) {
      if (effect.kind === "send") {
        this.sent.push(effect.frame);
        continue;
      }
      this.jobs.push(effect.kind);
      if (effect.kind === "decrypt") {
        const plaintext = toyOpen(effect.own, effect.label, effect.ciphertext);
        this.step({ kind: "decrypted", plaintext });
      } else {
        const ciphertext = toySeal(effect.to, effect.label, effect.plaintext);
        this.step({ kind: "encrypted", ciphertext });
      }
    }
  }
}

/** Both up to the challenge. */
export function challenged(
  client = new LabClient("alice"),
  relay = new LabRelay(),
): { client: LabClient; relay: LabRelay; challenge: AuthChallengeFrame } {
  const challenge = relay.open(client.open(), client.context.ownSpki);
  assert(challenge !== undefined);
  return { client, relay, challenge };
}

/** Both up to the response. */
export function responded(client?: LabClient, relay?: LabRelay) {
  const both = challenged(client, relay);
  const response = both.client.challenge(both.challenge);
  assert(response !== undefined);
  return { ...both, response };
}

function idOf(name: string): Uint8Array {
  return Uint8Array.of(1, 0, 1, ...suite.sha256(utf8(name)));
}
