/** What arrives is what was sent, whatever is in it and whatever it is called. @module */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { after, test } from "node:test";
import { messageSource, type ContentSource, type ProfileName } from "@postern/client";
import { fileSource } from "@postern/client/node";
import { MIB, noise, sha256, writeContent } from "./payloads.ts";
import type { EventLine, Program } from "./program.ts";
import { filesIn, Scene } from "./scene.ts";

const scene = await Scene.open({ after });
const relay = await scene.relay();
const inbox = await scene.newFolder("inbox");
const outbox = await scene.newFolder("outbox");
const bob = await scene.receiver("bob", relay, ["--accept", "all", "-o", inbox]);
/** The receivers of each profile: between two people it only ever gets better. */
const TAKERS = { "end-to-end": "bob", symmetric: "bob-symmetric", asymmetric: "bob-asymmetric" };
/** Sends from this process: a program for each of so many files would take long. */
const sam = await scene.sdk("sam", relay);

for (const profile of ["end-to-end", "symmetric", "asymmetric"] as const) {
  test(`${profile}: files of 0 bytes, 1 byte and exactly n x 1 MiB, and S-08 with every byte, arrive`, async () => {
    const { taker, folder } = await takerOf(profile);
    for (const [name, content] of [
      ["empty", new Uint8Array()],
      ["one", Uint8Array.of(0)],
      ["every.bin", Uint8Array.from({ length: 4_096 }, (_, at) => (at * 7 + (at >> 8)) & 0xff)],
      ["one-mib", noise(MIB)],
      ["three-mib", noise(3 * MIB, 2)],
    ] as const) {
      const source = await fileSource(await writeContent(outbox, name, content));
      const done = await send(source, profile, taker);
      assert.equal(done["path"], join(folder, name));
      assert.equal(done["bytes"], content.length);
      assert.equal(sha256(await readFile(join(folder, name))), sha256(content), name);
    }
  });

  test(`${profile}: S-06 P-05 words that once steered the transfer are content like any other`, async () => {
    const { taker, folder } = await takerOf(profile);
    const words = ["new session", "theEnd", "file", "exit", "\0", "new session", "theEnd"];
    const one = words.map((word) => word.padEnd(64)).join("");
    const content = utf8(one.repeat(300));
    const done = await send(bytesSource("words.txt", content), profile, taker);
    assert.equal(done["path"], join(folder, "words.txt"));
    assert.equal(sha256(await readFile(join(folder, "words.txt"))), sha256(content));
    for (const text of ["theEnd", "new session", "exit"]) {
      await send(messageSource(text), profile, taker);
      await taker.event("message", (event) => event["text"] === text);
    }
  });
}

test("F-03 S-09 names of every script, with spaces, dashes, dots or 255 bytes, stay", async () => {
  const names = [
    "übung.txt",
    "файл.txt",
    "αρχείο",
    "ファイル 名前.txt",
    "文件",
    "파일.bin",
    "ملف.txt",
    "קובץ",
    "ไฟล์",
    "फ़ाइल",
    "🗂️ papers",
    "-rf",
    "--help",
    " two  spaces",
    "no extension",
    "..hidden..name",
    "$(touch pwned)`touch pwned`;'&",
    `${"n".repeat(251)}.txt`,
    "文".repeat(85),
  ];
  const before = await filesIn(inbox);
  for (const name of names) assert.equal(await arrives(name, utf8(name)), join(inbox, name));
  const made = (await filesIn(inbox)).filter((name) => !before.includes(name));
  assert.deepEqual(made, names.toSorted());
});

test("F-02 F-03 names that some system or terminal cannot bear are written in signs it can", async () => {
  for (const [name, stored] of [
    ["what?.txt", "what%3F.txt"],
    ["my:stream", "my%3Astream"],
    ["nul.txt", "%6Eul.txt"],
    ["trailing.", "trailing%2E"],
    ["red\u001b[31m\n", "red%1B[31m%0A"],
    ["gpj.\u202eexe", "gpj.%E2%80%AEexe"],
  ] as const)
    assert.equal(await arrives(name, utf8(name)), join(inbox, stored));
  assert.ok(!bob.stderr().includes("\u001b[31m"));
  assert.ok(!bob.stdout().includes("\u202e"));
});

test("a name of 300 bytes is shortened, its extension stays", async () => {
  const path = await arrives(`${"x".repeat(296)}.txt`, utf8("long"));
  assert.ok(basename(path).length <= 255, path);
  assert.match(basename(path), /^x{200,}\.txt$/);
});

test("F-01 a name that leads out of the folder is refused before anything is written", async () => {
  const before = await filesIn(inbox);
  for (const name of ["../x", "..", "a/../../x", "/etc/x", "..\\x", "C:\\x", "a:x", "a\0b"])
    await refused(name);
  assert.deepEqual(await filesIn(inbox), before);
});

test("F-09 a file that exists is never overwritten: the new one gets another name", async () => {
  await writeContent(inbox, "taken.txt", "mine");
  assert.equal(await arrives("taken.txt", utf8("theirs")), join(inbox, "taken (1).txt"));
  assert.equal(await readFile(join(inbox, "taken.txt"), "utf8"), "mine");
});

/** Sends it as a file of this name; returns where it is now. */
async function arrives(name: string, content: Uint8Array): Promise<string> {
  const path = String((await send(bytesSource(name, content)))["path"]);
  assert.equal(sha256(await readFile(path)), sha256(content));
  return path;
}

interface Taker {
  readonly taker: Program;
  readonly folder: string;
}

const takers = new Map<ProfileName, Taker>([["end-to-end", { taker: bob, folder: inbox }]]);

/** Who takes what is sent in this profile, and where it puts files. */
async function takerOf(profile: ProfileName): Promise<Taker> {
  const known = takers.get(profile);
  if (known !== undefined) return known;
  const folder = await scene.newFolder(`inbox-${profile}`);
  const args = ["--accept", "all", "-o", folder, "--profile", profile];
  const made = { taker: await scene.receiver(TAKERS[profile], relay, args), folder };
  takers.set(profile, made);
  return made;
}

async function send(
  content: ContentSource,
  profile: ProfileName = "end-to-end",
  taker: Program = bob,
): Promise<EventLine> {
  const transfer = await sam.send({ to: TAKERS[profile], content, profile });
  await transfer.finished;
  return await taker.event("done", (event) => event["transfer"] === transfer.id);
}

async function refused(name: string): Promise<void> {
  const transfer = await sam.send({
    to: "bob",
    content: bytesSource(name, utf8("x")),
    profile: "end-to-end",
  });
  await assert.rejects(transfer.finished, { code: "transfer/invalid" }, name);
}

/** A source whose name no file system has checked. */
function bytesSource(name: string, content: Uint8Array): ContentSource {
  return {
    info: { kind: "file", name, size: content.length },
    async read(into, offset) {
      const part = content.subarray(offset, offset + into.length);
      into.set(part);
      return part.length;
    },
    verified() {},
    async close() {},
  };
}

function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
