/**
 * Questions to the relay about who is there and with which key, as promises. docs/protocol.md 5.1.
 *
 * @module
 */
import { PosternError } from "@postern/core/errors";
import {
  PROFILE_BITS,
  type FoundFrame,
  type HeldPackage,
  type ReceiverEntry,
} from "@postern/core/link";
import { LINKS_MAX } from "@postern/core/limits";
import type { DirectoryAnswer, DirectoryQuery, PeerInput } from "@postern/core/peer";
import type { ProfileName } from "./api.ts";

interface Waiting {
  readonly resolve: (answer: DirectoryAnswer) => void;
  readonly reject: (error: PosternError) => void;
}

export class Directory {
  readonly #step: (input: PeerInput) => void;
  readonly #waiting = new Map<number, Waiting>();
  #last = 0;

  constructor(step: (input: PeerInput) => void) {
    this.#step = step;
  }

  /**
   * Free receivers in the order of their names, page by page.
   *
   * @throws {@link PosternError} `relay/overloaded`, `link/malformed` for a list that goes back or
   * has no end, and as every question here `link/timed-out`
   */
  async *list(): AsyncGenerator<ReceiverEntry> {
    let after = "";
    let left = LINKS_MAX;
    while (true) {
      const page = await this.#ask({ kind: "list", after });
      if (page.kind !== "receivers") throw overloaded();
      for (const receiver of page.receivers) {
        if (receiver.name <= after || left-- === 0) throw endless();
        after = receiver.name;
        yield receiver;
      }
      if (!page.more || page.receivers.length === 0) return;
    }
  }

  async find(name: string): Promise<FoundFrame> {
    const answer = await this.#ask({ kind: "find", name });
    if (answer.kind !== "found") throw overloaded();
    return answer;
  }

  /**
   * The certificate of who has this fingerprint, as the relay gave it; empty when there is none.
   *
   * @throws {@link PosternError} `peer/absent`, `peer/unknown`, `relay/overloaded`, `relay/refused`
   */
  async certificate(of: Uint8Array): Promise<Uint8Array> {
    const answer = await this.#ask({ kind: "certificate", of });
    if (answer.kind === "certificate") return answer.certificate;
    if (answer.kind === "overloaded") throw overloaded();
    const status = answer.kind === "refused" ? answer.status : undefined;
    if (status === "absent") throw new PosternError("peer/absent", "the receiver is not connected");
    if (status === "unknown")
      throw new PosternError("peer/unknown", "the relay knows no such receiver");
    throw refused("certificates");
  }

  /**
   * A key package of who has this fingerprint, as the relay gave it; `undefined` without one.
   *
   * @throws {@link PosternError} `relay/overloaded`, `relay/refused`
   */
  async keyPackage(of: Uint8Array): Promise<Uint8Array | undefined> {
    const answer = await this.#ask({ kind: "package", of });
    if (answer.kind === "package")
      return answer.keyPackage.length === 0 ? undefined : answer.keyPackage.slice();
    if (answer.kind === "refused" && answer.status === "unknown") return undefined;
    throw answer.kind === "overloaded" ? overloaded() : refused("key packages");
  }

  /**
   * Adds key packages of this client, after all that the relay had when `replace`. Says what it
   * holds now.
   *
   * @throws {@link PosternError} `relay/overloaded`, `relay/refused`
   */
  async publish(
    replace: boolean,
    packages: readonly Uint8Array[],
  ): Promise<readonly HeldPackage[]> {
    const answer = await this.#ask({ kind: "publish", replace, packages });
    if (answer.kind === "packages-held") return answer.held;
    throw answer.kind === "overloaded" ? overloaded() : refused("key packages");
  }

  /**
   * A question of a pairing. Calls back at once: the relay's next frame may be of the slot that it
   * has just given.
   */
  meet(
    query: Extract<DirectoryQuery, { readonly kind: "pair-open" | "pair-join" }>,
    answered: (answer: DirectoryAnswer) => void,
    failed: (error: PosternError) => void,
  ): void {
    this.#send(query, { resolve: answered, reject: failed });
  }

  answer(token: number, answer: DirectoryAnswer): void {
    const waiting = this.#waiting.get(token);
    this.#waiting.delete(token);
    if (answer.kind === "unanswered") waiting?.reject(unanswered());
    else waiting?.resolve(answer);
  }

  /** The link is gone: no answer will come. */
  fail(error: PosternError): void {
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const { reject } of waiting) reject(error);
  }

  #ask(query: DirectoryQuery): Promise<DirectoryAnswer> {
    const answer = Promise.withResolvers<DirectoryAnswer>();
    this.#send(query, answer);
    return answer.promise;
  }

  #send(query: DirectoryQuery, waiting: Waiting): void {
    this.#last += 1;
    const token = this.#last;
    this.#waiting.set(token, waiting);
    this.#step({ kind: "query", token, query });
  }
}

/**
 * The id of a receiver that can take something in this profile now. One that is busy may be so with
 * a transfer that `isBegun`: it takes the same content in the place of that.
 *
 * @throws {@link PosternError} `peer/unknown`, `peer/absent`, `peer/busy`, `peer/profile-refused`
 */
export function freeReceiver(
  found: FoundFrame,
  profile: keyof typeof PROFILE_BITS,
  isBegun = false,
): Uint8Array {
  const takes = (found.profiles & PROFILE_BITS[profile]) !== 0;
  switch (found.status) {
    case "unknown":
      throw new PosternError("peer/unknown", "the relay knows no such receiver");
    case "absent":
      throw new PosternError("peer/absent", "the receiver is not connected");
    case "busy":
      if (isBegun && takes) return found.id;
      throw new PosternError("peer/busy", "the receiver takes nothing now");
    case "free":
      if (takes) return found.id;
      throw new PosternError("peer/profile-refused", "the receiver does not take this profile");
  }
}

/** The names of a bit mask, in the order of their numbers. */
export function profileNames(bits: number): readonly ProfileName[] {
  const names: readonly ProfileName[] = ["symmetric", "asymmetric", "end-to-end"];
  return names.filter((name) => (bits & PROFILE_BITS[name]) !== 0);
}

function overloaded(): PosternError {
  return new PosternError("relay/overloaded", "too many requests wait for the relay");
}

function unanswered(): PosternError {
  return new PosternError("link/timed-out", "the relay does not answer");
}

/** No relay has more clients, and each page goes on behind the one before. */
function endless(): PosternError {
  return new PosternError("link/malformed", "the relay's list of receivers has no end");
}

function refused(what: string): PosternError {
  return new PosternError("relay/refused", `the relay wants nothing to do with ${what}`);
}

/** The relay's operator has left the profile out. */
export function profileRefused(): PosternError {
  return new PosternError("relay/profile-refused", "the relay does not allow this profile");
}
