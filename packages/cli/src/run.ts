/** One call of `postern`: from arguments to an exit code. @module */
import { CommanderError, type Command } from "commander";
import { EXIT, type ExitCode } from "./exit-codes.ts";
import { buildProgram, UnknownCommand, type ProgramOptions } from "./program.ts";
import type { Surroundings } from "./surroundings.ts";
import { safeJson, safeText } from "./terminal/safe-text.ts";

/** @param args without the program's own name */
export async function run(args: readonly string[], surroundings: Surroundings): Promise<ExitCode> {
  const exitCode = await parse(args, surroundings, { hasRolePlay: true });
  return exitCode ?? (await parse(args, surroundings, { hasRolePlay: false })) ?? EXIT.usage;
}

/** `undefined` when the command is unknown and another look will say so. */
async function parse(
  args: readonly string[],
  surroundings: Surroundings,
  options: ProgramOptions,
): Promise<ExitCode | undefined> {
  const [asked] = args;
  const program = buildProgram(surroundings, { ...options, asked });
  const { root } = program;
  await addCompletion(root, asked === "complete");
  styleErrors(root, args, surroundings);
  try {
    await root.parseAsync(args, { from: "user" });
    return program.exitCode();
  } catch (error) {
    if (error instanceof UnknownCommand) return undefined;
    if (!(error instanceof CommanderError)) throw error;
    // Help and version that were asked for end with 0, all other ends are about the arguments.
    return error.exitCode === 0 ? EXIT.done : EXIT.usage;
  }
}

/** Loaded only to be used: every other start is faster without it. */
async function addCompletion(root: Command, isUsed: boolean): Promise<void> {
  if (isUsed) {
    const { default: tab } = await import("@bomb.sh/tab/commander");
    tab(root);
    return;
  }
  root
    .command("complete")
    .summary("shell completion: bash, zsh, fish, powershell")
    .description("Prints a completion script: source <(postern complete bash)")
    .argument("<shell>", "bash, zsh, fish or powershell");
}

function styleErrors(root: Command, args: readonly string[], surroundings: Surroundings): void {
  const { stdout, stderr } = surroundings;
  const explain = (text: string): void => {
    const [what = "", ...rest] = text
      .trim()
      .replace(/^error: /, "")
      .split("\n");
    const why = rest.join(" ").replace(/^\(|\)$/g, "") || "the command line is not understood";
    const next = `see "postern${helpFor(root, args)} --help"`;
    stderr.write(
      `postern: ${safeText(what.replace(/\.$/, ""))}\n  why:  ${safeText(why)}\n  next: ${next}\n`,
    );
    if (args.includes("--json"))
      stdout.write(`${safeJson({ type: "error", code: "usage/invalid-argument" })}\n`);
  };
  for (const command of withDescendants(root))
    command.exitOverride().configureOutput({
      writeOut: (text) => void stdout.write(text),
      writeErr: (text) => void stderr.write(text),
      getOutHelpWidth: () => stdout.columns || 100,
      getErrHelpWidth: () => stderr.columns || 100,
      outputError: explain,
    });
}

function withDescendants(command: Command): Command[] {
  return [command, ...command.commands.flatMap(withDescendants)];
}

/** ` contacts show`: the command that the arguments lead to. */
function helpFor(root: Command, args: readonly string[]): string {
  const command = root.commands.find((known) => args.includes(known.name()));
  return command === undefined ? "" : ` ${command.name()}${helpFor(command, args)}`;
}
