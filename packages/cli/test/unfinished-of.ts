/** What was begun before, as tests find it remembered. @module */
import { basename } from "node:path";
import type { Unfinished } from "@postern/client";
import { TRANSFER_ID } from "./fake-client.ts";
import { PEER_FINGERPRINT, WALL_NOW } from "./fake-contacts.ts";

/** A file of 1,000 bytes on its way to bob. */
export function unfinishedOf(path: string, more: Partial<Unfinished> = {}): Unfinished {
  return {
    id: TRANSFER_ID,
    role: "sending",
    peer: { name: "bob", fingerprint: PEER_FINGERPRINT, trust: undefined },
    content: { kind: "file", name: basename(path), size: 1_000 },
    profile: "end-to-end",
    signed: false,
    bytes: 450,
    beganAt: WALL_NOW - 7_200_000,
    changedAt: WALL_NOW - 3_600_000 * 3,
    error: "peer/gone",
    paths: [path],
    ...more,
  };
}
