/** Sentences about a transfer that failed; part of `describe.ts`. @module */
import type { ErrorCode } from "@postern/core/errors";
import { content, peer } from "./describe-peer.ts";
import type { About, SentenceTable } from "./describe.ts";

const DO_NOT_TRUST = "if it happens again, do not trust this relay or this way";
const NOTHING_TAKEN = `nothing was taken; ${DO_NOT_TRUST}`;
const NOTHING_WHOLE = `nothing has its final name; ${DO_NOT_TRUST}`;

export const TRANSFER_SENTENCES: SentenceTable<Extract<ErrorCode, `transfer/${string}`>> = {
  "transfer/invalid": (about) =>
    about.reason === undefined
      ? [
          `the offer to ${peer(about)} did not open`,
          "the two sides do not have the same key, or the offer was changed on the way",
          NOTHING_TAKEN,
        ]
      : [
          `refused ${content(about)} of ${peer(about)}`,
          about.reason,
          "nothing was taken; no Postern makes such a list, so do not trust what else it sends",
        ],
  "transfer/expired": (about) => [
    `the offer to ${peer(about)} came too late`,
    "it is only good for a minute, or one of the two clocks is wrong",
    "check date and time on both computers, then try again",
  ],
  "transfer/wrong-receiver": (about) => [
    "an offer arrived that was made for someone else",
    `someone hands offers around between ${peer(about)} and others`,
    NOTHING_TAKEN,
  ],
  "transfer/replayed": (about) => [
    `the offer to ${peer(about)} was seen before`,
    "someone recorded an offer and sent it again",
    NOTHING_TAKEN,
  ],
  "transfer/damaged": (about) => [
    `${content(about)} arrives damaged again and again`,
    "something on the way changes the data; it was sent anew, until the limit",
    NOTHING_WHOLE,
  ],
  "transfer/session-expired": (about) => [
    `a session key of ${content(about)} was used past its time`,
    "the data was held back on the way, or the other side does not renew its keys",
    sendAgain(about),
  ],
  "transfer/truncated": (about) => [
    `${content(about)} broke off before its end`,
    "the connection ended too early",
    sendAgain(about),
  ],
  "transfer/digest-mismatch": (about) => [
    `${content(about)} is not what was sent`,
    "the digests of the two sides differ",
    NOTHING_WHOLE,
  ],
  "transfer/framing": (about) => [
    `lost the thread in ${content(about)}`,
    "the stream of data was damaged where its parts are told apart",
    sendAgain(about),
  ],
  "transfer/pipe-lost": (about) => [
    `lost the connection while ${content(about)} was on its way`,
    about.reason ?? "the relay, the network or the other side closed it",
    sendAgain(about),
  ],
  "transfer/cancelled": (about) => [
    `cancelled ${content(about)}`,
    "you stopped it",
    sendAgain(about),
  ],
  "transfer/declined": (about) => [
    `declined ${content(about)}`,
    "you said no to what it lists",
    "nothing of it was taken",
  ],
  "transfer/other-content": (about) => [
    `${content(about)} is not what was begun`,
    "what the receiver holds is not its beginning: it changed, or the part did",
    "send it anew, from its beginning: --anew",
  ],
  "transfer/unknown": () => [
    "no such unfinished transfer",
    "it is finished, was cancelled, or the id is another one",
    'see "postern transfers"',
  ],
  "transfer/receipt-invalid": () => [
    "the receipt does not hold",
    "a signature is wrong, or it is about another content",
    "do not rely on it",
  ],
  "transfer/interrupted": (about) => [
    `${peer(about)} lost ${content(about)} on the way`,
    "its program or its computer stopped before everything was kept",
    sendAgain(about),
  ],
  "transfer/source-changed": (about) => [
    `${content(about)} changed while it was sent`,
    about.reason ?? "another program wrote to the file",
    "wait until it is finished, then send it again",
  ],
  "transfer/source-unreadable": (about) => [
    `could not read ${content(about)}`,
    about.reason ?? "the file or the input failed",
    "check it and its permissions, then try again",
  ],
};

/** A message is whole or not there; of all else what has come is kept. */
function sendAgain({ content: what, isStream }: About): string {
  if (what === "the message") return "send it again";
  return isStream === true
    ? "it goes on only while its sender's program runs; else send it again, from its beginning"
    : "what has come is kept; send it again, and it goes on from there";
}
