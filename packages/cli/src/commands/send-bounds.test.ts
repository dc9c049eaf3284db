/** What others chose, and what is too much: shown inert, refused before it is held. */
import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { test } from "node:test";
import { PosternError } from "@postern/core/errors";
import { MESSAGE_BYTES_MAX } from "@postern/core/limits";
import { FakeDelivery, FakeOffer, goodEvents } from "../../test/fake-client.ts";
import { FakeTerminal } from "../../test/fake-surroundings.ts";
import { until } from "../../test/until.ts";

const HOSTILE = "e\u001b]52;c;cm0=\u0007\u202e\u009b2Jve";
const OBEYED = ["\u0007", "\u001b", "\u009b", "\u202e"];
const FILE = import.meta.filename;

test("T-04 send --text - holds no more of an endless text than a message may have", async () => {
  const terminal = new FakeTerminal();
  terminal.connect = () => assert.fail("connected");
  const chunk = Buffer.alloc(65_536, "x");
  let given = 0;
  const endless = Readable.from(
    (function* () {
      for (;;) {
        given += chunk.length;
        yield chunk;
      }
    })(),
  );
  Object.assign(terminal.surroundings, { stdin: endless });
  assert.equal(await terminal.run("send", "--text", "-", "--to", "bob"), 2);
  assert.match(terminal.stderr.text, /^postern: the message is too long\n/);
  assert.ok(given < MESSAGE_BYTES_MAX + 64 * chunk.length, `${given} bytes were read`);
});

test("T-04 receive holds no more offers than it has places for, however many come", async () => {
  const terminal = new FakeTerminal();
  terminal.onCommand = async () => await new Promise(() => {});
  const args = ["receive", "--wait", "--accept", "all", "--capacity", "2", "--on-done", "x", "-q"];
  void terminal.run(...args);
  for (let i = 0; i < 1_000; i++) {
    const content = { kind: "message", name: "", size: 1 } as const;
    const id = String(i).padStart(32, "0");
    const offer = new FakeOffer("ann", content, new Uint8Array([120]), { id });
    terminal.client.offers.push({ type: "offer", offer });
  }
  await until(() => terminal.commands.length === 2);
  assert.equal(terminal.sinks.length, 2);
});

test("T-01 T-02 send shows names of receivers and files inert, also while it waits", async () => {
  const terminal = new FakeTerminal({ isTerminal: true, env: { NO_COLOR: "1" } });
  terminal.client.onDeliver = async (plan, { info }) => {
    const delivery = new FakeDelivery(plan, { ...info, name: `${HOSTILE}.bin` });
    Object.assign(delivery, { peer: { ...delivery.peer, name: HOSTILE } });
    const good = goodEvents(1_000);
    delivery.events.push(...good.slice(0, -1), {
      type: "waiting",
      for: "receiver",
      error: new PosternError("peer/gone", HOSTILE),
      inMs: 1_000,
    });
    delivery.events.push({ type: "accepted", offset: 10 }, ...good.slice(-1));
    return delivery;
  };
  assert.equal(await terminal.run("send", FILE, "--to", "bob"), 0);
  assert.match(terminal.stderr.text, /waiting for e\\u\{1b\}\]52.+ to come back/);
  // Ours, to redraw the line of progress.
  const shown = terminal.stderr.text.replaceAll("\u001b[K", "");
  for (const character of OBEYED) assert.ok(!shown.includes(character));
});
