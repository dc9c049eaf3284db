/** `postern send` of what breaks off, what was begun before, and what has changed since. */
import assert from "node:assert/strict";
import { basename } from "node:path";
import { test } from "node:test";
import { PosternError, type ErrorCode } from "@postern/core/errors";
import type { DeliveryEvent, Unfinished } from "@postern/client";
import { failed, FakeDelivery, goodEvents, TRANSFER_ID } from "../../test/fake-client.ts";
import { FakeTerminal, type FakeOptions } from "../../test/fake-surroundings.ts";
import { Scripted } from "../../test/scripted-prompter.ts";
import { unfinishedOf } from "../../test/unfinished-of.ts";
import { until } from "../../test/until.ts";

const FILE = import.meta.filename;
const NAME = basename(FILE);
const SEND = ["send", FILE, "--to", "bob"];

function unfinished(more: Partial<Unfinished> = {}): Unfinished {
  return unfinishedOf(FILE, more);
}

function delivering(events: readonly DeliveryEvent[], options?: FakeOptions): FakeTerminal {
  const terminal = new FakeTerminal(options);
  terminal.client.onDeliver = async (plan, { info }) => {
    const delivery = new FakeDelivery(plan, info);
    delivery.events.push(...events);
    return delivery;
  };
  return terminal;
}

const progress = (bytes: number): DeliveryEvent => ({
  type: "progress",
  bytes,
  total: 1_000,
  sessionKey: 1,
  keyAgeMs: 0,
});

function waiting(of: "relay" | "receiver", code: ErrorCode): DeliveryEvent {
  return { type: "waiting", for: of, error: new PosternError(code, "x"), inMs: 1_000 };
}

test("send says once what it waits for and how much is there, and that the other is back", async () => {
  const [offered, key, , , , done] = goodEvents(1_000);
  const terminal = delivering([
    offered!,
    key!,
    { type: "accepted", offset: 0 },
    progress(450),
    waiting("receiver", "peer/gone"),
    waiting("receiver", "peer/gone"),
    waiting("relay", "relay/unreachable"),
    offered!,
    key!,
    { type: "accepted", offset: 450 },
    progress(1_000),
    done!,
  ]);
  assert.equal(await terminal.run(...SEND, "--json"), 0);
  const lines = terminal.stderr.text.split("\n");
  const about = lines.filter((line) => /waiting|back|going on|offered/.test(line));
  assert.deepEqual(about, [
    `offered ${NAME} (file, 1.0 KB) to bob; waiting for the answer`,
    "bob went away; waiting for bob to come back, 45 % (0.5/1.0 KB) is there; Ctrl-C keeps it",
    "could not connect to 127.0.0.1:9999: no answer; waiting for the relay 127.0.0.1:9999 to come " +
      "back, 45 % (0.5/1.0 KB) is there; Ctrl-C keeps it",
    "bob is back",
    "going on at 45 % (0.5/1.0 KB)",
  ]);
  const retrying = terminal.events().filter(({ type }) => type === "retrying");
  assert.deepEqual(
    retrying.map(({ content, for: whom, code }) => [content, whom, code]),
    [
      [TRANSFER_ID, "receiver", "peer/gone"],
      [TRANSFER_ID, "receiver", "peer/gone"],
      [TRANSFER_ID, "relay", "relay/unreachable"],
    ],
  );
  const [options] = terminal.client.delivered;
  assert.deepEqual(options?.paths, [FILE]);
  assert.equal(options.patienceMs, undefined);
});

test("send tries nothing again that may be an attack: it stops, exit 6", async () => {
  const terminal = delivering([
    { type: "accepted", offset: 0 },
    progress(450),
    waiting("receiver", "transfer/damaged"),
  ]);
  assert.equal(await terminal.run(...SEND, "--json"), 6);
  assert.match(terminal.stderr.text, /^postern: STOPPED - .+ arrives damaged again and again$/m);
  assert.ok(!terminal.stderr.text.includes("waiting for"));
  assert.deepEqual(
    terminal
      .events()
      .slice(-2)
      .map(({ type, code }) => [type, code]),
    [
      ["failed", "transfer/damaged"],
      ["error", "transfer/damaged"],
    ],
  );
});

test("send at Ctrl-C says what is kept and how to go on", async () => {
  const terminal = delivering([{ type: "accepted", offset: 0 }, progress(450)]);
  terminal.client.unfinished.known.push(unfinished({ paths: ["/elsewhere"] }));
  const running = terminal.run(...SEND);
  await until(
    () => terminal.stderr.text.includes("40% of 1.0 KB") || terminal.stderr.text.includes("45%"),
  );
  terminal.process.emit("SIGINT");
  assert.equal(await running, 130);
  assert.match(
    terminal.stderr.text,
    /^45 % of .+ is with bob and stays there; the same command goes on with it, or "postern transfers resume 00000000"$/m,
  );
});

test("send goes on with the same file to the same receiver, and says so", async () => {
  const terminal = new FakeTerminal();
  terminal.client.unfinished.known.push(
    unfinished({ id: "f".repeat(32), role: "receiving" }),
    unfinished({ id: "e".repeat(32), paths: ["/other"] }),
    unfinished({ id: "d".repeat(32), peer: { ...unfinished().peer, name: "cy" } }),
    unfinished({ id: "c".repeat(32), profile: "symmetric" }),
    unfinished({ signed: true }),
  );
  assert.equal(await terminal.run(...SEND, "--timeout", "5m"), 0);
  const [options] = terminal.client.delivered;
  assert.equal(options?.id, TRANSFER_ID);
  assert.equal(options.patienceMs, 300_000);
  assert.equal(options.signed, true);
  assert.match(
    terminal.stderr.text,
    /^going on with .+ for bob: begun before, 45 % was there 3 hours ago$/m,
  );
});

