/** A folder as people copy one with what every system has: tar on both sides of ssh. @module */
import { basename, dirname } from "node:path";

import { hasProgram } from "../../../tools/programs.ts";
import { startMeasured } from "../measure/measured-process.ts";
import type { FileContender, Task } from "./file-contender.ts";
import { OwnSshd, SSH_CIPHER, sshAbsence } from "./own-sshd.ts";

/** Arguments, not text, reach the shell; the last ones are those of ssh. */
const PACK = 'folder=$1 name=$2; shift 2; tar c -C "$folder" "$name" | ssh "$@"';

export function tarSsh(): FileContender {
  const server = new OwnSshd();
  return {
    name: "tar over ssh",
    what: `tar, ${SSH_CIPHER}, without a relay; nothing is flushed to the disk`,
    absence: () => (hasProgram("tar") ? sshAbsence("ssh") : "tar is not installed"),
    prepare: async (folder) => await server.prepare(folder),
    run: async ({ path, outputFolder, withinMs }: Task) =>
      await server.run((options, port, login) => {
        const place = [dirname(path), basename(path)];
        const unpack = `tar x -C '${outputFolder}'`;
        const ssh = [...options, "-p", port, login, unpack];
        return startMeasured(["sh", "-c", PACK, "sh", ...place, ...ssh]);
      }, withinMs),
  };
}
