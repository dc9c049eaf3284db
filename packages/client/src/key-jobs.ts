/**
 * What an exchange asks of this device: its store and its RSA keys (core/exchange/steps.ts).
 *
 * @module
 */
import { wipe } from "@postern/core/bytes";
import type { ExchangeInput } from "@postern/core/exchange";
import type { DriverEffect } from "@postern/core/peer";
import type { ClientPorts } from "./ports.ts";
import type { RelayRsa } from "./relay-rsa.ts";
import { asPosternError } from "./running-transfer.ts";
import type { PairKeyId } from "./store.ts";

export type KeyJob = Extract<
  DriverEffect,
  {
    readonly kind:
      | "take-pair-key"
      | "load-pair-key"
      | "drop-pair-key"
      | "keep-pair-key"
      | "encrypt-to-relay"
      | "decrypt";
  }
>;

/** Does the job; a failure is an answer too. */
export async function performKeyJob(
  ports: ClientPorts,
  rsa: RelayRsa,
  at: PairKeyId,
  job: KeyJob,
): Promise<ExchangeInput> {
  try {
    return await perform(ports, rsa, at, job);
  } catch (error) {
    return { kind: "job-failed", error: asPosternError(error) };
  }
}

async function perform(
  { store, rsa }: ClientPorts,
  relayRsa: RelayRsa,
  at: PairKeyId,
  job: KeyJob,
): Promise<ExchangeInput> {
  switch (job.kind) {
    case "take-pair-key": {
      const kept = await store.pairKey(at);
      const counter = await store.pairCounter(at);
      await store.dropPairKey(at);
      return { kind: "pair-key", kept, counter };
    }
    case "load-pair-key":
      return {
        kind: "pair-key",
        kept: await store.pairKey(at),
        counter: await store.pairCounter(at),
      };
    case "drop-pair-key":
      await store.dropPairKey(at);
      return { kind: "pair-key-dropped" };
    case "keep-pair-key":
      try {
        await store.keepPairKey(at, job.kept);
      } finally {
        wipe(job.kept.key);
      }
      return { kind: "pair-key-kept" };
    case "encrypt-to-relay": {
      const { relay } = await relayRsa.ready();
      return { kind: "encrypted", ciphertext: await rsa.encrypt(relay, job.label, job.plaintext) };
    }
    case "decrypt": {
      const { own } = await relayRsa.ready();
      const plaintext = await rsa.decrypt(own, job.label, job.ciphertext);
      return { kind: "decrypted", plaintext, ownSpki: own.spki };
    }
  }
}
