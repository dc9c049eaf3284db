/**
 * The relay's end of one link as far as RSA keys go: the real machine and real RSA, answering a
 * {@link RelayRsa} in memory. A test may change what it says.
 *
 * @module
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { RsaKeyPair } from "@postern/core/crypto";
import {
  startRelayAuth,
  stepRelayAuth,
  type RelayAuthInput,
  type RelayAuthState,
  type RelayAuthStep,
} from "@postern/core/exchange/relay-half";
import { decodeRsaCertificate, type Identity } from "@postern/core/identity";
import type { LinkFrame, RelayFrame } from "@postern/core/link";
import type { DirectoryAnswer, PeerInput } from "@postern/core/peer";
import type { WallMs } from "@postern/core/time";
import { nativeRsa, nativeSuite as suite } from "@postern/node";
import { memoryStore } from "../src/memory-store.ts";
import { RelayRsa } from "../src/relay-rsa.ts";
import { IDENTITY } from "./stored-samples.ts";
import { TurnedClock } from "./turned-clock.ts";

export const NOW = 1_800_000_000_000 as WallMs;
const RELAY_FINGERPRINT = new Uint8Array(32).fill(7);
const DAY_MS = 86_400_000;
const KEYS = join(import.meta.dirname, "../../../vectors/rsa-keys.json");

/** RSA keys that need not be made: those of the vectors. */
export async function testKey(name: "relay" | "sender" | "receiver"): Promise<RsaKeyPair> {
  const keys = JSON.parse(readFileSync(KEYS, "utf8")) as Record<string, { pkcs8: string }>;
  const pkcs8 = Buffer.from(keys[name]?.pkcs8 ?? "", "hex");
  return await nativeRsa.importSecret(new Uint8Array(pkcs8));
}

export class FakeProofRelay {
  readonly client: RelayRsa;
  readonly clock = new TurnedClock();
  readonly frames: LinkFrame[] = [];
  readonly queries: Extract<PeerInput, { kind: "query" }>[] = [];
  state: RelayAuthState | undefined;
  /** May change or drop what the relay sends. */
  tamper: (frame: RelayFrame) => RelayFrame | undefined = (frame) => frame;
  /** What it answers to each question. */
  answer: DirectoryAnswer = { kind: "refused", status: "absent" };
  readonly #identity: Identity;
  readonly #own: RsaKeyPair;

  private constructor(identity: Identity, store: ReturnType<typeof memoryStore>, own: RsaKeyPair) {
    this.#identity = identity;
    this.#own = own;
    const ports = { rsa: nativeRsa, store, suite, wall: () => NOW, clock: this.clock };
    this.client = new RelayRsa(ports, identity, {
      send: (frame) => this.#receive(frame),
      step: (input) => this.#ask(input),
      relayFingerprint: () => RELAY_FINGERPRINT,
    });
  }

  /** A client whose RSA key is there already. */
  static async create(identity: Identity, own: RsaKeyPair): Promise<FakeProofRelay> {
    const store = memoryStore(IDENTITY);
    const pkcs8 = (await testKey("sender")).exportSecret();
    await store.saveRsaKey({ pkcs8, notAfter: (NOW + 30 * DAY_MS) as WallMs });
    return new FakeProofRelay(identity, store, own);
  }

  kinds(): readonly string[] {
    return this.frames.map(({ kind }) => kind);
  }

  #ask(input: PeerInput): void {
    if (input.kind !== "query") return;
    this.queries.push(input);
    queueMicrotask(() => this.client.receiveAnswer(input.token, this.answer));
  }

  #receive(frame: LinkFrame): void {
    this.frames.push(frame);
    if (frame.kind === "auth-open") {
      const { id } = this.#identity;
      const certified = decodeRsaCertificate(suite, id, frame.certificate, NOW);
      if (certified === undefined) return;
      const { spki: clientSpki } = certified;
      const opening = { relaySpki: this.#own.spki, clientSpki, nonce: frame.nonce };
      this.#follow(startRelayAuth(this.#context(), opening));
    } else if (frame.kind === "auth-response") this.#step({ kind: "frame", frame });
  }

  #step(input: RelayAuthInput): void {
    if (this.state !== undefined) this.#follow(stepRelayAuth(this.#context(), this.state, input));
  }

  #follow({ state, effects }: RelayAuthStep): void {
    this.state = state;
    for (const effect of effects) {
      if (effect.kind === "send") this.#send(effect.frame);
      else void this.#work(effect).then((input) => this.#step(input));
    }
  }

  #send(frame: RelayFrame): void {
    const told = this.tamper(frame);
    if (told?.kind === "auth-challenge" || told?.kind === "auth-confirm")
      queueMicrotask(() => this.client.receiveProof(told));
  }

  async #work(
    job: Exclude<RelayAuthStep["effects"][number], { kind: "send" }>,
  ): Promise<RelayAuthInput> {
    if (job.kind === "decrypt") {
      const plaintext = await nativeRsa.decrypt(this.#own, job.label, job.ciphertext);
      return { kind: "decrypted", plaintext };
    }
    const to = await nativeRsa.importPublic(job.to);
    const ciphertext = to && (await nativeRsa.encrypt(to, job.label, job.plaintext));
    return { kind: "encrypted", ciphertext };
  }

  #context() {
    return { suite, relayFingerprint: RELAY_FINGERPRINT, id: this.#identity.id };
  }
}
