/**
 * What a relay gets to see of end-to-end transfers, pairings and contacts (R-14, C-20): all that it
 * receives, also behind the encryption of its links, all that it stores and all that it logs hold
 * no text, no file name, no key and no code. docs/security.md.
 *
 * @module
 */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, mock, test } from "node:test";
import {
  connect,
  messageSink,
  messageSource,
  type Client,
  type ContentSource,
  type Paired,
} from "@postern/client";
import { nodePorts, openHome } from "@postern/client/node";
import { hex } from "@postern/core/bytes";
import { parseFingerprint, parseRelayAddress } from "@postern/core/identity";
import { nativeSuite } from "@postern/node";
import { startRelay, type RelayLogger } from "@postern/relay";
import { bytesSource } from "./attacks/cast.ts";
import { MarkScanner, textMark, type Mark } from "./mark-scanner.ts";
import { filesIn, Scene } from "./scene.ts";
import { watchSecrets } from "./secret-log.ts";
import { openTap } from "./tap.ts";

const TEXTS = {
  "file name": "marked-file-name-7f3a9c.txt",
  "file content": "marked file content 51be02 ",
  "short message": "marked short message e88d41",
  "long message": "marked long message 0c77fa ",
} as const;
const NAMES = { sender: "marked-sender-93", receiver: "marked-receiver-27" } as const;

/** The clients', which are watched; the relay in this process has the other one. */
const clientSuite = { ...nativeSuite };
const scene = await Scene.open({ after });

test("the scanner finds a mark in whatever form it was planted", () => {
  const secret = Buffer.from(clientSuite.random(32));
  const planted = ["a planted text, 7 words and no more", secret] as const;
  for (const mark of planted) {
    const bytes = Buffer.from(mark);
    const scanner = new MarkScanner([{ what: "it", bytes }]);
    const noise = (length: number): Buffer => Buffer.from(clientSuite.random(length));
    assert.deepEqual(scanner.find(noise(100_000)), []);
    const around = [0, 1, 2, 3, 4].map((by) => Buffer.concat([noise(by), bytes, noise(7 - by)]));
    const forms: Record<string, readonly Buffer[]> = {
      raw: [bytes, bytes.subarray(0, bytes.length / 2)],
      "UTF-16": [Buffer.from(bytes.toString("latin1"), "utf16le")],
      hex: [Buffer.from(bytes.toString("hex")), Buffer.from(bytes.toString("hex").toUpperCase())],
      "hex in UTF-16": [Buffer.from(bytes.toString("hex"), "utf16le")],
      base64: around.flatMap((each) => [
        Buffer.from(each.toString("base64")),
        Buffer.from(each.toString("base64url")),
      ]),
      base32: around.map((each) => Buffer.from(base32(each))),
    };
    for (const [how, each] of Object.entries(forms))
      for (const form of each) {
        const found = scanner.find(Buffer.concat([noise(5_000), form, noise(5_000)]));
        assert.ok(found.includes(`it (${how})`), `${how}: ${found.join()}`);
      }
  }
});

test("R-14 C-20 a relay process receives, stores and logs no text, no name of a file, no key, no code", async () => {
  const relay = await scene.relay({ data: "process" });
  const tap = await openTap({ after }, relay.port);
  const cast = await Cast.at(tap.port);
  await cast.play();
  const data = await contentOf(join(scene.folder, "process"));
  await cast.close();
  await relay.program.kill("SIGTERM");
  const log = Buffer.concat([relay.program.stdout(), Buffer.from(relay.program.stderr())]);
  const sent = tap.sent();
  assert.ok(Buffer.concat(sent).length > 400_000, "the transfers came this way");
  const left = await contentOf(join(scene.folder, "process"));
  cast.expectAbsent({ sent: Buffer.concat(sent), data, "data left": left, log });
  // The search finds what a relay does know.
  cast.expectPresent(data, ["name", "ID"]);
});

test("R-14 C-20 nor does it behind the encryption of its links, at its most talkative", async () => {
  const opened: Buffer[] = [];
  const open = nativeSuite.open.bind(nativeSuite);
  const watched = mock.method(nativeSuite, "open", (...box: Parameters<typeof open>) => {
    const plaintext = open(...box);
    if (plaintext !== undefined) opened.push(Buffer.from(plaintext));
    return plaintext;
  });
  const lines: string[] = [];
  const dataDir = join(scene.folder, "inside");
  const logger = keepingLogger(lines);
  const relay = await startRelay({ host: "127.0.0.1", port: 0, dataDir, logger });
  const tap = await openTap({ after }, relay.port);
  const cast = await Cast.at(tap.port);
  await cast.play();
  await cast.close();
  const data = await contentOf(dataDir);
  await relay.close();
  watched.mock.restore();
  const frames = Buffer.concat(opened);
  assert.ok(opened.length > 40 && frames.length > 100_000, "it has opened what came over links");
  assert.ok(lines.length > 4);
  const log = Buffer.from(lines.join("\n"));
  cast.expectAbsent({ frames, sent: Buffer.concat(tap.sent()), data, log });
  cast.expectPresent(frames, ["name", "ID"]);
  cast.expectPresent(log, ["fingerprint"]);
});

/** Two people with homes on disk, whose every secret is remembered, and what they do. */
class Cast {
  readonly #marks: Mark[] = Object.entries(TEXTS).map(([what, text]) => textMark(what, text));
  readonly #keys = new Map<string, Mark>();
  readonly #clients: Client[] = [];
  #kinds = new Set<string>();

