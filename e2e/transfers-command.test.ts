/**
 * `postern transfers`, `verify`, several receivers, a receiver that waits, and pipes, by real
 * programs over a real relay.
 *
 * @module
 */
import assert from "node:assert/strict";
import { appendFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, test } from "node:test";
import { assertInNoArguments } from "./processes.ts";
import { MIB, noise, sha256, sha256File, writeContent } from "./payloads.ts";
import type { Program } from "./program.ts";
import { filesIn, freePort, Scene } from "./scene.ts";

const scene = await Scene.open({ after });
const relay = await scene.relay();
const content = noise(6 * MIB);
const path = await writeContent(scene.folder, "film.raw", content);
const another = await writeContent(scene.folder, "other.txt", Buffer.from("another content"));

async function endsWith(program: Program, code: number, said: RegExp): Promise<void> {
  assert.deepEqual(await program.ended(60_000), { code, signal: null }, program.stderr());
  assert.match(program.stderr(), said);
}

test("transfers lists, resumes and cancels what was stopped, on both sides", async () => {
  const inbox = await scene.newFolder("inbox-ben");
  const ben = await scene.receiver("ben", relay, ["--accept", "all", "-o", inbox]);
  const ann = scene.client("ann", relay, [
    "send",
    path,
    "--to",
    "ben",
    "--limit",
    "300K",
    "--json",
  ]);
  await ben.event("progress", ({ bytes }) => Number(bytes) > MIB);
  const list = async (who: string): Promise<Record<string, unknown>> => {
    const listed = scene.run(["transfers", "--json", ...scene.self(who, relay).slice(2)]);
    return await listed.event("unfinished");
  };
  const beside = await Promise.all(["ann", "ben"].map(async (who) => await list(who)));
  assert.deepEqual(
    beside.map(({ role, peer }) => [role, peer]),
    [
      ["sending", "ben"],
      ["receiving", "ann"],
    ],
  );
  await ann.kill("SIGINT");
  await ben.said(/is kept here/);
  const sending = await list("ann");
  assert.deepEqual(
    [sending["role"], sending["peer"], sending["paths"]],
    ["sending", "ben", [path]],
  );
  const id = String(sending["id"]);
  const resumed = scene.client("ann", relay, [
    "transfers",
    "resume",
    id.slice(0, 6),
    "--limit",
    "2M",
  ]);
  await ben.said(/^going on with film\.raw of ann, \d+ % is here$/m);
  await ben.kill("SIGINT");
  await endsWith(resumed, 8, /^postern: ben cancelled film\.raw/m);
  const receiving = await list("ben");
  assert.deepEqual([receiving["role"], receiving["id"]], ["receiving", id]);
  assert.ok(Number(receiving["bytes"]) > MIB);
  assert.deepEqual(await filesIn(inbox), [".film.raw.part"]);
  for (const who of ["ann", "ben"]) {
    const own = scene.self(who, relay).slice(2);
    await endsWith(scene.run(["transfers", "cancel", id, ...own]), 0, /^forgotten/m);
    await endsWith(scene.run(["transfers", ...own]), 0, /^nothing is unfinished$/m);
  }
  assert.deepEqual(await filesIn(inbox), []);
});

test("transfers resume waits for a relay that is not there yet, and says so once", async () => {
  const [port, inbox] = [await freePort(), await scene.newFolder("inbox-lou")];
  const first = await scene.relay({ data: "down", port });
  const lou = await scene.receiver("lou", first, ["--accept", "all", "-o", inbox]);
  const send = ["send", path, "--to", "lou", "--json"];
  const kim = scene.client("kim", first, [...send, "--limit", "1M"]);
  await lou.event("progress", ({ bytes }) => Number(bytes) > MIB);
  await kim.kill("SIGKILL");
  await first.program.kill("SIGKILL");
  const { id } = await scene
    .run(["transfers", "--json", ...scene.self("kim", first).slice(2)])
    .event("unfinished");
  const resume = ["transfers", "resume", String(id), "--json"];
  const resumed = scene.client("kim", first, resume);
  await resumed.event("reconnecting");
  await resumed.event("reconnecting");
  await scene.relay({ data: "down", port });
  await endsWith(resumed, 0, /^delivered film\.raw to lou/m);
  const waits = resumed.stderr().match(/waiting for the relay, then going on; Ctrl-C ends it$/gm);
  assert.equal(waits?.length, 1, resumed.stderr());
  assert.doesNotMatch(resumed.stderr(), /an earlier transfer/);
  assert.deepEqual(await filesIn(inbox), ["film.raw"]);
});

test("a file that has changed is begun anew only with --anew", async () => {
  const inbox = await scene.newFolder("inbox-cy");
  const cy = await scene.receiver("cy", relay, ["--accept", "all", "-o", inbox]);
  const changing = await writeContent(scene.folder, "log.txt", content);
  const send = ["send", changing, "--to", "cy", "--json"];
  const first = scene.client("dan", relay, [...send, "--limit", "2M"]);
  await cy.event("progress", ({ bytes }) => Number(bytes) > MIB);
  await first.kill("SIGINT");
  await appendFile(changing, "more");
  await endsWith(scene.client("dan", relay, send), 1, /^postern: log\.txt is not what was begun$/m);
  // As long as before, but other bytes: what the receiver holds says so.
  await writeFile(changing, noise(6 * MIB, 7));
  await endsWith(scene.client("dan", relay, send), 1, /^postern: log\.txt is not what was begun$/m);
  await endsWith(scene.client("dan", relay, [...send, "--anew"]), 0, /^delivered log\.txt to cy/m);
  assert.equal(await sha256File(join(inbox, "log.txt")), await sha256File(changing));
});

