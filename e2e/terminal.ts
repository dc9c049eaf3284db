/**
 * A terminal with a shell and `postern` in it, by tmux: keys go in, the screen comes out.
 *
 * @module
 */
import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { setTimeout as wait } from "node:timers/promises";
import { promisify } from "node:util";
import { BIN } from "./program.ts";
import type { Owner, RelayProgram, Scene } from "./scene.ts";

const run = promisify(execFile);
const WAIT_MS = 60_000;
const POLL_MS = 15;

export class Terminal {
  readonly #tmux: (...args: string[]) => Promise<string>;
  #asked = 0;

  /** A shell in `cwd` for one person; `postern` finds relay, name and home in its environment. */
  static async open(
    owner: Owner,
    scene: Scene,
    who: string,
    { relay, cwd }: { readonly relay: RelayProgram; readonly cwd: string },
  ): Promise<Terminal> {
    const bin = await scene.newFolder("bin");
    const launcher = join(bin, "postern");
    await writeFile(launcher, `#!/bin/sh\nexec "${process.execPath}" "${BIN}" "$@"\n`, {
      mode: 0o755,
    });
    const base = scene.environment();
    const env = {
      ...base,
      PATH: `${bin}:${base["PATH"]}`,
      // A socket of its own: a tmux that a person runs is left alone.
      TMUX_TMPDIR: scene.folder,
      NO_COLOR: "1",
      POSTERN_RELAY: relay.hostPort,
      POSTERN_NAME: who,
      POSTERN_HOME: scene.home(who),
    };
    const tmux = async (...args: string[]): Promise<string> => {
      const { stdout } = await run("tmux", ["-L", who, "-f", "/dev/null", ...args], { env, cwd });
      return stdout;
    };
    // Shells choose their own prompt, and another one for root, unless they find one.
    await tmux("new-session", "-d", "-x", "100", "-y", "50", "env", "PS1=$ ", "sh");
    owner.after(async () => void (await tmux("kill-server").catch(() => {})));
    const terminal = new Terminal(tmux);
    await terminal.#until(isPrompting, "its prompt");
    return terminal;
  }

  private constructor(tmux: (...args: string[]) => Promise<string>) {
    this.#tmux = tmux;
  }

  /** What stands on it and above it, without blanks at the ends of lines. */
  async text(): Promise<string> {
    const captured = await this.#tmux("capture-pane", "-p", "-J", "-S", "-");
    return captured.replace(/[ \t]+$/gm, "").trimEnd();
  }

  async type(text: string): Promise<void> {
    await this.#tmux("send-keys", "-l", "--", text);
  }

  /** `Enter`, `Down`, `C-c`, ... */
  async press(...keys: string[]): Promise<void> {
    await this.#tmux("send-keys", ...keys);
  }

  /** Types a line and Enter. A prompt that is waited for after it is a later one. */
  async enter(line: string): Promise<void> {
    const before = await this.text();
    await this.type(line);
    await this.press("Enter");
    if (isPrompting(before)) await this.#until((text) => text !== before, "what was typed");
  }

  /** When `what` stands there `times` times. Returns all of the text. */
  async shows(what: string, times = 1): Promise<string> {
    return await this.#until((text) => text.split(what).length > times, `${what} x ${times}`);
  }

  /** When something of this form stands there. Returns all of the text. */
  async matches(form: RegExp): Promise<string> {
    return await this.#until((text) => form.test(text), String(form));
  }

  /** When the shell waits for the next line. Returns all of the text. */
  async prompts(): Promise<string> {
    return await this.#until(isPrompting, "a prompt");
  }

  /** Of the last command, which has ended. */
  async exitCode(): Promise<number> {
    await this.prompts();
    const question = `exit code ${++this.#asked}:`;
    await this.enter(`echo "${question} $?"`);
    const answer = new RegExp(`^${question} (\\d+)\\n\\$$`, "m");
    return Number(answer.exec(await this.#until((text) => answer.test(text), question))?.[1]);
  }

  async #until(fits: (text: string) => boolean, wanted: string): Promise<string> {
    const deadline = performance.now() + WAIT_MS;
    for (;;) {
      const text = await this.text();
      if (fits(text)) return text;
      if (performance.now() > deadline)
        throw new Error(`the terminal does not show ${wanted} but:\n${text}`);
      await wait(POLL_MS);
    }
  }
}

/** The shell waits for a line, and nothing is typed yet. */
function isPrompting(text: string): boolean {
  return text === "$" || text.endsWith("\n$");
}
