/**
 * Drives the client's half of the proof that client and relay hold their RSA keys, once on a link
 * (docs/protocol.md 7.2). RSA takes its time here, so frames may come meanwhile and the link may
 * end: the machine takes one input after the other and decides.
 *
 * @module
 */
import { wipe } from "@postern/core/bytes";
import type { RsaKeyPair } from "@postern/core/crypto";
import type { PosternError } from "@postern/core/errors";
import {
  startClientAuth,
  stepClientAuth,
  wipeClientAuth,
  type ClientAuthContext,
  type ClientAuthEffect,
  type ClientAuthInput,
  type ClientAuthState,
} from "@postern/core/exchange";
import type { AuthChallengeFrame, AuthConfirmFrame, LinkFrame } from "@postern/core/link";
import type { ClientPorts } from "./ports.ts";
import { asPosternError } from "./running-transfer.ts";

export interface RelayProofOptions {
  readonly rsa: ClientPorts["rsa"];
  readonly context: ClientAuthContext;
  readonly own: RsaKeyPair;
  readonly send: (frame: LinkFrame) => void;
}

export class RelayProof {
  readonly #options: RelayProofOptions;
  readonly #proved = Promise.withResolvers<Uint8Array>();
  #state: ClientAuthState;

  /** Sends `auth-open`. */
  constructor(options: RelayProofOptions) {
    this.#options = options;
    const { state, effects } = startClientAuth(options.context);
    this.#state = state;
    for (const effect of effects) void this.#perform(effect);
  }

  /** SHA-256 of the relay's SPKI. @throws `link/authentication-failed` and others of `link/*`. */
  get proved(): Promise<Uint8Array> {
    return this.#proved.promise;
  }

  receive(frame: AuthChallengeFrame | AuthConfirmFrame): void {
    this.#input({ kind: "frame", frame });
  }

  /** The link has ended. */
  fail(error: PosternError): void {
    if (this.#state.kind === "authenticated" || this.#state.kind === "failed") return;
    wipeClientAuth(this.#state);
    this.#state = { kind: "failed", error };
    this.#proved.reject(error);
  }

  #input(input: ClientAuthInput): void {
    if (input.kind === "decrypted" && this.#state.kind !== "opening") wipe(input.plaintext);
    const { state, effects } = stepClientAuth(this.#options.context, this.#state, input);
    this.#state = state;
    for (const effect of effects) void this.#perform(effect);
    if (state.kind === "authenticated") this.#proved.resolve(state.fingerprint);
    if (state.kind === "failed") this.#proved.reject(state.error);
  }

  async #perform(effect: ClientAuthEffect): Promise<void> {
    if (effect.kind === "send") return this.#options.send(effect.frame);
    try {
      this.#input(await this.#work(effect));
    } catch (error) {
      this.fail(asPosternError(error));
    }
  }

  async #work(effect: Exclude<ClientAuthEffect, { kind: "send" }>): Promise<ClientAuthInput> {
    const { rsa, own } = this.#options;
    if (effect.kind === "decrypt") {
      const plaintext = await rsa.decrypt(own, effect.label, effect.ciphertext);
      return { kind: "decrypted", plaintext };
    }
    try {
      const to = await rsa.importPublic(effect.to);
      const ciphertext = to && (await rsa.encrypt(to, effect.label, effect.plaintext));
      return { kind: "encrypted", ciphertext };
    } finally {
      wipe(effect.plaintext);
    }
  }
}
