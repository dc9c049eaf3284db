/**
 * What a relay keeps of a session (R-14, C-20, T-05): real relays as programs; marked names,
 * contents and keys; then every file and every line that they have left.
 *
 * @module
 */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, mock, test } from "node:test";
import {
  messageSink,
  messageSource,
  type Client,
  type ContentSource,
  type ProfileName,
} from "@postern/client";
import { nativeRsa } from "@postern/node";
import { filesIn, Scene, type RelayProgram } from "../scene.ts";
import { bytesSource } from "./cast.ts";

const MARKS = {
  fileName: "marked-file-name-7f3a9c.txt",
  content: "marked content 51be02 ",
  message: "marked message e88d41 ",
} as const;
const NAMES = { sender: "marked-sender-93", receiver: "marked-receiver-27" } as const;

const scene = await Scene.open({ after });
const keys = rememberKeys();

for (const profile of ["symmetric", "asymmetric"] as const)
  test(`R-14 C-20 ${profile}: a relay writes down no file name, content or key`, async () => {
    keys.length = 0;
    const data = `relay-${profile}`;
    const relay = await scene.relay({ data });
    const sender = await scene.sdk(NAMES.sender, relay);
    const receiver = await scene.sdk(NAMES.receiver, relay);
    const content = new TextEncoder().encode(MARKS.content.repeat(10_000));
    const long = MARKS.message.repeat(5_000);
    const sources = [
      bytesSource(content, { name: MARKS.fileName }),
      messageSource(MARKS.message),
      messageSource(long),
    ];
    await receiveAll(sender, receiver, profile, sources);
    // While it runs, with the journal of its database, and after its end.
    const running = await keptBy(relay, data);
    await Promise.all([sender.close(), receiver.close()]);
    await relay.program.kill("SIGTERM");
    const kept = Buffer.concat([running, await keptBy(relay, data)]);

    assert.ok(keys.length >= 4, `${keys.length} keys were encrypted`);
    for (const [what, mark] of [...Object.entries(MARKS), ...keys.map((key) => ["key", key])])
      for (const form of formsOf(mark!)) assert.equal(kept.indexOf(form), -1, `${what}: ${mark}`);
    // The search finds what is kept: who owns which name, and that the relay runs.
    for (const known of [...Object.values(NAMES), "relay started"])
      assert.notEqual(kept.indexOf(known), -1, known);
    const log = relay.program.stderr();
    for (const name of Object.values(NAMES)) assert.ok(!log.includes(name), "no names in the log");
    for (const { fingerprint } of [sender, receiver]) assert.ok(!log.includes(fingerprint));
  });

async function receiveAll(
  sender: Client,
  receiver: Client,
  profile: ProfileName,
  sources: readonly ContentSource[],
): Promise<void> {
  const offers = receiver.receive({ profiles: [profile] })[Symbol.asyncIterator]();
  let next = offers.next();
  for (let event = await next; event.value?.type !== "listening"; event = await next)
    next = offers.next();
  for (const content of sources) {
    next = offers.next();
    const transfer = await sender.send({ to: receiver.name, content, profile });
    const { value } = await next;
    assert.ok(value?.type === "offer");
    await Promise.all([value.offer.accept(messageOrFile()).finished, transfer.finished]);
  }
  void offers.return?.();
}

/** Takes whatever comes. */
function messageOrFile() {
  return { ...messageSink(), write: async () => {}, commit: async () => {} };
}

/** All that a relay has on disk and on its standard streams, as one. */
async function keptBy(relay: RelayProgram, data: string): Promise<Buffer> {
  const folder = join(scene.folder, data);
  const names = await filesIn(folder);
  assert.ok(names.includes("relay.db"));
  const files = await Promise.all(names.map(async (name) => await readFile(join(folder, name))));
  const said = [relay.program.stdout(), Buffer.from(relay.program.stderr())];
  return Buffer.concat([Buffer.from(names.join("\n")), ...files, ...said]);
}

/** As it is, and as a log might show it. Keys are hexadecimal already. */
function formsOf(mark: string): readonly (string | Buffer)[] {
  const isKey = /^[0-9a-f]{64}$/.test(mark);
  const bytes = Buffer.from(mark, isKey ? "hex" : "utf8");
  const base64 = bytes.toString("base64url").slice(0, 20);
  return [bytes, bytes.toString("hex"), bytes.toString("base64").slice(0, 20), base64];
}

/** What the clients, which run here, encrypt by RSA: master keys, session secrets, proofs. */
function rememberKeys(): string[] {
  const seen: string[] = [];
  const encrypt = nativeRsa.encrypt.bind(nativeRsa);
  mock.method(nativeRsa, "encrypt", async (...args: Parameters<typeof encrypt>) => {
    const plaintext = args[2];
    const secret = plaintext.length === 32 ? plaintext : plaintext.subarray(5, 37);
    seen.push(Buffer.from(secret).toString("hex"));
    return await encrypt(...args);
  });
  return seen;
}
