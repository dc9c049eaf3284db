/**
 * What a device remembers of unfinished contents, in both roles, on its store alone: no connection
 * is needed to list or to forget them.
 *
 * Invariants: one content with one peer in one role is one record. Each change reads what the one
 * before it wrote. A content that was dropped is not remembered again by a change that comes late.
 *
 * @module
 */
import { equalBytes, hex, ifWellFormed, wipe } from "@postern/core/bytes";
import { PosternError, type ErrorCode } from "@postern/core/errors";
import { UNFINISHED_TRANSFERS_MAX, WHOLE_KEPT_MAX, WHOLE_KEPT_MS } from "@postern/core/limits";
import { formatFingerprint, parseFingerprint } from "@postern/core/identity";
import type { WallMs } from "@postern/core/time";
import { isReplacedBy } from "@postern/core/transfer";
import type {
  ContentInfo,
  LinkListing,
  PartNote,
  ProfileName,
  Unfinished,
  UnfinishedContents,
} from "./api.ts";
import type { PeerName } from "./people.ts";
import { OfferJournal } from "./offer-journal.ts";
import { isSameContent } from "./same-content.ts";
import type { Store, StoredUnfinished, UnfinishedId } from "./store.ts";
import { decodeUnfinished, encodeUnfinished, type UnfinishedRecord } from "./unfinished-record.ts";

export interface UnfinishedPorts {
  readonly store: Pick<
    Store,
    "contact" | "unfinished" | "unfinishedOne" | "saveUnfinished" | "dropUnfinished"
  >;
  readonly wall: () => WallMs;
}

/** What a transfer says of a content. */
export interface ContentFacts {
  readonly content: ContentInfo;
  readonly profile: ProfileName;
  readonly signed: boolean;
  readonly relayName: string;
}

/** What a sender does with a content. */
export interface Begun {
  readonly paths: readonly string[];
  readonly links?: LinkListing | undefined;
  /** 16 bytes: the transfer that begins. */
  readonly transfer: Uint8Array;
}

/** Reads and writes go to the store at once; nothing is remembered here. */
export function unfinishedContents(ports: UnfinishedPorts): UnfinishedContents {
  return new StoredContents(ports);
}

export class StoredContents implements UnfinishedContents {
  readonly #ports: UnfinishedPorts;
  /** Ends when the last change has. */
  #lastChange: Promise<unknown> = Promise.resolve();
  /** Marked as such by this client, the latest last. */
  readonly #whole: UnfinishedId[] = [];

  constructor(ports: UnfinishedPorts) {
    this.#ports = ports;
  }

  async list(): Promise<readonly Unfinished[]> {
    const all = await this.#ports.store.unfinished();
    return await this.#shown(all.filter((one) => !decoded(one).whole));
  }

  async find(id: string): Promise<Unfinished | undefined> {
    if (id === "") return undefined;
    const all = await this.#ports.store.unfinished();
    const [found, ...others] = all.filter(
      (one) => hex(one.content).startsWith(id) && !decoded(one).whole,
    );
    if (found === undefined || others.length > 0) return undefined;
    return (await this.#shown([found]))[0];
  }

  async replacedBy({
    contentId,
    from,
  }: Parameters<UnfinishedContents["replacedBy"]>[0]): Promise<readonly Unfinished[]> {
    const by = parseContentId(contentId);
    const peer = parseFingerprint(from.fingerprint);
    if (by === undefined || peer === undefined) return [];
    const all = await this.#ports.store.unfinished();
    return await this.#shown(
      all.filter(
        (one) =>
          one.role === "receiving" &&
          equalBytes(one.peer, peer) &&
          isReplacedBy(one.content, by) &&
          !decoded(one).whole,
      ),
    );
  }

  async drop({ id, role, peer }: Pick<Unfinished, "id" | "role" | "peer">): Promise<void> {
    const fingerprint = parseFingerprint(peer.fingerprint);
    const content = parseContentId(id);
    if (fingerprint === undefined || content === undefined)
      throw new PosternError("transfer/unknown", "no such unfinished content");
    await this.forget({ role, peer: fingerprint, content });
  }

  /** What is remembered; `undefined`: nothing. */
  async record(at: UnfinishedId): Promise<UnfinishedRecord | undefined> {
    const kept = await this.#ports.store.unfinishedOne(at);
    return kept && decoded(kept);
  }

  /** The content that is being sent by this id, and to whom (fingerprint). */
  async sending(
    content: Uint8Array,
  ): Promise<(UnfinishedRecord & { readonly peer: Uint8Array }) | undefined> {
    const id = hex(content);
    const all = await this.#ports.store.unfinished();
    const kept = all.find((one) => one.role === "sending" && hex(one.content) === id);
    return kept && { ...decoded(kept), peer: kept.peer };
  }

