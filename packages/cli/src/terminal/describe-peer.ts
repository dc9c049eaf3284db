/** Sentences about what the other client did; part of `describe.ts`. @module */
import type { ErrorCode } from "@postern/core/errors";
import type { PeerKeyCode } from "./describe-people.ts";
import type { About, SentenceTable } from "./describe.ts";

const WAIT_OR_LIST = '"postern receivers" shows who is free';

type PeerCode = Exclude<Extract<ErrorCode, `peer/${string}`>, PeerKeyCode>;

export const PEER_SENTENCES: SentenceTable<PeerCode> = {
  "peer/malformed": (about) => [
    `${peer(about)} sent something that makes no sense`,
    "it runs another version, or someone changed the data on the way",
    "update Postern on both sides and ask the other person",
  ],
  "peer/unexpected-frame": (about) => [
    `${peer(about)} broke the protocol`,
    "it sent something that does not belong there",
    "update Postern on both sides and ask the other person",
  ],
  "peer/unknown": (about) => [
    `nobody called ${peer(about)} is known at ${about.relay}`,
    "no client has ever signed in there under this name",
    `check the name; ${WAIT_OR_LIST}`,
  ],
  "peer/absent": (about) => [
    `${peer(about)} is not there`,
    `it is not connected to ${about.relay} now`,
    'ask the other person to run "postern receive", then try again',
  ],
  "peer/busy": (about) => [
    `${peer(about)} is busy`,
    `${about.relay} says that it takes no other transfer now, or is not receiving`,
    `try again when it is free; ${WAIT_OR_LIST}`,
  ],
  "peer/declined": (about) => [
    `${peer(about)} declined ${content(about)}`,
    "its person or its rules said no",
    "ask the other person",
  ],
  "peer/gone": (about) => [
    `${peer(about)} went away`,
    `${about.relay} says that its connection ended`,
    "try again when it is back",
  ],
  "peer/timed-out": (about) => [
    `${peer(about)} did not answer in time`,
    "nobody decided, or the other side hangs",
    "ask the other person, then try again",
  ],
  "peer/cancelled": (about) => [
    `${peer(about)} cancelled ${content(about)}`,
    "the other person stopped the transfer",
    about.isStream === true
      ? "ask the other person"
      : "what has come is kept; ask the other person",
  ],
  "peer/profile-refused": (about) => [
    `${peer(about)} does not accept this profile`,
    "its person did not choose it, or the relay hides that it did",
    "nothing was sent; ask the other person over another way before you choose a weaker one",
  ],
  "peer/too-large": (about) => [
    `${content(about)} is too large for ${peer(about)}`,
    "the other side takes nothing of this size",
    "send less, or ask the other person",
  ],
  "peer/no-space": (about) => [
    `${peer(about)} has no room for ${content(about)}`,
    // A decline has one word for both.
    "its disk is full, or its folder cannot be written to",
    about.isStream === true
      ? "ask the other person to make room, then send it again, from its beginning"
      : "ask the other person to make room, then send again: it goes on from there",
  ],
  "peer/store-failed": (about) => [
    `${peer(about)} could not keep ${content(about)}`,
    "its disk or folder failed",
    "ask the other person to check it, then send again",
  ],
};

export function peer(about: About): string {
  return about.peer ?? "the other client";
}

export function content(about: About): string {
  return about.content ?? "the transfer";
}
