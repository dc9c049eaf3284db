/**
 * How a first master key travels in the profile `symmetric`, and that the relay can read what it
 * carries (docs/protocol.md 7.1). Relay and both clients run in this process, where the calls of
 * RSA can be seen; a tap keeps what crosses the wire. Everything is computed here once more from
 * the protocol's text.
 *
 * @module
 */
import assert from "node:assert/strict";
import { createDecipheriv, createHash, hkdfSync } from "node:crypto";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, mock, test } from "node:test";
import { messageSink, messageSource, type Client } from "@postern/client";
import { connectNode } from "@postern/client/node";
import { nativeRsa } from "@postern/node";
import { relayLogger, startRelay } from "@postern/relay";
import { Scene } from "./scene.ts";
import { openTap } from "./tap.ts";

/** One use of RSA: which key, for what, and what was in it. */
interface RsaCall {
  readonly kind: "encrypt" | "decrypt";
  /** SPKI of the key, as hex. */
  readonly key: string;
  /** `sym-up`, `sym-down`, `sym-next-up`, `sym-next-down` */
  readonly use: string;
  readonly transfer: string;
  readonly masterKey: string;
  readonly ciphertext: string;
}

const calls = recordRsa();
const scene = await Scene.open({ after });
const dataDir = join(scene.folder, "relay");
const relay = await startRelay({
  host: "127.0.0.1",
  port: 0,
  dataDir,
  logger: relayLogger("silent"),
});
after(async () => await relay.close());
const tap = await openTap({ after }, relay.port);
const ann = await client("ann");
const bob = await client("bob");
/** Too long for envelopes: it goes through a pipe, as a file does. */
const TEXT = "What the relay reads. ".repeat(4_000);

test("the first master key goes RSA to the relay, then RSA to the receiver", async () => {
  const transfer = await sendMessage(TEXT);
  const hops = calls.filter((call) => call.transfer === transfer && !call.use.includes("next"));
  assert.deepEqual(
    hops.map(({ kind, use }) => `${kind} ${use}`),
    ["encrypt sym-up", "decrypt sym-up", "encrypt sym-down", "decrypt sym-down"],
  );
  const [up, atRelay, down, atBob] = hops as [RsaCall, RsaCall, RsaCall, RsaCall];
  assert.equal(up.key, atRelay.key);
  assert.equal(down.key, atBob.key);
  assert.notEqual(up.key, down.key);
  assert.equal(up.ciphertext, atRelay.ciphertext);
  assert.equal(down.ciphertext, atBob.ciphertext);
  assert.notEqual(up.ciphertext, down.ciphertext);
  assert.equal(up.masterKey.length, 64);
  assert.deepEqual(new Set(hops.map(({ masterKey }) => masterKey)), new Set([up.masterKey]));
  const next = calls.filter((call) => call.transfer === transfer && call.use.includes("next"));
  assert.equal(next.length, 4);
  assert.notEqual(next[0]?.masterKey, up.masterKey);
});

test("the pair's next transfer carries no master key of its own by RSA", async () => {
  const transfer = await sendMessage("second");
  const own = calls.filter((call) => call.transfer === transfer);
  assert.deepEqual(
    own.map(({ kind, use }) => `${kind} ${use}`),
    [
      "encrypt sym-next-up",
      "decrypt sym-next-up",
      "encrypt sym-next-down",
      "decrypt sym-next-down",
    ],
  );
});

test("the relay can read the content: its own key, its names and the wire are enough", async () => {
  const opened = calls.find(({ kind, use }) => kind === "decrypt" && use === "sym-up");
  assert.ok(opened !== undefined);
  await Promise.all([ann.close(), bob.close()]);
  await relay.close();

  const names = namesOf(dataDir);
  const outer = Buffer.concat([
    Buffer.from([1, 0, 1, 1, 0, ...new Uint8Array(8)]),
    Buffer.from(opened.transfer, "hex"),
    names.ann.fingerprint,
    names.bob.fingerprint,
  ]);
  const { ann: sender, bob: receiver } = names;
  const fields = [relay.fingerprint, outer, sender.identity, receiver.identity];
  const th = sha256(label("symmetric transfer"), ...fields.map(lv));
  const masterKey = Buffer.from(opened.masterKey, "hex");
  const wrap = new Uint8Array(hkdfSync("sha256", masterKey, th, label("symmetric wrap"), 32));

  const content = openContent(forwardFrames(), wrap, th);
  assert.equal(content.readUInt32BE(0), TEXT.length);
  assert.equal(content.subarray(4, 4 + TEXT.length).toString(), TEXT);
});

async function client(who: string): Promise<Client> {
  const home = scene.home(who);
  const made = await connectNode({ relay: `127.0.0.1:${tap.port}`, home, name: who });
  after(async () => await made.close());
  return made;
}

