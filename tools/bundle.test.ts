import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { hash } from "node:crypto";
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { runInThisContext } from "node:vm";
import { asScript, withLazyRequires } from "./chunk-text.ts";

test("bundle.ts lets an installation without the bundler go on, from the sources", (t) => {
  const root = mkdtempSync(join(tmpdir(), "postern-bundle-"));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  const files = ["bundle.ts", "chunk-text.ts", "rehearsal.ts", "replace-folder.ts", "sources.ts"];
  for (const file of files) cpSync(join(import.meta.dirname, file), join(root, "tools", file));
  const { status, stderr } = spawnSync(process.execPath, [join(root, "tools/bundle.ts")], {
    encoding: "utf8",
  });
  assert.equal(status, 0, stderr);
  assert.match(stderr, /runs from its sources/);
  assert.equal(existsSync(join(root, "packages/cli/dist")), false);
});

const BUNDLE = join(import.meta.dirname, "../packages/cli/dist");
const skip = !existsSync(BUNDLE) && "no bundle was made";

test(
  "the bundle is of scripts that keep the names, and loads modules when it uses them",
  { skip },
  () => {
    const files = readdirSync(BUNDLE).filter((name) => name.endsWith(".cjs"));
    const texts = files.map((name) => readFileSync(join(BUNDLE, name), "utf8"));
    for (const text of texts) assert.match(text, /^[\0-\x7f]+$/);
    assert.ok(texts.some((text) => /\bSendPump ?= ?class\b/u.test(text)));
    const main = readFileSync(join(BUNDLE, "main.cjs"), "utf8");
    assert.doesNotMatch(main, /(?<!\?\?=)require\("(?:node:child_process|\.\/pairing\.cjs)"\)/);
  },
);

test("the bundle was rehearsed: the code of a transfer is kept", { skip }, () => {
  const text = readFileSync(join(BUNDLE, "main.cjs"));
  const kept = readFileSync(join(BUNDLE, "main.cjs.code"));
  const digests = [text, kept.subarray(64)].map((bytes) => hash("sha256", bytes, "buffer"));
  assert.deepEqual(kept.subarray(0, 64), Buffer.concat(digests));
});

test("withLazyRequires() asks for a module where it is used, a default import's as well", () => {
  const code = [
    'const require_ends = require("./ends.cjs");',
    'let node_process = require("node:process");',
    "node_process = require_ends.n(node_process, 1);",
    "const end = () => new require_ends.End(node_process.default.pid);",
    "",
  ].join("\n");
  const requires = [
    "let require_ends_;",
    'const require_ends$ = () => require_ends_ ??= require("./ends.cjs");',
    "let node_process_;",
    'const node_process$ = () => node_process_ ??= require("node:process");',
    "const end = () => new (require_ends$()).End((node_process$()).pid);",
    "",
  ].join("\n");
  assert.equal(withLazyRequires(code), requires);
});

test("asScript() makes a script and a module of the same function, in ASCII", () => {
  const text = asScript("exports.said = `\u2026 ${__filename}`;");
  assert.match(text, /^[\0-\x7f]+$/);
  const body: unknown = runInThisContext(text);
  assert.ok(typeof body === "function");
  const exports: { said?: string } = {};
  body(exports, undefined, undefined, "main.cjs");
  assert.equal(exports.said, "\u2026 main.cjs");
});
