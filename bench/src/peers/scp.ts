/**
 * scp with aes128-gcm to an sshd of our own on loopback, without any relay: keys made for this
 * comparison alone, no configuration of the person or the machine is read.
 *
 * @module
 */
import { execFileSync } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import { chmod, copyFile, mkdir, rmdir, writeFile } from "node:fs/promises";
import { userInfo } from "node:os";
import { join } from "node:path";

import { hasProgram } from "../../../tools/programs.ts";
import { startMeasured } from "../measure/measured-process.ts";
import { freePort, untilListening } from "../measure/ports.ts";
import { untilAllEnded } from "../measure/together.ts";
import type { FileContender, FileRun, Task } from "./file-contender.ts";

const CIPHER = "aes128-gcm@openssh.com";
/** sshd insists on its absolute path. */
const SSHD = "/usr/sbin/sshd";
/** What sshd of root wants to be there, empty. */
const SEPARATION_FOLDER = "/run/sshd";

export function scp(): FileContender {
  let folder = "";
  let hasMadeFolder = false;
  return {
    name: "scp direct",
    what: `scp, ${CIPHER}, without a relay; its receiver is sshd`,
    absence() {
      if (!hasProgram("scp") || !hasProgram("ssh-keygen")) return "scp is not installed";
      return existsSync(SSHD) ? undefined : "sshd is not installed";
    },
    async prepare(own) {
      folder = own;
      if (process.getuid?.() === 0 && !existsSync(SEPARATION_FOLDER)) {
        await mkdir(SEPARATION_FOLDER);
        hasMadeFolder = true;
      }
      await makeKeys(folder);
      const [path, outputFolder] = [join(folder, "first"), join(folder, "first-output")];
      await mkdir(outputFolder);
      await writeFile(path, "first");
      await copy(folder, { path, outputFolder });
    },
    run: async (task) => await copy(folder, task),
    async close() {
      if (hasMadeFolder) await rmdir(SEPARATION_FOLDER).catch(() => undefined);
    },
  };
}

async function makeKeys(folder: string): Promise<void> {
  for (const name of ["host", "user"]) {
    const args = ["-q", "-t", "ed25519", "-N", "", "-f", join(folder, name)];
    execFileSync("ssh-keygen", args, { stdio: "ignore" });
  }
  await copyFile(join(folder, "user.pub"), join(folder, "authorized"));
  await chmod(join(folder, "authorized"), 0o600);
}

async function copy(folder: string, { path, outputFolder }: Task): Promise<FileRun> {
  const port = await freePort();
  const config = join(folder, "sshd_config");
  await writeFile(config, serverConfig(folder, port));
  const server = startMeasured([SSHD, "-D", "-e", "-f", config]);
  try {
    await untilListening(port);
    const how = statSync(path).isDirectory() ? ["-q", "-r"] : ["-q"];
    const target = `${userInfo().username}@127.0.0.1:${outputFolder}/`;
    const started = performance.now();
    const client = startMeasured(["scp", ...how, ...clientOptions(folder, port), path, target]);
    const [sender] = await untilAllEnded([client]);
    const wallMs = performance.now() - started;
    await server.untilAlone();
    server.stop();
    return { wallMs, sender, receiver: await server.ended };
  } finally {
    server.stop();
  }
}

function serverConfig(folder: string, port: number): string {
  return [
    "ListenAddress 127.0.0.1",
    `Port ${port}`,
    `HostKey ${join(folder, "host")}`,
    `AuthorizedKeysFile ${join(folder, "authorized")}`,
    "PidFile none",
    "UsePAM no",
    "StrictModes no",
    "PasswordAuthentication no",
    "PermitRootLogin prohibit-password",
    `Ciphers ${CIPHER}`,
    "Subsystem sftp internal-sftp",
    "LogLevel ERROR",
    "",
  ].join("\n");
}

function clientOptions(folder: string, port: number): string[] {
  const options = [
    "BatchMode=yes",
    "IdentitiesOnly=yes",
    "StrictHostKeyChecking=no",
    `UserKnownHostsFile=${join(folder, "known_hosts")}`,
    "GlobalKnownHostsFile=none",
    `Ciphers=${CIPHER}`,
    "Compression=no",
    "LogLevel=ERROR",
  ].flatMap((option) => ["-o", option]);
  return ["-F", "none", "-i", join(folder, "user"), "-P", String(port), ...options];
}