test("send --anew gives up what was begun", async () => {
  const terminal = new FakeTerminal();
  terminal.client.unfinished.known.push(unfinished());
  assert.equal(await terminal.run(...SEND, "--anew"), 0);
  const [options] = terminal.client.delivered;
  assert.deepEqual([options?.id, options?.replaces], [undefined, TRANSFER_ID]);
  assert.deepEqual(terminal.client.unfinished.known, []);
});

for (const code of ["transfer/source-changed", "transfer/other-content"] as const) {
  const changed = (options?: FakeOptions): FakeTerminal => {
    const terminal = new FakeTerminal(options);
    terminal.client.unfinished.known.push(unfinished());
    terminal.client.onDeliver = async (plan, { info }) => {
      if (plan.id === undefined) return undefined;
      const delivery = new FakeDelivery(plan, info);
      delivery.events.push(failed(code));
      return delivery;
    };
    return terminal;
  };

  test(`F-13 send of ${code} starts over only when a person agrees`, async () => {
    const yes = new Scripted(true);
    const terminal = changed({ isTerminal: true, prompter: yes });
    assert.equal(await terminal.run(...SEND), 0);
    assert.match(
      yes.asked[0]!,
      /has changed since it was begun\. Send it anew, from its beginning\?/,
    );
    assert.deepEqual(
      terminal.client.delivered.map(({ id, replaces }) => [id, replaces]),
      [
        [TRANSFER_ID, undefined],
        [undefined, TRANSFER_ID],
      ],
    );
    const no = changed({ isTerminal: true, prompter: new Scripted(false) });
    assert.equal(await no.run(...SEND), 1);
    assert.equal(no.client.unfinished.known.length, 1);
  });

  test(`F-13 send of ${code} without a terminal fails and names --anew`, async () => {
    const terminal = changed();
    assert.equal(await terminal.run(...SEND, "--json"), 1);
    assert.match(terminal.stderr.text, /is not what was begun\n.*\n {2}next: send it with --anew/);
    assert.deepEqual(terminal.events().at(-1), { type: "error", code: "transfer/other-content" });
    assert.equal(terminal.client.unfinished.known.length, 1);
  });
}

test("send - takes --name for the file's name where it is nobody's", async () => {
  const terminal = new FakeTerminal({ stdin: "bytes" });
  const args = ["send", "-", "--to", "bob", "--name"];
  assert.equal(await terminal.run(...args, "backup.tar"), 0);
  assert.deepEqual(terminal.sources[0]?.info.name, "backup.tar");
  assert.match(terminal.stderr.text, /^sending the standard input as backup\.tar$/m);
  const spoken = new FakeTerminal({ stdin: "bytes" });
  assert.equal(await spoken.run(...args, "My Backup.tar"), 0);
  assert.deepEqual(spoken.sources[0]?.info.name, "My Backup.tar");
  const person = new FakeTerminal({ stdin: "bytes" });
  assert.equal(await person.run(...args, "ann"), 0);
  assert.deepEqual(person.sources[0]?.info.name, "stdin");
});

test("send of folders and several files is one content, and what is left out is said", async () => {
  const terminal = new FakeTerminal();
  terminal.skipped = Array.from({ length: 7 }, (_, i) => ({
    path: `a/${i}\u001b[2J`,
    why: "link",
  }));
  assert.equal(await terminal.run("send", import.meta.dirname, FILE, "--to", "bob"), 0);
  assert.equal(terminal.sources[0]?.info.kind, "directory");
  assert.deepEqual(terminal.client.delivered[0]?.paths, [import.meta.dirname, FILE]);
  assert.match(terminal.stderr.text, /^left out 7 entries:\n {2}a\/0\\u\{1b\}\[2J \(link\)$/m);
  assert.match(terminal.stderr.text, /^ {2}and 2 more$/m);
});

test("send of a folder says at each progress which file is on its way", async () => {
  const terminal = new FakeTerminal();
  const file = (path: string, size: number) =>
    ({ kind: "file", path, size, mode: 0o644, modifiedMs: 0 }) as const;
  terminal.manifest = { entries: [file("a.bin", 100), file("b\u001b.bin", 400), file("c", 500)] };
  terminal.client.onDeliver = async (plan, { info }) => {
    const delivery = new FakeDelivery(plan, info);
    const good = goodEvents(1_000);
    delivery.events.push(...good.slice(0, 4), progress(0), progress(300), progress(1_000));
    delivery.events.push(good.at(-1)!);
    return delivery;
  };
  assert.equal(await terminal.run("send", import.meta.dirname, "--to", "bob", "--json"), 0);
  const told = terminal.events().filter(({ type }) => type === "progress");
  assert.deepEqual(
    told.map(({ file: number, files }) => [number, files]),
    [
      [1, 3],
      [2, 3],
      [3, 3],
    ],
  );
  assert.match(terminal.stderr.text, /: 30% of 1\.0 KB, file 2 of 3, key 1$/m);
});
