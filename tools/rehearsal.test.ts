import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync, watch } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";

test("rehearse() leaves nothing behind when a signal ends it", { timeout: 180_000 }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "postern-rehearsal-test-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  // Node keeps compiled code there as well.
  const places = (): string[] => readdirSync(folder).filter((name) => name.startsWith("postern-"));
  const began = once(watch(folder, { signal: t.signal }), "change");
  const script = `import(${JSON.stringify(join(import.meta.dirname, "rehearsal.ts"))})
    .then(({ rehearse }) => rehearse());`;
  const child = spawn(process.execPath, ["-e", script], {
    env: { ...process.env, TMPDIR: folder, TEMP: folder },
    stdio: "ignore",
  });
  await began;
  await once(watch(join(folder, places()[0]!), { signal: t.signal }), "change");
  child.kill("SIGTERM");
  const [, signal] = (await once(child, "exit")) as [number | null, string | null];
  assert.equal(signal, "SIGTERM");
  assert.deepEqual(places(), []);
});