/** Bob waits, Ann sends. Returns the transfer's id. */
async function sendMessage(text: string): Promise<string> {
  const offers = bob.receive({ profiles: ["symmetric"] })[Symbol.asyncIterator]();
  assert.equal((await offers.next()).value?.type, "listening");
  const first = offers.next();
  const deadline = performance.now() + 20_000;
  while (!(await isListed("bob"))) assert.ok(performance.now() < deadline, "bob is not listed");
  const content = messageSource(text);
  const transfer = await ann.send({ to: "bob", content, profile: "symmetric" });
  const { value } = await first;
  assert.ok(value?.type === "offer");
  const sink = messageSink();
  await Promise.all([value.offer.accept(sink).finished, transfer.finished]);
  assert.equal(await sink.text, text);
  void offers.return?.();
  return transfer.id;
}

async function isListed(who: string): Promise<boolean> {
  for await (const { name } of ann.receivers()) if (name === who) return true;
  return false;
}

function recordRsa(): RsaCall[] {
  const seen: RsaCall[] = [];
  const encrypt = nativeRsa.encrypt.bind(nativeRsa);
  const decrypt = nativeRsa.decrypt.bind(nativeRsa);
  const keep = (
    kind: RsaCall["kind"],
    ...[key, labelled, masterKey, ciphertext]: readonly Uint8Array[]
  ): void => {
    const at = labelled!.indexOf(0);
    const text = Buffer.from(labelled!.subarray(0, at)).toString();
    const use = /^postern ([\w-]+)\/1$/.exec(text)?.[1] ?? text;
    const [spki, secret, sealed] = [hex(key!), hex(masterKey!), hex(ciphertext!)];
    const transfer = hex(labelled!.subarray(at + 1, at + 17));
    seen.push({ kind, key: spki, use, transfer, masterKey: secret, ciphertext: sealed });
  };
  mock.method(nativeRsa, "encrypt", async (...args: Parameters<typeof encrypt>) => {
    const [to, labelled, plaintext] = args;
    const ciphertext = await encrypt(...args);
    keep("encrypt", to.spki, labelled, plaintext, ciphertext);
    return ciphertext;
  });
  mock.method(nativeRsa, "decrypt", async (...args: Parameters<typeof decrypt>) => {
    const [pair, labelled, ciphertext] = args;
    const plaintext = await decrypt(...args);
    if (plaintext !== undefined) keep("decrypt", pair.spki, labelled, plaintext, ciphertext);
    return plaintext;
  });
  return seen;
}

interface Known {
  readonly identity: Uint8Array;
  readonly fingerprint: Uint8Array;
}

/** Who is who, from the relay's own database. */
function namesOf(directory: string): { readonly ann: Known; readonly bob: Known } {
  const database = new DatabaseSync(join(directory, "relay.db"), { readOnly: true });
  const find = database.prepare("SELECT identity, fingerprint FROM name WHERE name = ?");
  const known = (name: string): Known => {
    const { identity, fingerprint } = find.get(name) ?? {};
    assert.ok(identity instanceof Uint8Array && fingerprint instanceof Uint8Array);
    return { identity, fingerprint };
  };
  try {
    return { ann: known("ann"), bob: known("bob") };
  } finally {
    database.close();
  }
}

/** What the sender wrote into its pipe, behind the request for it. */
function forwardFrames(): Buffer {
  const pipes = tap.sent().filter((bytes) => bytes.subarray(0, 10).toString() === "GET /pipe/");
  const bodies = pipes.map((bytes) => bytes.subarray(bytes.indexOf("\r\n\r\n") + 4));
  const forward = bodies.find((body) => body[0] === 1);
  assert.ok(forward !== undefined, "a pipe that begins with a session key");
  return forward;
}

/** Section 8: session keys open with the wrapping key, records with the session key. */
function openContent(frames: Buffer, wrap: Uint8Array, th: Uint8Array): Buffer {
  const parts: Buffer[] = [];
  let sessionKey: Uint8Array = new Uint8Array();
  for (let at = 0; at < frames.length;) {
    const header = frames.subarray(at, at + 32);
    const [type, flags] = [header[0], header[1]];
    const body = frames.subarray(at + 32, at + 32 + header.readUInt32BE(4));
    if (type === 1) {
      const nonce = Buffer.concat([Buffer.alloc(8), header.subarray(8, 12)]);
      sessionKey = open(wrap, nonce, th, body.subarray(0, 48));
    } else if (flags === 0) {
      const nonce = Buffer.concat([Buffer.from([0, 0, 0, 0]), header.subarray(12, 20)]);
      parts.push(open(sessionKey, nonce, Buffer.concat([header, th, Buffer.of(0)]), body));
    }
    at += 32 + body.length;
  }
  return Buffer.concat(parts);
}

function open(key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, sealed: Uint8Array): Buffer {
  const cipher = createDecipheriv("aes-256-gcm", key, nonce);
  cipher.setAAD(aad).setAuthTag(sealed.subarray(-16));
  return Buffer.concat([cipher.update(sealed.subarray(0, -16)), cipher.final()]);
}

function label(use: string): Buffer {
  return Buffer.from(`postern ${use}/1\0`);
}

function lv(bytes: Uint8Array): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

function sha256(...parts: readonly Uint8Array[]): Buffer {
  return createHash("sha256").update(Buffer.concat(parts)).digest();
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}
