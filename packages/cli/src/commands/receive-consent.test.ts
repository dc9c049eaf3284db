/** What a yes of the person of `postern receive` is good for, and what not. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { failed, FakeOffer } from "../../test/fake-client.ts";
import { FakeTerminal } from "../../test/fake-surroundings.ts";
import { Scripted } from "../../test/scripted-prompter.ts";
import { until } from "../../test/until.ts";

const NOTE = { directory: "/in", name: "a.bin", part: ".a.bin.part", bytes: 450, boot: "b" };
const CONTENT = { kind: "file", name: "a.bin", size: 1_000 } as const;

test("F-08 receive asks about another content under an id that was agreed to", async () => {
  for (const other of [
    { ...CONTENT, name: "evil.desktop" },
    { ...CONTENT, size: 1_001 },
    { ...CONTENT, kind: "stream" },
  ] as const) {
    const prompter = new Scripted(true, false);
    const terminal = new FakeTerminal({ isTerminal: true, prompter });
    const first = brokenOffer();
    terminal.client.offers.push({ type: "offer", offer: first });
    const running = terminal.run("receive");
    await until(() => terminal.stderr.text.includes("waiting for ann"));
    const second = new FakeOffer("ann", other, new Uint8Array(4));
    Object.assign(second, { contentId: first.contentId });
    terminal.client.offers.push({ type: "offer", offer: second });
    assert.equal(await second.decided.promise, "declined", JSON.stringify(other));
    assert.equal(prompter.asked.length, 2);
    terminal.process.emit("SIGINT");
    assert.equal(await running, 130);
  }
});

test("F-08 receive asks again about a content of which all that came was taken away", async () => {
  for (const answer of [true, false]) {
    const prompter = new Scripted(answer);
    const terminal = new FakeTerminal({ isTerminal: true, prompter });
    terminal.isPartGone = true;
    const offer = Object.assign(new FakeOffer("ann", CONTENT, new Uint8Array(4)), { note: NOTE });
    terminal.client.offers.push({ type: "offer", offer });
    const running = terminal.run("receive");
    assert.equal(await offer.decided.promise, answer ? "accepted" : "declined");
    assert.equal(prompter.asked.length, 1);
    assert.match(terminal.stderr.text, /^what was here of a\.bin is here no more$/m);
    assert.equal(terminal.sinks[0]?.isAbandoned, !answer);
    terminal.process.emit("SIGINT");
    await running;
  }
});

test("F-11 receive looks for room where what was begun is, and lets go of what has none", async () => {
  const content = { kind: "directory", name: "photos", size: 1_000 } as const;
  for (const [full, decided] of [
    [".", "accepted"],
    ["/begun", "declined"],
  ] as const) {
    const terminal = new FakeTerminal();
    terminal.freeSpaceAt = (directory) => (directory === full ? 999 : 1_000);
    const offer = new FakeOffer("ann", content, new Uint8Array(4));
    offer.note = { ...NOTE, directory: "/begun", name: "photos", bytes: 0 };
    terminal.client.offers.push({ type: "offer", offer });
    const running = terminal.run("receive", "--accept", "all", "--once");
    assert.equal(await offer.decided.promise, decided);
    assert.equal(await running, decided === "accepted" ? 0 : 1);
    assert.equal(terminal.sinks[0]?.isAbandoned, decided === "declined");
  }
});

/** Its sender goes before anything of it has come. */
function brokenOffer(): FakeOffer {
  const offer = new FakeOffer("ann", CONTENT, new Uint8Array(0));
  offer.accept = (sink) => {
    offer.decided.resolve("accepted");
    void sink.abandon().then(() => offer.transfer.events.push(failed("peer/gone")));
    return offer.transfer;
  };
  return offer;
}
