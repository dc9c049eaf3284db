/**
 * The house rules that a look at one file can check. Each rule returns its offences as sentences;
 * `tidy.test.ts` runs them over the tree and proves that each catches what it names.
 *
 * @module
 */
import { stripTypeScriptTypes } from "node:module";

import { isTest } from "./sources.ts";

export const LINES_MAX = 400;
export const FUNCTION_LINES_MAX = 70;
export const COLUMNS_MAX = 100;
/** Documents have no indentation. */
export const PROSE_COLUMNS_MAX = 110;

export interface Rule {
  readonly name: string;
  readonly applies: (path: string) => boolean;
  /** What is wrong, one short text each. */
  readonly offences: (text: string, path: string) => readonly string[];
}

export const RULES: readonly Rule[] = [
  { name: `at most ${LINES_MAX} lines a file`, applies: isProse, offences: tooManyLines },
  { name: "lines that fit beside another window", applies: isProse, offences: tooWide },
  {
    name: `at most ${FUNCTION_LINES_MAX} lines a function`,
    // A test file's `describe` is no function that somebody has to hold in the head.
    applies: (path) => isTypeScript(path) && !isTest(path),
    offences: longFunctions,
  },
  { name: "no way around the types", applies: isSource, offences: escapes },
  { name: "named exports only", applies: isTypeScript, offences: starExports },
  { name: "a file is named after what is in it", applies: isTypeScript, offences: vagueName },
  { name: "a core without clock, chance and platform", applies: isCore, offences: bannedInCore },
  { name: "no path or host of one machine", applies: () => true, offences: machinePaths },
  { name: "exact versions", applies: isManifest, offences: loosePins },
  { name: "a lock that names no host", applies: isLock, offences: lockedHosts },
  { name: "TypeScript in documents parses", applies: isMarkdown, offences: brokenFences },
];

function tooManyLines(text: string): string[] {
  const lines = text.trimEnd().split("\n").length;
  return lines > LINES_MAX ? [`${lines} lines`] : [];
}

/** Tables and links cannot be broken, nor a sentence or a pattern that is one long literal. */
function tooWide(text: string, path: string): string[] {
  const max = isMarkdown(path) ? PROSE_COLUMNS_MAX : COLUMNS_MAX;
  return everyLine(text, (line) => {
    if (isMarkdown(path) && (line.startsWith("|") || line.includes("://"))) return undefined;
    const columns = Array.from(line).length;
    const unbreakable = /"[^"]{50,}"|`[^`]{50,}`|(?<= )\/[^/*].{50,}\//.test(line);
    return columns > max && !unbreakable ? `${columns} columns` : undefined;
  });
}

/** The formatter aligns a function's last brace with its first word; that is all this needs. */
function longFunctions(text: string): string[] {
  const lines = text.split("\n");
  return lines.flatMap((line, start) => {
    if (!FUNCTION_STARTS.some((pattern) => pattern.test(line))) return [];
    const length = endOfBlock(lines, start) - start + 1;
    return length > FUNCTION_LINES_MAX ? [`line ${start + 1}: a function of ${length} lines`] : [];
  });
}

