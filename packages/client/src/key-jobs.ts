/**
 * What an exchange asks of this device: its store and its RSA keys (core/exchange/steps.ts).
 *
 * @module
 */
import { wipe } from "@postern/core/bytes";
import type { ExchangeInput, Party } from "@postern/core/exchange";
import { decodeRsaCertificate } from "@postern/core/identity";
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
      | "decrypt"
      | "seal-to-peer"
      | "sign"
      | "verify";
  }
>;

/** Whose keys a job is about. */
export interface KeyPlace {
  /** Fingerprint of the relay. */
  readonly relay: Uint8Array;
  readonly party: Party;
  readonly role: PairKeyId["role"];
}

/** Does the job; a failure is an answer too. */
export async function performKeyJob(
  ports: ClientPorts,
  rsa: RelayRsa,
  place: KeyPlace,
  job: KeyJob,
): Promise<ExchangeInput> {
  try {
    return await perform(ports, rsa, place, job);
  } catch (error) {
    return { kind: "job-failed", error: asPosternError(error) };
  }
}

async function perform(
  { store, rsa, suite, wall }: ClientPorts,
  relayRsa: RelayRsa,
  { relay, party, role }: KeyPlace,
  job: KeyJob,
): Promise<ExchangeInput> {
  const at = { relay, peer: party.fingerprint, role };
  switch (job.kind) {
    case "take-pair-key":
      return {
        kind: "pair-key",
        kept: await store.takePairKey(at),
        counter: await store.pairCounter(at),
      };
    case "load-pair-key":
      return {
        kind: "pair-key",
        kept: await store.pairKey(at),
        counter: await store.pairCounter(at),
      };
    case "drop-pair-key":
      wipe((await store.takePairKey(at))?.key);
      return { kind: "pair-key-dropped" };
    case "keep-pair-key":
      try {
        await store.keepPairKey(at, job.kept);
      } finally {
        wipe(job.kept.key);
      }
      return { kind: "pair-key-kept" };
    case "encrypt-to-relay": {
      const { relay: to } = await relayRsa.ready();
      return { kind: "encrypted", ciphertext: await rsa.encrypt(to, job.label, job.plaintext) };
    }
    case "decrypt": {
      const { own } = await relayRsa.prepare();
      const plaintext = await rsa.decrypt(own, job.label, job.ciphertext);
      return { kind: "decrypted", plaintext, ownSpki: own.spki };
    }
    case "seal-to-peer": {
      const to = await relayRsa.fetchCertificate(party);
      const { certificate: ownCertificate } = await relayRsa.prepare();
      const ciphertext = await rsa.encrypt(to, job.label, job.plaintext);
      return { kind: "sealed-to-peer", ciphertext, ownCertificate, peerSpki: to.spki };
    }
    case "sign": {
      const { own } = await relayRsa.prepare();
      return { kind: "signed", signature: await rsa.sign(own, job.message) };
    }
    case "verify": {
      const certified = decodeRsaCertificate(suite, party.id, job.certificate, wall());
      const key = certified && (await rsa.importPublic(certified.spki));
      const valid = key !== undefined && (await rsa.verify(key, job.message, job.signature));
      return { kind: "verified", valid };
    }
  }
}