  static async at(port: number): Promise<Cast> {
    const cast = new Cast();
    for (const name of Object.values(NAMES)) await cast.#join(name, port);
    after(async () => await cast.close());
    return cast;
  }

  async play(): Promise<void> {
    const [sender, receiver] = this.#clients;
    await this.#meet(sender!, receiver!);
    const sources = (): ContentSource[] => [
      messageSource(TEXTS["short message"]),
      messageSource(TEXTS["long message"].repeat(5_000)),
      bytesSource(Buffer.from(TEXTS["file content"].repeat(5_000)), { name: TEXTS["file name"] }),
      messageSource(TEXTS["short message"]),
    ];
    await transferAll(sender!, receiver!, sources());
    await transferAll(receiver!, sender!, sources());
  }

  async close(): Promise<void> {
    await Promise.all(this.#clients.map(async (client) => await client.close()));
  }

  expectAbsent(places: Readonly<Record<string, Uint8Array>>): void {
    const kinds = ["seed", "KEM secret", "derived key", "AEAD key", "stored seed", "code"];
    assert.deepEqual(
      kinds.filter((kind) => !this.#kinds.has(kind)),
      [],
      "all were watched",
    );
    assert.ok(this.#keys.size > 100, `${this.#keys.size} keys`);
    const scanner = new MarkScanner([...this.#marks, ...this.#keys.values()]);
    for (const [where, bytes] of Object.entries(places)) {
      assert.deepEqual(scanner.find(bytes), [], where);
      const own = new MarkScanner([textMark("planted", TEXTS["short message"])]);
      const planted = Buffer.concat([bytes, Buffer.from(TEXTS["short message"])]);
      assert.deepEqual(own.find(planted), ["planted (raw)"], where);
    }
  }

  expectPresent(bytes: Uint8Array, what: readonly ("name" | "ID" | "fingerprint")[]): void {
    const marks = this.#clients.flatMap(({ name, fingerprint }) => [
      { what: "name", bytes: Buffer.from(name) },
      { what: "fingerprint", bytes: Buffer.from(fingerprint) },
      { what: "ID", bytes: parseFingerprint(fingerprint)! },
    ]);
    const found = new MarkScanner(marks).find(bytes);
    for (const each of what) assert.ok(found.includes(`${each} (raw)`), `${each}: ${found.join()}`);
  }

  async #join(name: string, port: number): Promise<void> {
    const home = await openHome({ home: scene.home(`${name}-${port}`), name });
    const suite = watchSecrets(clientSuite, (what, bytes) => this.#remember(what, bytes));
    const { signingSeed, linkSeed } = await home.store.identity();
    for (const seed of [signingSeed, linkSeed]) this.#remember("stored seed", seed);
    const ports = nodePorts(suite, home.store);
    const address = parseRelayAddress(`127.0.0.1:${port}`);
    const onClosed = async (): Promise<void> => await home.close();
    this.#clients.push(await connect(ports, { address, onClosed }));
  }

  async #meet(opener: Client, joiner: Client): Promise<void> {
    const opening = opener.pair();
    const { value } = await opening[Symbol.asyncIterator]().next();
    assert.ok(value?.type === "code");
    const [slot = "", ...words] = value.code.split("-");
    assert.notEqual(slot, "");
    for (const between of ["-", " "]) {
      const phrase = textMark("code", words.join(between));
      if (phrase.bytes.length >= 10) this.#marks.push(phrase);
    }
    this.#kinds.add("code");
    const joining = joiner.pair({ code: value.code });
    const both: readonly Paired[] = await Promise.all([opening.paired, joining.paired]);
    for (const paired of both) await paired.keep();
  }

  #remember(what: string, bytes: Uint8Array): void {
    if (bytes.every((byte) => byte === 0)) return;
    this.#kinds.add(what);
    this.#keys.set(hex(bytes), { what, bytes: bytes.slice() });
  }
}

async function transferAll(
  from: Client,
  to: Client,
  sources: readonly ContentSource[],
): Promise<void> {
  const offers = to.receive({ profiles: ["end-to-end"] })[Symbol.asyncIterator]();
  for (let event = await offers.next(); event.value?.type !== "listening";)
    event = await offers.next();
  for (const content of sources) {
    const next = offers.next();
    const transfer = await from.send({ to: to.name, content, profile: "end-to-end" });
    const { value } = await next;
    assert.ok(value?.type === "offer");
    const sink = { ...messageSink(), write: async () => {}, commit: async () => {} };
    await Promise.all([value.offer.accept(sink).finished, transfer.finished]);
  }
  void offers.return?.();
}

/** All files of a folder, and their names. */
async function contentOf(folder: string): Promise<Buffer> {
  const names = await filesIn(folder);
  const files = await Promise.all(names.map(async (name) => await readFile(join(folder, name))));
  return Buffer.concat([Buffer.from(names.join("\n")), ...files]);
}

function keepingLogger(lines: string[]): RelayLogger {
  const keep = (...said: unknown[]): void => void lines.push(JSON.stringify(said));
  return { debug: keep, info: keep, warn: keep, error: keep };
}

function base32(bytes: Uint8Array): string {
  const bits = Array.from(bytes, (byte) => byte.toString(2).padStart(8, "0")).join("");
  const groups = bits.match(/.{5}/g) ?? [];
  return groups
    .map((group) => "abcdefghijklmnopqrstuvwxyz234567"[Number.parseInt(group, 2)])
    .join("");
}