const FUNCTION_STARTS = [
  /^\s*(?:export )?(?:async )?function\b.*[{(]$/,
  /^\s*(?:export )?const .*=> [{(]$/,
  /^\s+(?:(?:static|async|override|get|set) )*\*?#?(?!if|for|while|switch|catch)\w+\(.*[{(]$/,
];

/** The line that closes what `start` opens. One that ends in `{` only closes the parameters. */
function endOfBlock(lines: readonly string[], start: number): number {
  const indent = /^\s*/.exec(lines[start] ?? "")?.[0] ?? "";
  const closes = (line: string) =>
    (line.startsWith(`${indent}}`) || line.startsWith(`${indent})`)) && !line.endsWith("{");
  const end = lines.findIndex((line, at) => at > start && closes(line));
  return end === -1 ? start : end;
}

function escapes(text: string): string[] {
  return everyLine(
    withoutComments(text),
    (line) => /(?:[:<|&,(=]|\bas|\bextends) ?any\b|\bas unknown as\b/.exec(line)?.[0],
  ).concat(everyLine(text, (line) => /@ts-(?:ignore|expect-error|nocheck)/.exec(line)?.[0]));
}

function starExports(text: string): string[] {
  return everyLine(text, (line) => /^export (?:type )?\*/.exec(line)?.[0]);
}

/** A workspace's own door may be `src/index.ts`; a room's door stands beside its folder. */
function vagueName(_text: string, path: string): string[] {
  if (/^(?:packages\/[^/]+\/src|[^/]+)\/index\.ts$/.test(path)) return [];
  const name = path.slice(path.lastIndexOf("/") + 1).replace(/(?:\.process)?(?:\.test)?\.ts$/, "");
  const vague = [
    "index",
    "utils",
    "util",
    "helpers",
    "helper",
    "common",
    "misc",
    "types",
    "shared",
  ];
  return vague.includes(name) ? [`the name ${name}.ts says nothing`] : [];
}

function bannedInCore(text: string): string[] {
  const banned = [
    /\bDate\.now\b|\bnew Date\b/,
    /\bMath\.random\b/,
    /\bperformance\s*[.[]/,
    /\b(?:setTimeout|setInterval|setImmediate|queueMicrotask)\b/,
    /\bprocess\s*[.[]/,
    /\bBuffer\b/,
    /\bconsole\s*[.[]/,
    /\bglobalThis\b/,
    /["']node:/,
  ];
  return everyLine(withoutComments(text), (line) =>
    banned.map((pattern) => pattern.exec(line)?.[0]).find((found) => found !== undefined),
  );
}

const MACHINE_PATH = pathBelow(["root", "work", "farm"]);
const EXAMPLE_PATH = pathBelow(["home", "Users", "tmp"]);
const REGISTRY = new RegExp(["registry", "npmjs"].join("\\."));

function machinePaths(text: string, path: string): string[] {
  return everyLine(text, (line) => {
    const example = isTest(path) ? undefined : EXAMPLE_PATH.exec(line)?.[0];
    return MACHINE_PATH.exec(line)?.[0] ?? example ?? REGISTRY.exec(line)?.[0];
  });
}

function pathBelow(folders: readonly string[]): RegExp {
  return new RegExp(`(?<![\\w.~*$})-])/(?:${folders.join("|")})/\\w`);
}

function loosePins(text: string): string[] {
  const manifest = JSON.parse(text) as Readonly<Record<string, unknown>>;
  const groups = ["dependencies", "devDependencies", "optionalDependencies", "peerDependencies"];
  return groups.flatMap((group) =>
    Object.entries((manifest[group] ?? {}) as Readonly<Record<string, string>>)
      .filter(([, version]) => !/^\d+\.\d+\.\d+(?:-[\w.]+)?$/.test(version))
      .map(([name, version]) => `${name} ${version}`),
  );
}

function lockedHosts(text: string): string[] {
  return everyLine(text, (line) => /"resolved": "\w+:\/\//.exec(line)?.[0]);
}

function brokenFences(text: string): string[] {
  return [...text.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].flatMap((match) => {
    try {
      stripTypeScriptTypes(match[1] ?? "");
      return [];
    } catch (error) {
      const line = text.slice(0, match.index).split("\n").length;
      return [`line ${line}: ${error instanceof Error ? error.message : String(error)}`];
    }
  });
}

/** Good for formatted code: a comment has a line of its own or ends one. */
function withoutComments(text: string): string {
  return text
    .split("\n")
    .map((line) => (/^\s*(?:\/\/|\/?\*)/.test(line) ? "" : line.replace(/\s\/\/ .*$/, "")))
    .join("\n");
}

function everyLine(text: string, find: (line: string) => string | undefined): string[] {
  return text.split("\n").flatMap((line, at) => {
    const found = find(line);
    return found === undefined ? [] : [`line ${at + 1}: ${found.trim()}`];
  });
}

function isTypeScript(path: string): boolean {
  return path.endsWith(".ts");
}

function isSource(path: string): boolean {
  return /^packages\/[^/]+\/src\/.*\.ts$/.test(path);
}

function isCore(path: string): boolean {
  return path.startsWith("packages/core/src/") && !isTest(path);
}

/** What people write and read by the line. */
function isProse(path: string): boolean {
  return /\.(?:ts|js|md|sh)$/.test(path) || path === ".ci/run";
}

function isMarkdown(path: string): boolean {
  return path.endsWith(".md");
}

function isManifest(path: string): boolean {
  return path === "package.json" || path.endsWith("/package.json");
}

function isLock(path: string): boolean {
  return path === "package-lock.json";
}
