/**
 * An sshd of our own on loopback, aes128-gcm: keys made for one comparison alone, no configuration
 * of the person or the machine is read.
 *
 * @module
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { chmod, copyFile, writeFile } from "node:fs/promises";
import { userInfo } from "node:os";
import { join } from "node:path";

import { hasProgram } from "../../../tools/programs.ts";
import { startMeasured, type MeasuredProcess, type Usage } from "../measure/measured-process.ts";
import { freePort } from "../measure/ports.ts";
import { removePlacesWith } from "../measure/endings.ts";
import { listening, untilAllEnded } from "../measure/together.ts";
import type { FileRun } from "./file-contender.ts";

export const SSH_CIPHER = "aes128-gcm@openssh.com";
/** sshd insists on its absolute path. */
const SSHD = "/usr/sbin/sshd";
/** What sshd of root wants to be there. */
const SEPARATION_FOLDER = "/run/sshd";
/** A file for each benchmark that uses the folder which one of them has made. */
const MARK = "postern-bench-";
/** For `ssh-keygen`: a program of this name may be another one. */
const KEYGEN_MS = 20_000;

export function sshAbsence(client: "scp" | "ssh"): string | undefined {
  if (!hasProgram(client) || !hasProgram("ssh-keygen")) return `${client} is not installed`;
  return existsSync(SSHD) ? undefined : "sshd is not installed";
}

export class OwnSshd {
  #folder = "";

  /** Keeps its keys and configuration in a folder. */
  async prepare(folder: string): Promise<void> {
    this.#folder = folder;
    if (process.getuid?.() === 0) shareSeparationFolder();
    for (const name of ["host", "user"]) {
      const args = ["-q", "-t", "ed25519", "-N", "", "-f", join(folder, name)];
      execFileSync("ssh-keygen", args, { stdio: "ignore", timeout: KEYGEN_MS });
    }
    await copyFile(join(folder, "user.pub"), join(folder, "authorized"));
    await chmod(join(folder, "authorized"), 0o600);
  }

  /** Starts it, then what `client` starts with these options and that login; ends it again. */
  async run(
    client: (options: readonly string[], port: string, login: string) => MeasuredProcess,
    withinMs?: number,
  ): Promise<FileRun> {
    const port = await freePort();
    const config = join(this.#folder, "sshd_config");
    await writeFile(config, this.#configuration(port));
    const server = startMeasured([SSHD, "-D", "-e", "-f", config]);
    try {
      await listening(server, [port]);
      const started = performance.now();
      const running = client(this.#options(), String(port), `${userInfo().username}@127.0.0.1`);
      const [sender]: readonly [Usage] = await untilAllEnded([running], withinMs);
      const wallMs = performance.now() - started;
      await server.untilAlone();
      server.stop();
      return { wallMs, sender, receiver: await server.ended };
    } finally {
      server.stop();
    }
  }

  #configuration(port: number): string {
    return [
      "ListenAddress 127.0.0.1",
      `Port ${port}`,
      `HostKey ${join(this.#folder, "host")}`,
      `AuthorizedKeysFile ${join(this.#folder, "authorized")}`,
      "PidFile none",
      "UsePAM no",
      "StrictModes no",
      "PasswordAuthentication no",
      "PermitRootLogin prohibit-password",
      `Ciphers ${SSH_CIPHER}`,
      "Subsystem sftp internal-sftp",
      // A shell that is not the first one leaves the person's own start-up files alone.
      "SetEnv SHLVL=2",
      "LogLevel ERROR",
      "",
    ].join("\n");
  }

  #options(): readonly string[] {
    const options = [
      "BatchMode=yes",
      "IdentitiesOnly=yes",
      "StrictHostKeyChecking=no",
      `UserKnownHostsFile=${join(this.#folder, "known_hosts")}`,
      "GlobalKnownHostsFile=none",
      `Ciphers=${SSH_CIPHER}`,
      "Compression=no",
      "LogLevel=ERROR",
    ].flatMap((option) => ["-o", option]);
    return ["-F", "none", "-i", join(this.#folder, "user"), ...options];
  }
}

/** Removed at the end by the last benchmark that uses it, if it was not there before. */
function shareSeparationFolder(): void {
  const isOthers = existsSync(SEPARATION_FOLDER) && marks().length === 0;
  if (isOthers) return;
  const mark = join(SEPARATION_FOLDER, `${MARK}${process.pid}`);
  mkdirSync(SEPARATION_FOLDER, { recursive: true, mode: 0o755 });
  writeFileSync(mark, "");
  removePlacesWith(() => {
    rmSync(mark, { force: true });
    rmdirSync(SEPARATION_FOLDER);
  });
}

function marks(): string[] {
  return readdirSync(SEPARATION_FOLDER).filter((name) => name.startsWith(MARK));
}
