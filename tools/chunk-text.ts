/**
 * Makes a bundled chunk into what `packages/cli/bin/run-bundle.js` runs: a script of ASCII whose
 * value is a function of `exports`, `require` and so on; as a module it exports this function.
 *
 * @module
 */

/** `let node_path = require("node:path");`, and what makes a default import of it. */
const REQUIRED = /^(?:let|const) (\w+) = require\("([^"]+)"\);\n(?:\1 = [\w.$]+\(\1, 1\);\n)?/gmu;

/**
 * Loads what a chunk requires when it is first used: hardly a command uses all of it, and each of
 * Node's modules costs a millisecond or ten.
 */
export function withLazyRequires(code: string): string {
  const names: string[] = [];
  const declared = code.replaceAll(REQUIRED, (_all, name: string, id: string) => {
    names.push(name);
    return `let ${name}_;\nconst ${name}$ = () => ${name}_ ??= require("${id}");\n`;
  });
  return names.reduce(
    // The default export of a module of Node's is the module.
    (text, name) =>
      text.replaceAll(new RegExp(`\\b${name}\\b(?:\\.default\\b)?(?![$])`, "gu"), `(${name}$())`),
    declared,
  );
}

export function asScript(code: string): string {
  const body = `(function (exports, require, module, __filename, __dirname) {${inAscii(code)}\n})`;
  return `(typeof module === "object" ? module : {}).exports = ${body};\n`;
}

/** Only literals hold anything else. A text of one byte a character takes half the memory. */
function inAscii(code: string): string {
  return code.replaceAll(
    /[^\0-\x7f]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