  /**
   * Remembers it from now on; what is known of an earlier transfer stays.
   *
   * @throws {@link PosternError} `usage/invalid-argument` for paths that are too many or too long
   */
  async begin(
    at: UnfinishedId,
    facts: ContentFacts,
    { paths, links = "skip", transfer }: Begun,
  ): Promise<void> {
    await this.#oneByOne(async () => {
      const before = (await this.record(at)) ?? this.#fresh(facts);
      const transfers = [...before.transfers, transfer].slice(-UNFINISHED_TRANSFERS_MAX);
      const record = { ...before, ...said(facts), paths, links, transfers, error: undefined };
      await this.#save(at, record);
    });
  }

  /** Whether this transfer to `peer` was one of a content that is not whole there yet. */
  async isGoingOnWith(peer: Uint8Array, transfer: Uint8Array): Promise<boolean> {
    const all = await this.#ports.store.unfinished();
    const sent = all.filter((one) => one.role === "sending" && equalBytes(one.peer, peer));
    return sent.some((one) => decoded(one).transfers.some((each) => equalBytes(each, transfer)));
  }

  /** The content is not whole yet: how far it is, or why its last transfer ended. */
  async update(
    at: UnfinishedId,
    change: { readonly bytes?: number; readonly error?: ErrorCode },
  ): Promise<void> {
    await this.#oneByOne(async () => {
      const before = await this.record(at);
      if (before !== undefined) await this.#save(at, { ...before, ...change });
    });
  }

  async forget(at: UnfinishedId): Promise<void> {
    await this.#oneByOne(async () => this.#ports.store.dropUnfinished(at));
  }

  /**
   * For the sink of an offer. Whoever was once told yes must not come back under the same id with
   * something else: that is not what is remembered.
   */
  journal(at: UnfinishedId, facts: ContentFacts): OfferJournal {
    return new OfferJournal({
      read: async () => {
        await this.#lastChange.catch(() => undefined);
        const kept = await this.record(at);
        return kept && isSameContent(kept.content, facts.content) ? kept.note : undefined;
      },
      write: async (note) => this.#note(at, facts, note),
      drop: async () => this.forget(at),
      markWhole: async () => this.#markWhole(at),
    });
  }

  /** Forgets whole contents of long ago: their senders know, or will not come again. */
  async forgetWhole(): Promise<void> {
    const { store, wall } = this.#ports;
    for (const kept of await store.unfinished())
      if (decoded(kept).whole && kept.changedAt + WHOLE_KEPT_MS < wall()) await this.forget(kept);
  }

  async #markWhole(at: UnfinishedId): Promise<void> {
    this.#whole.push(at);
    await this.#oneByOne(async () => {
      const before = await this.record(at);
      if (before !== undefined) await this.#save(at, { ...before, whole: true });
      const oldest = this.#whole.length > WHOLE_KEPT_MAX ? this.#whole.shift() : undefined;
      if (oldest !== undefined) await this.#ports.store.dropUnfinished(oldest);
    });
  }

  async #note(at: UnfinishedId, facts: ContentFacts, note: PartNote): Promise<void> {
    await this.#oneByOne(async () => {
      const before = (await this.record(at)) ?? this.#fresh(facts);
      await this.#save(at, { ...before, ...said(facts), bytes: note.bytes, note, whole: false });
    });
  }

  #fresh(facts: ContentFacts): UnfinishedRecord {
    const beganAt = this.#ports.wall();
    const none = { bytes: 0, error: undefined, paths: [], note: undefined, whole: false };
    return { ...said(facts), ...none, links: "skip", transfers: [], beganAt };
  }

  async #save({ role, peer, content }: UnfinishedId, record: UnfinishedRecord): Promise<void> {
    const { store, wall } = this.#ports;
    const encoded = encodeUnfinished(record);
    await store.saveUnfinished({ role, peer, content, record: encoded, changedAt: wall() });
  }

  async #shown(all: readonly StoredUnfinished[]): Promise<readonly Unfinished[]> {
    const names = new Map<string, PeerName>();
    const shown: Unfinished[] = [];
    for (const kept of all) {
      const record = decoded(kept);
      const { content, profile, signed, bytes, beganAt, error, note, links } = record;
      const key = `${hex(kept.peer)} ${record.relayName}`;
      const peer = names.get(key) ?? (await this.#nameOf(kept.peer, record.relayName));
      names.set(key, peer);
      const paths = note === undefined ? record.paths : [`${note.directory}/${note.part}`];
      const about = { id: hex(kept.content), role: kept.role, peer, content, profile, signed };
      const far = { bytes, beganAt, changedAt: kept.changedAt, error, paths };
      shown.push({ ...about, ...far, ...(links === "keep" && { links }) });
    }
    return shown;
  }

  async #nameOf(peer: Uint8Array, relayName: string): Promise<PeerName> {
    const contact = await this.#ports.store.contact(peer);
    wipe(contact?.pairingSecret);
    const fingerprint = formatFingerprint(peer);
    return { name: contact?.name ?? relayName, fingerprint, trust: contact?.trust };
  }

  async #oneByOne<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#lastChange.then(work, work);
    this.#lastChange = done;
    return await done;
  }
}

/** 16 bytes; `undefined` for what is no id. */
export function parseContentId(id: string): Uint8Array | undefined {
  if (!/^[0-9a-f]{32}$/u.test(id)) return undefined;
  return Uint8Array.from({ length: 16 }, (_, at) =>
    Number.parseInt(id.slice(2 * at, 2 * at + 2), 16),
  );
}

function said({ content, profile, signed, relayName }: ContentFacts): ContentFacts {
  return { content, profile, signed, relayName };
}

/** A row of this store that makes no sense was not written by this program. */
function decoded({ record }: StoredUnfinished): UnfinishedRecord {
  const read = ifWellFormed(() => decodeUnfinished(record));
  if (read === undefined) throw new PosternError("store/failed", "the state is damaged");
  return read;
}