test("several receivers: one refuses, one is not there, one is slow; the others have it", async () => {
  const inboxes: string[] = [];
  for (const who of ["eva", "fay"]) {
    inboxes.push(await scene.newFolder(`inbox-${who}`));
    await scene.receiver(who, relay, ["--accept", "all", "-o", inboxes.at(-1)!]);
  }
  await scene.receiver("gil", relay, ["--accept", "nobody", "--no-input"]);
  const to = ["send", path, "--to", "eva,fay,gil,hal", "--json"];
  const ann = scene.client("ann", relay, to);
  await endsWith(ann, 10, /^film\.raw is with 2 of 4: eva, fay; not with gil, hal$/m);
  for (const inbox of inboxes)
    assert.equal(await sha256File(join(inbox, "film.raw")), sha256(content));
  const codes = ann.events().filter(({ type }) => type === "error");
  assert.deepEqual(Object.fromEntries(codes.map((event) => [event["to"], event["code"]])), {
    gil: "peer/declined",
    hal: "peer/unknown",
  });
});

test("a signed receipt holds for what was sent, and for nothing else", async () => {
  const inbox = await scene.newFolder("inbox-ida");
  await scene.receiver("ida", relay, ["--accept", "all", "-o", inbox]);
  const folder = join(scene.folder, "papers");
  await mkdir(join(folder, "sub"), { recursive: true });
  await writeFile(join(folder, "sub", "a.txt"), "a");
  for (const [what, name] of [
    [path, "film.raw"],
    [folder, "papers"],
  ] as const) {
    const ann = scene.client("ann", relay, ["send", what, "--to", "ida", "--signed"]);
    await endsWith(ann, 0, /^signed receipt in .+\.receipt\.json: postern verify checks it$/m);
    const receipt = join(scene.folder, `${name}.ida.receipt.json`);
    // What arrived is what was sent, down to the times and modes that a folder's list has.
    for (const copy of [what, join(inbox, name)]) {
      const verified = scene.run(["verify", receipt, copy]);
      assert.deepEqual(await verified.ended(), { code: 0, signal: null }, verified.stderr());
      assert.match(verified.stdout().toString(), /^holds: .+\ncontent .+\nsent by .+\nreceived/m);
    }
    await endsWith(scene.run(["verify", receipt, another]), 6, /^postern: the receipt is not of /m);
    const text = await readFile(receipt, "utf8");
    await writeFile(receipt, text.replace(/"size": \d+/, '"size": 1'));
    await endsWith(
      scene.run(["verify", receipt, what]),
      6,
      /^postern: STOPPED - the receipt does /m,
    );
  }
});

test("T-05 a receiver that waits outlives relays, and its command learns of all by its environment", async () => {
  const port = await freePort();
  const inbox = await scene.newFolder("inbox-joe");
  const hook = `cat > got.txt; printf '%s|%s|%s' "$POSTERN_KIND" "$POSTERN_FROM" "$POSTERN_PATHS" >> got.txt; env >> env.txt; sleep 1`;
  const env = { POSTERN_PASSPHRASE: "mellon-and-more" };
  const joe = scene.client(
    "joe",
    `127.0.0.1:${port}`,
    ["receive", "--wait", "--accept", "all", "--into", inbox, "--on-done", hook, "--json"],
    { env },
  );
  await joe.event("reconnecting");
  const late = await scene.relay({ data: "late", port });
  await joe.event("waiting");
  await scene.listed(late, "joe");
  const name = "$(touch pwned) `id` ; x.txt";
  const odd = await writeContent(scene.folder, name, Buffer.from("x"));
  await endsWith(scene.client("ann", late, ["send", odd, "--to", "joe"]), 0, /^delivered /m);
  await assertInNoArguments(["pwned"]);
  await joe.event("on-done", ({ exitCode }) => exitCode === 0);
  const got = await readFile(join(scene.folder, "got.txt"), "utf8");
  assert.equal(got, `file|ann|${join(inbox, name)}`);
  assert.doesNotMatch(await readFile(join(scene.folder, "env.txt"), "utf8"), /PASSPHRASE|mellon/);
  assert.ok(!(await filesIn(scene.folder)).includes("pwned"));

  await late.program.kill("SIGTERM");
  await joe.event("reconnecting", ({ code }) => code !== "relay/unreachable");
  const again = await scene.relay({ data: "late", port });
  await scene.listed(again, "joe", true, 60_000);
  const said = scene.client("ann", again, ["send", "--text", "still there", "--to", "joe"]);
  await endsWith(said, 0, /^delivered message/m);
  await joe.event("on-done", ({ transfer }) => transfer !== undefined);
});

test("a pipe goes on into a pipe when the relay was killed in the middle", async () => {
  const port = await freePort();
  const first = await scene.relay({ data: "piped", port });
  const args = ["receive", "--once", "--accept", "all", "-o", "-"];
  const kim = scene.client("kim", first, args);
  await kim.said(/is waiting for offers/);
  await scene.listed(first, "kim");
  const send = ["send", "-", "--file-name", "a.tar", "--to", "kim", "--limit", "2M", "--json"];
  const ann = scene.client("ann", first, send);
  ann.stdin.end(content);
  await ann.event("progress", ({ bytes }) => Number(bytes) > MIB);
  await first.program.kill("SIGKILL");
  await ann.event("retrying");
  await scene.relay({ data: "piped", port });
  await endsWith(ann, 0, /^going on at /m);
  await endsWith(kim, 0, /^received: /m);
  assert.equal(sha256(kim.stdout()), sha256(content));
});
