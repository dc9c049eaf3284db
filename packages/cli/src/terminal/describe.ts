/**
 * The sentences a person reads about each error: what happened, why, what to do next.
 *
 * Invariant: {@link About} holds texts already made safe for a terminal; nothing else from outside
 * gets into a sentence. Security events never sound like network trouble ({@link isSecurityEvent}).
 *
 * @module
 */
import type { ErrorCode } from "@postern/core/errors";
import { EXIT, exitCodeOf } from "../exit-codes.ts";
import type { Explanation } from "../failures.ts";
import { PEER_SENTENCES } from "./describe-peer.ts";
import { PEOPLE_SENTENCES } from "./describe-people.ts";
import { TRANSFER_SENTENCES } from "./describe-transfer.ts";
import { PIPE_CLOSED, TOO_MANY_FILES } from "./network-reason.ts";
import { unconfirmedWhat, unconfirmedWhy } from "./unconfirmed.ts";

/** What the sentences are about; safe texts (`safeText`). */
export interface About {
  /** `HOST:PORT` */
  readonly relay: string;
  /** This client's name. */
  readonly name?: string | undefined;
  /** The other client's name. */
  readonly peer?: string | undefined;
  /** A file name, or `the message`. */
  readonly content?: string | undefined;
  /** What failed is this identity's own state. */
  readonly isState?: boolean;
  /** It comes from a pipe: once its sender's program has ended, nobody can go on with it. */
  readonly isStream?: boolean;
  /** The system's words: `connection refused`. */
  readonly reason?: string | undefined;
  /** No key of the other client's confirms it: the relay may have made it up. */
  readonly isUnconfirmed?: boolean;
  /** The place of a word that is not in the list of codes, 1 for the first. */
  readonly word?: number | undefined;
}

/** what, why, next */
type Sentences = readonly [what: string, why: string, next: string];

/** Typed over the codes, so that a new one does not compile without its sentences. */
export type SentenceTable<C extends ErrorCode> = Readonly<Record<C, (about: About) => Sentences>>;

/** The command stops here, whatever the person asked for: exit code 6 or 9. */
export function isSecurityEvent(code: ErrorCode): boolean {
  const exitCode = exitCodeOf(code);
  return exitCode === EXIT.integrity || exitCode === EXIT.keyChanged;
}

export function describe(code: ErrorCode, about: About): Explanation {
  const [what, why, next] = ALL_SENTENCES[code](about);
  if (about.isUnconfirmed !== true) return { what, why, next };
  return { what: unconfirmedWhat(what), why: unconfirmedWhy(why, about), next };
}

function notThere(relay: string): readonly [why: string, next: string] {
  const next = isHere(relay)
    ? `start one with "postern relay --listen ${relay}", or name another with --relay`
    : "check the address given with --relay, and ask whoever runs the relay";
  return ["no relay answers at this address", next];
}

function isHere(relay: string): boolean {
  return /^(127\.|localhost:|\[::1\]:)/.test(relay);
}

const READER_ENDED: Sentences = [
  "the program that reads the output has ended",
  "its end of the pipe is closed",
  "let it read to the end, or take the content as a file with -o DIR",
];
const TRY_LATER = "try again in a moment";
const COMPARE_RELAY =
  "ask whoever runs the relay for its address with fingerprint, and pass it with --relay";

