/**
 * Clients that prove an RSA key to the relay, over the switchboard in memory or over a real link.
 *
 * @module
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { concat, hex } from "@postern/core/bytes";
import type { RsaKeyPair } from "@postern/core/crypto";
import {
  startClientAuth,
  stepClientAuth,
  type ClientAuthContext,
  type ClientAuthEffect,
  type ClientAuthInput,
  type ClientAuthState,
} from "@postern/core/exchange";
import type { RelayAuthInput, RelayAuthJob } from "@postern/core/exchange/relay-half";
import { encodeRsaCertificate } from "@postern/core/identity";
import type { ClientFrame, RelayFrame } from "@postern/core/link";
import type { WallMs } from "@postern/core/time";
import { nativeRsa } from "@postern/node";
import { suite, type Person, type TestLink } from "./test-client.ts";

const DAY_MS = 86_400_000;
const KEYS = join(import.meta.dirname, "../../../vectors/rsa-keys.json");

export function clientContext(
  { identity }: Person,
  relayFingerprint: Uint8Array,
  ownSpki: Uint8Array,
  wall: number,
): ClientAuthContext {
  const notAfter = (wall + DAY_MS) as WallMs;
  const certificate = encodeRsaCertificate(suite, identity, ownSpki, notAfter);
  return { suite, relayFingerprint, id: identity.id, ownSpki, certificate };
}

/** RSA keys that need not be made: those of the vectors. */
export async function testKey(name: "sender" | "receiver"): Promise<RsaKeyPair> {
  const keys = JSON.parse(readFileSync(KEYS, "utf8")) as Record<string, { pkcs8: string }>;
  const pkcs8 = Buffer.from(keys[name]?.pkcs8 ?? "", "hex");
  return await nativeRsa.importSecret(new Uint8Array(pkcs8));
}

const sealed = new Map<string, Uint8Array>();

/** A toy that binds key and label; answers a job of the relay. */
export function toyWork(work: RelayAuthJob): RelayAuthInput {
  if (work.kind === "decrypt")
    return { kind: "decrypted", plaintext: toyOpen(work.own, work.label, work.ciphertext) };
  return { kind: "encrypted", ciphertext: toySeal(work.to, work.label, work.plaintext) };
}

/** The client's machine over the toy: takes the relay's frames, gives the client's. */
export class ToyProver {
  state: ClientAuthState;
  readonly #context: ClientAuthContext;
  readonly #frames: ClientFrame[] = [];

  constructor(context: ClientAuthContext) {
    this.#context = context;
    const { state, effects } = startClientAuth(context);
    this.state = state;
    this.#perform(effects);
  }

  /** What it sends since the last call. */
  take(): ClientFrame[] {
    return this.#frames.splice(0);
  }

  receive(frame: RelayFrame): void {
    assert(frame.kind === "auth-challenge" || frame.kind === "auth-confirm");
    this.#step({ kind: "frame", frame });
  }

  #step(input: ClientAuthInput): void {
    const { state, effects } = stepClientAuth(this.#context, this.state, input);
    this.state = state;
    this.#perform(effects);
  }

  #perform(effects: readonly ClientAuthEffect[]): void {
    for (const effect of effects) {
      if (effect.kind === "send") this.#frames.push(effect.frame);
      else if (effect.kind === "decrypt") {
        const plaintext = toyOpen(this.#context.ownSpki, effect.label, effect.ciphertext);
        this.#step({ kind: "decrypted", plaintext });
      } else {
        const ciphertext = toySeal(effect.to, effect.label, effect.plaintext);
        this.#step({ kind: "encrypted", ciphertext });
      }
    }
  }
}

/** The same with real RSA over a real link, up to the confirmation. */
export async function proveOver(
  link: TestLink,
  own: RsaKeyPair,
  relayFingerprint: Uint8Array,
): Promise<ClientAuthState> {
  const context = clientContext(link.who, relayFingerprint, own.spki, Date.now());
  let { state, effects } = startClientAuth(context);
  while (state.kind !== "authenticated" && state.kind !== "failed") {
    const [effect] = effects;
    if (effect?.kind === "send") link.send(effect.frame);
    const input = await answer(link, own, effect);
    ({ state, effects } = stepClientAuth(context, state, input));
  }
  return state;
}

async function answer(
  link: TestLink,
  own: RsaKeyPair,
  effect: ClientAuthEffect | undefined,
): Promise<ClientAuthInput> {
  if (effect?.kind === "decrypt") {
    const plaintext = await nativeRsa.decrypt(own, effect.label, effect.ciphertext);
    return { kind: "decrypted", plaintext };
  }
  if (effect?.kind === "encrypt") {
    const to = await nativeRsa.importPublic(effect.to);
    assert(to !== undefined);
    const ciphertext = await nativeRsa.encrypt(to, effect.label, effect.plaintext);
    return { kind: "encrypted", ciphertext };
  }
  const { frame } = await link.event("frame");
  assert(frame.kind === "auth-challenge" || frame.kind === "auth-confirm");
  return { kind: "frame", frame };
}

function toySeal(to: Uint8Array, label: Uint8Array, plaintext: Uint8Array): Uint8Array {
  const ciphertext = suite.random(384);
  sealed.set(hex(concat(to, label, ciphertext)), plaintext.slice());
  return ciphertext;
}

function toyOpen(
  own: Uint8Array,
  label: Uint8Array,
  ciphertext: Uint8Array,
): Uint8Array | undefined {
  return sealed.get(hex(concat(own, label, ciphertext)))?.slice();
}
