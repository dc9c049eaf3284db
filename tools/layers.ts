/**
 * Who may import whom, by room. `layers.test.ts` holds every file to it; ARCHITECTURE.md shows it.
 * That the relay cannot read an end-to-end transfer is a line of this table.
 *
 * @module
 */
export interface Room {
  readonly name: string;
  /** Files and folders (ending in `/`) of the room. The longest that fits a file decides. */
  readonly paths: readonly string[];
  /** Rooms it may import beside itself. */
  readonly imports: readonly string[];
  /** Packages it may import, and `node:*`. */
  readonly outside: readonly string[];
}

/** Each may import those before it. */
const CORE_ROOMS = [
  "core",
  "core/bytes",
  "core/crypto",
  "core/identity",
  "core/link",
  "core/exchange/relay-half",
  "core/session",
  "core/exchange",
  "core/transfer",
  "core/pairing",
  "core/peer",
];

/** Folders of a room that stand beside its door, not under it. */
const FOLDERS_ELSEWHERE: Readonly<Record<string, readonly string[]>> = {
  "core/exchange/relay-half": ["packages/core/src/exchange/relay-auth/"],
};

const NOBLE = ["@noble/ciphers", "@noble/curves", "@noble/hashes", "@noble/post-quantum"];
/** Only `core/crypto` has cryptography from outside; `core/pairing` has its list of words. */
const OUTSIDE_OF_CORE: Readonly<Record<string, readonly string[]>> = {
  "core/crypto": NOBLE,
  "core/pairing": ["@scure/bip39"],
};
/** All that the relay may know of the core: nothing of sessions, content or end-to-end keys. */
const CORE_FOR_RELAY = [
  "core",
  "core/bytes",
  "core/crypto",
  "core/identity",
  "core/link",
  "core/exchange/relay-half",
];
const PROGRAMS = ["node", "relay", "client", "client/node", "cli"];

export const ROOMS: readonly Room[] = [
  ...CORE_ROOMS.map(coreRoom),
  room("node", ["packages/node/src/"], CORE_ROOMS, ["node:*"]),
  room("relay", ["packages/relay/src/"], [...CORE_FOR_RELAY, "node"], ["node:*", "pino"]),
  room("client", ["packages/client/src/"], CORE_ROOMS, []),
  room(
    "client/node",
    ["packages/client/src/node.ts", "packages/client/src/node/"],
    [...CORE_ROOMS, "node", "client"],
    ["node:*"],
  ),
  room(
    "cli",
    ["packages/cli/src/", "packages/cli/bin/"],
    ["core", "core/bytes", "core/identity", "core/pairing", "client", "client/node", "relay"],
    ["node:*", "@bomb.sh/tab", "@clack/prompts", "commander", "uqr"],
  ),
  room("sim", ["sim/"], [...CORE_ROOMS, "node", "relay"], ["node:*"]),
  room("tools", ["tools/"], [], ["node:*", "rolldown"]),
  ...["bench", "e2e"].map((name) =>
    room(name, [`${name}/`], [...CORE_ROOMS, ...PROGRAMS, "sim", "tools"], ["node:*"]),
  ),
];

/** What tests may use wherever they stand. */
export const OUTSIDE_FOR_TESTS = ["node:*", "fast-check", ...NOBLE];

export function roomOf(path: string): Room | undefined {
  let best: Room | undefined;
  let bestLength = 0;
  for (const candidate of ROOMS)
    for (const prefix of candidate.paths)
      if (fits(path, prefix) && prefix.length > bestLength) {
        best = candidate;
        bestLength = prefix.length;
      }
  return best;
}

/** The table as ARCHITECTURE.md carries it between `<!-- layers -->` and `<!-- /layers -->`. */
export function renderLayers(): string {
  const rows = ROOMS.map((each) => {
    return `| ${code(each.name)} | ${shortened(each)} | ${each.outside.map(code).join(", ")} |`;
  });
  return ["| room | may import | from outside |", "| --- | --- | --- |", ...rows].join("\n");
}

function coreRoom(name: string, index: number): Room {
  const at = `packages/core/src/${name.slice("core/".length)}`;
  const paths =
    name === "core"
      ? ["errors", "limits", "time"].map(coreFile)
      : [`${at}.ts`, `${at}/`, ...(FOLDERS_ELSEWHERE[name] ?? [])];
  return room(name, paths, CORE_ROOMS.slice(0, index), OUTSIDE_OF_CORE[name] ?? []);
}

function coreFile(name: string): string {
  return `packages/core/src/${name}.ts`;
}

function room(
  name: string,
  paths: readonly string[],
  imports: readonly string[],
  outside: readonly string[],
): Room {
  return { name, paths, imports, outside };
}

function fits(path: string, prefix: string): boolean {
  return prefix.endsWith("/") ? path.startsWith(prefix) : path === prefix;
}

/** A row of ten names says no more than "above". */
function shortened(each: Room): string {
  if (CORE_ROOMS.indexOf(each.name) > 0) return "all above";
  const whole = CORE_ROOMS.every((name) => each.imports.includes(name));
  const others = each.imports.filter((name) => !CORE_ROOMS.includes(name));
  return (whole ? ["core/*", ...others] : each.imports).map(code).join(", ");
}

function code(text: string): string {
  return `\`${text}\``;
}
