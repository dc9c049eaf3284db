/** `postern help TOPIC`: what holds for more than one command. @module */
export type Topic = "exit-codes" | "environment" | "formats" | "security";

export const TOPICS: Readonly<Record<Topic, string>> = {
  "exit-codes": `Exit codes

  0    done
  1    failed for another reason
  2    the command line is wrong
  3    not found: a receiver's name, a file, a folder
  5    the other side is not there, busy, or did not answer in time
  6    integrity or authentication failed; never retried silently
  7    the relay cannot be reached, or refused
  8    the other side declined or cancelled
  78   this computer cannot do it: state in use or unreadable, port in use, old Node.js
  130  stopped by Ctrl-C
  143  stopped by SIGTERM
`,
  environment: `Environment

  POSTERN_RELAY  the relay when --relay is not given (else 127.0.0.1:9999)
  POSTERN_NAME   the name when --name is not given
  POSTERN_HOME   where identities are kept when --home is not given
  POSTERN_DEBUG  1: errors with their stack
  NO_COLOR       any value: no colours; FORCE_COLOR=1: colours also in pipes
  CI             any value: never ask
`,
  formats: `Formats

  Received messages and the results of receivers, identity and status go to stdout, all else
  to stderr. On a terminal every control character in a text of others is shown as \\u{...};
  a message that goes to a pipe or a file is left as it is.

  --json prints one JSON object a line on stdout. "type" is stable:
    connected first-use relay-authenticated reconnecting notice waiting offer withdrawn offered
    master-key accepted
    session-key progress resend new-pipe key-renewed done failed message receiver receivers identity
    relay-pin status relay compared stopped error
  "error" is the last event of a command that failed; its "code" is stable too.

  Rates (--limit) are bytes per second: 300, 500K, 5M, 1G. Durations (--timeout): 250ms, 30s,
  5m, 1h. Relays: HOST:PORT or postern://HOST:PORT#FINGERPRINT.
`,
  security: `Security

  symmetric  The relay is trusted: it passes on the master key and could read everything.

  The first key that a relay shows is kept and must stay the same. Give the address with its
  fingerprint (postern://HOST:PORT#FINGERPRINT) and even the first contact is checked.

  At one relay a name belongs to the identity that used it first. That proves nothing about
  the person: compare fingerprints ("postern identity") over another way.

  Messages that begin with "postern: STOPPED" and exit code 6 are about integrity or
  authenticity. They are never network trouble; do not simply try again.

  A text given with --text can be seen by other users of this computer while the command runs;
  --text - reads it from the standard input.
`,
};

export function isTopic(text: string): text is Topic {
  return Object.hasOwn(TOPICS, text);
}
