/** Contacts in memory, and a pairing that does what a test scripted. @module */
import type {
  Contact,
  Contacts,
  Paired,
  Pairing,
  PairingEvent,
  PairingOptions,
} from "@postern/client";
import { PosternError, type ErrorCode } from "@postern/core/errors";
import { Queue } from "./queue.ts";

export const PEER_FINGERPRINT = "b".repeat(52);
/** What the surroundings of a test say it is now: 2023-11-14. */
export const WALL_NOW = 1_700_000_000_000;

export function contactOf(name: string, more: Partial<Contact> = {}): Contact {
  return {
    name,
    fingerprint: PEER_FINGERPRINT,
    relayName: name,
    trust: "first-use",
    blocked: false,
    paired: false,
    safetyNumber: Array.from({ length: 12 }, (_, i) => String(10_000 + i)),
    addedAt: WALL_NOW - 86_400_000,
    channels: [],
    ...more,
  };
}

export class FakeContacts implements Contacts {
  readonly known: Contact[] = [];

  async list(): Promise<readonly Contact[]> {
    return [...this.known];
  }

  async find(who: string): Promise<Contact | undefined> {
    return this.known.find(({ name, fingerprint }) => name === who || fingerprint === who);
  }

  async verify(name: string): Promise<Contact> {
    return this.#change(name, { trust: "verified" });
  }

  async rename(name: string, to: string): Promise<Contact> {
    if ((await this.find(to)) !== undefined) throw new PosternError("contact/name-taken", "x");
    return this.#change(name, { name: to });
  }

  async block(name: string, blocked: boolean): Promise<Contact> {
    return this.#change(name, { blocked });
  }

  async remove(name: string): Promise<void> {
    this.known.splice(this.#indexOf(name), 1);
  }

  #change(name: string, change: Partial<Contact>): Contact {
    const at = this.#indexOf(name);
    const changed = { ...this.known[at]!, ...change };
    this.known[at] = changed;
    return changed;
  }

  #indexOf(name: string): number {
    const at = this.known.findIndex((contact) => contact.name === name);
    if (at < 0) throw new PosternError("contact/unknown", "scripted");
    return at;
  }
}

export class FakePaired implements Paired {
  readonly peer: Paired["peer"];
  readonly keptAs: (string | undefined)[] = [];
  readonly #contacts: FakeContacts;

  constructor(name: string, contacts: FakeContacts) {
    this.peer = { name, fingerprint: PEER_FINGERPRINT, trust: undefined };
    this.#contacts = contacts;
  }

  async keep(name?: string): Promise<Contact> {
    this.keptAs.push(name);
    const called = name ?? this.peer.name;
    const known = this.#contacts.known.find(({ name: is, blocked }) => is === called && blocked);
    if (known !== undefined) return { ...known, trust: "verified", paired: true };
    if ((await this.#contacts.find(called)) !== undefined)
      throw new PosternError("contact/name-taken", "scripted");
    const { name: relayName } = this.peer;
    const contact = contactOf(called, { relayName, trust: "verified", paired: true });
    this.#contacts.known.push(contact);
    return contact;
  }
}

/** Waits for the test to say how it ends. */
export class FakePairing implements Pairing {
  readonly options: PairingOptions;
  readonly events = new Queue<PairingEvent>();
  readonly #paired = Promise.withResolvers<Paired>();
  readonly paired = this.#paired.promise;
  isCancelled = false;

  constructor(options: PairingOptions) {
    this.options = options;
    this.paired.catch(() => {});
  }

  showCode(code: string): void {
    this.events.push({ type: "code", code, validMs: 600_000 });
  }

  meet(paired: Paired): void {
    this.events.end();
    this.#paired.resolve(paired);
  }

  fail(code: ErrorCode): void {
    this.events.end();
    this.#paired.reject(new PosternError(code, "scripted"));
  }

  cancel(): void {
    this.isCancelled = true;
    this.fail("pairing/cancelled");
  }

  [Symbol.asyncIterator](): AsyncIterator<PairingEvent> {
    return this.events[Symbol.asyncIterator]();
  }
}
