/** scp to an sshd of our own on loopback, without any relay. @module */
import { statSync } from "node:fs";

import { startMeasured } from "../measure/measured-process.ts";
import type { FileContender, FileRun, Task } from "./file-contender.ts";
import { OwnSshd, SSH_CIPHER, sshAbsence } from "./own-sshd.ts";

export function scp(): FileContender {
  const server = new OwnSshd();
  return {
    name: "scp direct",
    what: `scp, ${SSH_CIPHER}, without a relay; its receiver is sshd`,
    absence: () => sshAbsence("scp"),
    prepare: async (folder) => await server.prepare(folder),
    run: async (task) => await copy(server, task),
  };
}

async function copy(server: OwnSshd, { path, outputFolder, withinMs }: Task): Promise<FileRun> {
  const how = statSync(path).isDirectory() ? ["-q", "-r"] : ["-q"];
  return await server.run((options, port, login) => {
    const target = `${login}:${outputFolder}/`;
    return startMeasured(["scp", ...how, ...options, "-P", port, path, target]);
  }, withinMs);
}
