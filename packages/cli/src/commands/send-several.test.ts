/** `postern send --to ann,ben,cy`: each on its own. */
import assert from "node:assert/strict";
import { basename } from "node:path";
import { test } from "node:test";
import { PosternError, type ErrorCode } from "@postern/core/errors";
import { failed, FakeTransfer, goodEvents } from "../../test/fake-client.ts";
import { FakeTerminal, type FakeOptions } from "../../test/fake-surroundings.ts";
import { until } from "../../test/until.ts";

const FILE = import.meta.filename;
const NAME = basename(FILE);

/** Receivers that end as it is written, or hang. */
function several(
  ends: Readonly<Record<string, ErrorCode | "good" | "hangs">>,
  options?: FakeOptions,
): { readonly terminal: FakeTerminal; readonly transfers: Map<string, FakeTransfer> } {
  const terminal = new FakeTerminal(options);
  const transfers = new Map<string, FakeTransfer>();
  terminal.client.onSend = async ({ to, content }) => {
    const name = typeof to === "string" ? to : "";
    const end = ends[name] ?? "good";
    if (end === "peer/unknown") throw new PosternError(end, "scripted");
    const transfer = new FakeTransfer(to, content.info);
    transfers.set(name, transfer);
    if (end === "good") transfer.events.push(...goodEvents(1_000));
    else if (end === "hangs") transfer.events.push({ type: "offered" });
    else transfer.events.push({ type: "offered" }, failed(end));
    return transfer;
  };
  return { terminal, transfers };
}

test("send to several delivers to each over a source and a transfer of its own", async () => {
  const { terminal } = several({});
  assert.equal(await terminal.run("send", FILE, "--to", "ann,ben,cy", "--limit", "3K"), 0);
  assert.deepEqual(
    terminal.client.delivered.map(({ to, rateLimit }) => [to, rateLimit]),
    [
      ["ann", 1_000],
      ["ben", 1_000],
      ["cy", 1_000],
    ],
  );
  assert.equal(new Set(terminal.client.sent.map(({ content }) => content)).size, 3);
  assert.match(terminal.stderr.text, /^cy {2}\| delivered .+ to cy: /m);
  assert.match(terminal.stderr.text, new RegExp(`^${NAME} is with 3 of 3: ann, ben, cy$`, "m"));
});

test("send to several: who refuses, is unknown or hangs holds nobody up; exit 10 says some", async () => {
  const ends = { ann: "peer/declined", ben: "peer/unknown", cy: "hangs" } as const;
  const { terminal, transfers } = several(ends);
  const running = terminal.run("send", FILE, "--to", "ann,ben,cy,dora", "--json");
  await until(() => terminal.stderr.text.includes("delivered"));
  await until(() => terminal.stderr.text.includes("ben  | postern: nobody called ben"));
  assert.match(terminal.stderr.text, /^ann {2}\| postern: ann declined .+\nann {2}\| {3}why: /m);
  transfers.get("cy")?.events.push(...goodEvents(1_000));
  assert.equal(await running, 10);
  assert.match(
    terminal.stderr.text,
    new RegExp(`^${NAME} is with 2 of 4: cy, dora; not with ann, ben$`, "m"),
  );
  const events = terminal.events();
  const errors = events.filter(({ type }) => type === "error");
  assert.deepEqual(errors.map(({ to, code }) => `${String(to)} ${String(code)}`).toSorted(), [
    "ann peer/declined",
    "ben peer/unknown",
  ]);
  assert.deepEqual(events.at(-1), {
    type: "receivers-served",
    delivered: ["cy", "dora"],
    failed: ["ann", "ben"],
  });
  for (const event of events.filter(({ type }) => type === "done")) assert.ok(event["to"]);
});

test("send to several exits with the code they share, and never hides an alarm", async () => {
  for (const [ends, exitCode] of [
    [{ ann: "peer/absent", ben: "peer/busy" }, 5],
    [{ ann: "peer/absent", ben: "peer/declined" }, 1],
    [{ ann: "transfer/digest-mismatch" }, 6],
    [{ ann: "transfer/digest-mismatch", ben: "peer/key-changed" }, 9],
  ] as const) {
    const { terminal } = several(ends);
    assert.equal(await terminal.run("send", FILE, "--to", "ann,ben"), exitCode);
  }
});

test("send to several has one line of progress for each, and takes all away at the end", async () => {
  const { terminal, transfers } = several({ ann: "hangs", ben: "hangs" }, { isTerminal: true });
  const running = terminal.run("send", FILE, "--to", "ann,ben", "--no-color");
  await until(() => transfers.size === 2);
  const good = goodEvents(1_000);
  for (const name of ["ann", "ben"]) transfers.get(name)?.events.push(...good.slice(0, -1));
  await until(() => terminal.stderr.text.includes(`ann | ${NAME}`));
  for (const name of ["ann", "ben"]) transfers.get(name)?.events.push(good.at(-1)!);
  assert.equal(await running, 0);
  assert.ok(terminal.stderr.text.endsWith(`${NAME} is with 2 of 2: ann, ben\n`));
});

test("send to several cancels all at Ctrl-C and exits 130", async () => {
  const { terminal, transfers } = several({ ann: "hangs", ben: "hangs" });
  const running = terminal.run("send", FILE, "--to", "ann,ben");
  await until(() => transfers.size === 2);
  terminal.process.emit("SIGINT");
  assert.equal(await running, 130);
  for (const { isCancelled } of transfers.values()) assert.ok(isCancelled);
});

test("send - goes to one receiver only, and says so before it connects", async () => {
  const terminal = new FakeTerminal({ stdin: "bytes" });
  terminal.connect = () => assert.fail("connected");
  assert.equal(await terminal.run("send", "-", "--to", "ann,ben"), 2);
  assert.match(terminal.stderr.text, /^postern: - goes to one receiver\n/m);
  assert.ok(terminal.sources[0]?.isClosed);
});
