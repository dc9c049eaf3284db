import assert from "node:assert/strict";
import { test } from "node:test";

import { listFiles, readText } from "./sources.ts";
import {
  COLUMNS_MAX,
  FUNCTION_LINES_MAX,
  LINES_MAX,
  PROSE_COLUMNS_MAX,
  RULES,
} from "./tidy-rules.ts";

const FILES = listFiles().map((path) => ({ path, text: readText(path) }));

for (const rule of RULES)
  test(`the tree keeps the rule: ${rule.name}`, () => {
    const offences = FILES.filter(({ path }) => rule.applies(path)).flatMap(({ path, text }) =>
      rule.offences(text, path).map((offence) => `${path}: ${offence}`),
    );
    assert.deepEqual(offences, []);
  });

test("the rules look at files", () => {
  for (const path of ["packages/core/src/limits.ts", "docs/protocol.md", "package.json"])
    assert.ok(
      FILES.some((file) => file.path === path),
      path,
    );
});

const CORE = "packages/core/src/link/frames.ts";
const LONG = "  x();\n".repeat(FUNCTION_LINES_MAX - 1);
const MACHINE = ["", "root", "project"].join("/");
const SCRATCH = ["", "tmp", "x"].join("/");

/** Each text must be refused at this path, by exactly one rule. */
const REFUSED: readonly (readonly [string, string])[] = [
  ["a.ts", "x();\n".repeat(LINES_MAX + 1)],
  ["a.ts", "x ".repeat(COLUMNS_MAX / 2) + "x"],
  ["a.ts", `/** ${"x ".repeat(COLUMNS_MAX / 2)}*/`],
  ["docs/a.md", "x ".repeat(PROSE_COLUMNS_MAX / 2) + "x"],
  ["a.ts", `export function long(\n  a: number,\n): void {\n${LONG}}\n`],
  ["a.ts", `class A {\n  async #long(a: number): Promise<void> {\n  ${LONG}  }\n}\n`],
  ["a.ts", `export const long = (a: number): void => {\n${LONG}};\n`],
  [CORE, "const a: any = 1;"],
  [CORE, "const a: any[] = [];"],
  [CORE, "const a = b as any;"],
  [CORE, "const a: Map<string, any> = b;"],
  [CORE, "const a = b as unknown as string;"],
  [CORE, "// @ts-expect-error wrong"],
  ["a.ts", 'export * from "./b.ts";'],
  ["a.ts", 'export type * from "./b.ts";'],
  ["packages/core/src/link/index.ts", ""],
  ["packages/core/src/utils.ts", ""],
  ["packages/core/src/link/helpers.test.ts", ""],
  ["sim/src/types.ts", ""],
  [CORE, "const now = Date.now();"],
  [CORE, "const now = new Date();"],
  [CORE, "Math.random();"],
  [CORE, "performance.now();"],
  [CORE, "setTimeout(f, 1); // soon"],
  [CORE, "setInterval(f, 1);"],
  [CORE, "process.exit();"],
  [CORE, "const a = Buffer.alloc(1);"],
  [CORE, "console.log(1);"],
  [CORE, 'import { connect } from "node:net";'],
  ["README.md", `see ${MACHINE}/notes`],
  ["a.test.ts", `open("${MACHINE}/notes");`],
  ["a.ts", `open("${SCRATCH}");`],
  [".npmrc", ["registry=https://registry", "npmjs", "org"].join(".")],
  ["packages/core/package.json", '{ "dependencies": { "a": "^1.0.0" } }'],
  ["package.json", '{ "devDependencies": { "a": "latest" } }'],
  ["package-lock.json", '"resolved": "https://example.org/a.tgz"'],
  ["docs/a.md", "```ts\nconst a: = 1;\n```\n"],
];

for (const [path, text] of REFUSED)
  test(`tidy refuses in ${path}: ${JSON.stringify(text.slice(0, 50))}`, () => {
    assert.equal(rulesAgainst(path, text).length, 1, String(rulesAgainst(path, text)));
  });

/** Near misses. */
const ALLOWED: readonly (readonly [string, string])[] = [
  ["a.ts", "x();\n".repeat(LINES_MAX)],
  ["docs/a.md", `| ${"x ".repeat(COLUMNS_MAX)} |`],
  ["a.ts", `const PATTERN = /${"x ".repeat(COLUMNS_MAX / 2)}/u;`],
  ["a.test.ts", `test("${"x ".repeat(COLUMNS_MAX / 2)}", async () => {});`],
  ["a.ts", `function short(): void {\n${"  x();\n".repeat(FUNCTION_LINES_MAX - 2)}}\n`],
  ["a.ts", `test(\n  "name",\n);\n${"x();\n".repeat(FUNCTION_LINES_MAX)}function f() {\n}\n`],
  ["a.test.ts", `describe("all", () => {\n${LONG}});\n`],
  [CORE, "/** Any clock, such as Date.now(), is the driver's. */"],
  [CORE, "const company: Company = many as Company;"],
  ["packages/core/src/link/frames.test.ts", "const b = Buffer.alloc(1);"],
  ["packages/relay/src/index.ts", ""],
  ["packages/relay/src/relay.ts", "const now = Date.now();"],
  ["a.test.ts", `open("${SCRATCH}");`],
  ["README.md", `https://example.org${MACHINE}`],
  ["packages/core/package.json", '{ "dependencies": { "a": "1.0.0", "b": "2.0.0-beta.1" } }'],
  ["package-lock.json", '"resolved": "packages/cli"'],
  ["docs/a.md", '```ts\nimport { a } from "a";\nconst b: number = await a();\n```\n'],
];

for (const [path, text] of ALLOWED)
  test(`tidy allows in ${path}: ${JSON.stringify(text.slice(0, 50))}`, () => {
    assert.deepEqual(rulesAgainst(path, text), []);
  });

function rulesAgainst(path: string, text: string): string[] {
  return RULES.filter((rule) => rule.applies(path) && rule.offences(text, path).length > 0).map(
    (rule) => rule.name,
  );
}