const LINK_SENTENCES: SentenceTable<Extract<ErrorCode, `${"link" | "relay"}/${string}`>> = {
  "link/malformed": (about) => [
    `the relay ${about.relay} sent something that makes no sense`,
    "it runs another version, or something between here and there changes the data",
    "update Postern on both sides, then try again",
  ],
  "link/unexpected-frame": (about) => [
    `the relay ${about.relay} broke the protocol`,
    "it answered with something that does not belong there",
    "update Postern on both sides, then try again",
  ],
  "link/authentication-failed": (about) => [
    `the relay ${about.relay} could not prove who it is`,
    "it does not have the key it claims, or the data was changed on the way",
    COMPARE_RELAY,
  ],
  "link/wrong-relay-key": (about) => [
    `${about.relay} is not the relay you asked for`,
    "its key does not match the fingerprint in the address",
    COMPARE_RELAY,
  ],
  "link/own-key": (about) => [
    `${about.relay} answered with this client's own key`,
    "someone reflects the connection back",
    COMPARE_RELAY,
  ],
  "link/unsupported-version": (about) => [
    `the relay ${about.relay} speaks another version of the protocol`,
    "one of the two sides is older",
    "update Postern on both sides",
  ],
  "link/closed": (about) => [
    `lost the connection to ${about.relay}`,
    about.reason ?? "the relay or the network closed it",
    TRY_LATER,
  ],
  "link/superseded": (about) => [
    `${about.name ?? "this client"} was signed out of ${about.relay}`,
    "the same identity connected from somewhere else",
    "use another --name here, or stop the other one",
  ],
  "link/timed-out": (about) => [
    `no answer from ${about.relay}`,
    "the relay did not answer in time",
    "check the address and the network, then try again",
  ],
  "relay/unreachable": (about) => [
    `could not connect to ${about.relay}: ${about.reason ?? "no answer"}`,
    ...(about.reason === TOO_MANY_FILES
      ? (["this program may open no more", "raise its limit (ulimit -n), then try again"] as const)
      : notThere(about.relay)),
  ],
  "relay/not-a-relay": (about) => [
    `${about.relay} is not a Postern relay`,
    "another program answers at this address",
    "check the address given with --relay",
  ],
  "relay/name-taken": (about) => [
    `the name ${about.name ?? "you chose"} is taken at ${about.relay}`,
    "another identity uses it there",
    "choose another one with --name",
  ],
  "relay/overloaded": (about) => [
    `the relay ${about.relay} is overloaded`,
    "it takes no more work for now",
    TRY_LATER,
  ],
  "relay/restarting": (about) => [
    `the relay ${about.relay} is restarting`,
    "it said that it will be back",
    TRY_LATER,
  ],
  "relay/refused": (about) => [
    `the relay ${about.relay} refused`,
    "it does not allow this now",
    "try again; if it stays so, ask whoever runs the relay",
  ],
  "relay/profile-refused": (about) => [
    `the relay ${about.relay} does not allow this profile`,
    "whoever runs it has left it out",
    "choose another one with --profile, or another relay",
  ],
  "relay/pin-changed": (about) => [
    `the key of ${about.relay} has changed`,
    "it is not the relay this client knows: it was set up anew, or someone pretends to be it",
    COMPARE_RELAY,
  ],
  "relay/port-in-use": (about) => [
    `cannot listen on ${about.relay}: address already in use`,
    "another program, perhaps another relay, has this port",
    "stop it, or choose another port with --listen",
  ],
  "relay/cannot-listen": (about) => [
    `cannot listen on ${about.relay}${about.reason === undefined ? "" : `: ${about.reason}`}`,
    "the system does not give this address or port to this program",
    "choose another address or port with --listen",
  ],
};

type HereCode = Extract<ErrorCode, `${"usage" | "store" | "platform"}/${string}`>;

const HERE_SENTENCES: SentenceTable<HereCode> = {
  "usage/invalid-argument": () => [
    "this cannot be done with these values",
    "one of them is not valid",
    'see "postern help"',
  ],
  "usage/wrong-state": () => [
    "this is not possible any more",
    "the transfer has ended or was decided already",
    "start again",
  ],
  "store/failed": (about) =>
    // No disk says so: the content was on its way to the standard output.
    about.reason === PIPE_CLOSED
      ? READER_ENDED
      : [
          "could not read or write on this computer",
          about.reason ?? "the disk, the folder or the saved state is not usable",
          'check the folder and its permissions; "postern status" shows where state is kept',
        ],
  "store/in-use": (about) => [
    `the identity ${about.name ?? ""} is in use`.replace("  ", " "),
    "another postern on this computer runs under it",
    "stop the other one, or choose another --name here",
  ],
  "store/locked": (about) => [
    `the keys of ${about.name ?? "this identity"} are locked`,
    "a passphrase protects them, and there is nobody to ask for it",
    "run it on a terminal, or put the passphrase into POSTERN_PASSPHRASE",
  ],
  "store/wrong-passphrase": (about) => [
    `this is not the passphrase of ${about.name ?? "this identity"}`,
    "the keys do not open with it",
    "try again; without the passphrase nobody can open them",
  ],
  "store/target-exists": (about) => [
    `${about.content ?? "the file"} exists already`,
    "nothing is ever overwritten",
    "choose another folder with -o",
  ],
  "store/unsafe-name": (about) => [
    `refused the file name ${about.content ?? ""}`.trimEnd(),
    "it would lead out of the folder",
    "ask the sender to rename the file",
  ],
  "store/no-space": (about) =>
    about.isState === true
      ? [
          "no room for the state of this identity",
          about.reason ?? "the disk is full",
          "make room on the disk that holds it, then try again",
        ]
      : [
          "the disk is full",
          "the file does not fit",
          "make room, or choose another folder with -o, then let it be sent again" +
            (about.isStream === true ? ", from its beginning" : "; what came is kept"),
        ],
  "platform/crypto-unusable": () => [
    "the cryptography of this computer does not work",
    "its self-test failed, or this Node.js was built without what Postern needs",
    "install Node.js 26 LTS from nodejs.org, then try again",
  ],
};

const ALL_SENTENCES: SentenceTable<ErrorCode> = {
  ...LINK_SENTENCES,
  ...PEER_SENTENCES,
  ...PEOPLE_SENTENCES,
  ...TRANSFER_SENTENCES,
  ...HERE_SENTENCES,
};
