/** Everything a client needs of Node but its store (`ports.ts`). @module */
import type { Suite } from "@postern/core/crypto";
import { nativeRsa } from "@postern/node";
import type { ClientPorts } from "../ports.ts";
import type { Store } from "../store.ts";
import { openLinkSocket } from "./link-socket.ts";
import { nodeClock, wallClock } from "./node-clock.ts";
import { nodeRecordCipher } from "./record-cipher.ts";
import { openSocketPipe } from "./socket-pipe.ts";

/** For a client whose state is not in a home, such as one in memory. */
export function nodePorts(suite: Suite, store: Store): ClientPorts {
  return {
    transport: { openLink: openLinkSocket, openPipe: openSocketPipe },
    store,
    suite,
    rsa: nativeRsa,
    cipher: nodeRecordCipher,
    clock: nodeClock,
    wall: wallClock,
  };
}
