/** The programs of others that encrypt, as far as they are installed. @module */
import { croc } from "./croc.ts";
import type { FileContender } from "./file-contender.ts";
import { magicWormhole } from "./magic-wormhole.ts";
import { scp } from "./scp.ts";
import { wormholeWilliam } from "./wormhole-william.ts";

/** Each new: they keep servers and keys. */
export function peers(): FileContender[] {
  return [scp(), magicWormhole, wormholeWilliam(), croc()];
}
