import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { FakeTransfer, goodEvents } from "../test/fake-client.ts";
import { FakeTerminal } from "../test/fake-surroundings.ts";

const FILE = import.meta.filename;
const RECEIPT = '{"signed":"twice"}';

async function newFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "postern-receipt-"));
  t.after(async () => await rm(folder, { recursive: true, force: true }));
  return folder;
}

/** @param meanwhile happens when the transfer is under way */
function terminalWithReceipt(meanwhile?: () => Promise<void>): FakeTerminal {
  const terminal = new FakeTerminal();
  terminal.client.onSend = async ({ to, content }) => {
    await meanwhile?.();
    const transfer = new FakeTransfer(to, content.info);
    for (const event of goodEvents(4))
      transfer.events.push(
        event.type === "done"
          ? { ...event, receipt: { ...event.receipt, signed: RECEIPT } }
          : event,
      );
    return transfer;
  };
  return terminal;
}

test("send --receipt keeps the signed receipt where it is told to", async (t) => {
  const file = join(await newFolder(t), "r.json");
  const terminal = terminalWithReceipt();
  assert.equal(await terminal.run("send", FILE, "--to", "bob", "--receipt", file), 0);
  assert.equal(await readFile(file, "utf8"), RECEIPT);
  assert.match(terminal.stderr.text, /^signed receipt in .+r\.json: postern verify checks it$/m);
});

test("send does not begin when its receipt could not be kept", async (t) => {
  const folder = await newFolder(t);
  const taken = join(folder, "taken.json");
  await writeFile(taken, "mine");
  const cases = { [taken]: "exists already", [join(folder, "no", "r.json")]: "cannot be written" };
  for (const [file, what] of Object.entries(cases)) {
    const terminal = terminalWithReceipt();
    assert.equal(await terminal.run("send", FILE, "--to", "bob", "--receipt", file), 1);
    assert.ok(terminal.stderr.text.includes(`postern: ${file} ${what}`), terminal.stderr.text);
    assert.match(terminal.stderr.text, /^ {2}why: .+ nothing was sent$/m);
    assert.deepEqual(terminal.client.sent, []);
  }
  assert.equal(await readFile(taken, "utf8"), "mine");
  assert.deepEqual(await readdir(folder), ["taken.json"]);
});

test("a receipt whose place is taken meanwhile is shown, and the delivery is not denied", async (t) => {
  const file = join(await newFolder(t), "r.json");
  const terminal = terminalWithReceipt(async () => await writeFile(file, "mine"));
  assert.equal(await terminal.run("send", FILE, "--to", "bob", "--receipt", file), 1);
  assert.equal(await readFile(file, "utf8"), "mine");
  assert.equal(terminal.stdout.text, `${RECEIPT}\n`);
  assert.match(terminal.stderr.text, /^delivered .+ to bob: /m);
  assert.match(
    terminal.stderr.text,
    /^postern: everything was delivered, but its receipt could not/m,
  );
});
