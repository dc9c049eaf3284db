/** `postern help TOPIC`: what holds for more than one command. @module */
export type Topic = "exit-codes" | "environment" | "formats" | "on-done" | "security";

export const TOPICS: Readonly<Record<Topic, string>> = {
  "exit-codes": `Exit codes

  0    done
  1    failed for another reason
  2    the command line is wrong
  3    not found: a receiver's name, a contact, a code, a file, a folder, a transfer
  4    the keys are locked: passphrase missing or wrong
  5    the other side is not there, busy, or did not answer in time
  6    integrity or authentication failed; never retried silently
  7    the relay cannot be reached, or refused
  8    the other side declined or cancelled
  9    the key of a contact has changed: nothing was sent or taken
  10   sent to several: some have it, others not
  78   this computer cannot do it: state in use or unreadable, port in use, old Node.js
  130  stopped by Ctrl-C
  143  stopped by SIGTERM
`,
  environment: `Environment

  POSTERN_RELAY  the relay when --relay is not given (else 127.0.0.1:9999)
  POSTERN_NAME   the name when --name is not given
  POSTERN_HOME   where identities are kept when --home is not given
  POSTERN_CODE   the code for pair and receive when none is given
  POSTERN_PASSPHRASE      opens protected keys without a question
  POSTERN_NEW_PASSPHRASE  the new one for "postern identity passphrase set" and "change"
  POSTERN_DEBUG  1: errors with their stack
  NO_COLOR       any value: no colours; FORCE_COLOR=1: colours also in pipes
  CI             any value: never ask
`,
  formats: `Formats

  Received messages and the results of receivers, contacts, pair, identity and status go to
  stdout, all else to stderr. On a terminal every control character in a text of others is
  shown as \\u{...}; a message that goes to a pipe or a file is left as it is.

  --json prints one JSON object a line on stdout. "type" is stable:
    connected first-use relay-authenticated reconnecting notice waiting code guessed met
    paired first-contact offer declined withdrawn offered master-key accepted session-key
    progress resend new-pipe key-renewed done failed late-receipt on-done going-on retrying
    waiting-for-sender clocks-apart folder left-out receipt receivers-served message receiver
    receivers contact contacts contact-removed unfinished transfers forgotten cleaned
    receipt-holds identity passphrase relay-pin status relay compared stopped error
  "master-key" has a "source": key-package or channel (end-to-end), fresh-rsa or kept (RSA).
  "content" is the same on both sides and in all transfers of one content, "transfer" is of one.
  "error" is the last event of a command that failed; its "code" is stable too.
  "confirmed": false in error, failed and withdrawn: the relay may have made the reason up.

  Sent to several, each event says to whom ("to"); the last is "receivers-served".

  Rates (--limit) are bytes per second: 300, 500K, 5M, 1G; several receivers share it. Sizes
  (--max-size): 300M, 10G. Relays: HOST:PORT or postern://HOST:PORT#FINGERPRINT.
  Durations: 250ms, 30s, 5m, 1h. --timeout is how long to wait for the relay, for the other
  side to decide, and for one that has gone to come back; without it that is for ever. Only
  a message, and what a script begins, then do not wait for a relay that is not there.
`,
  "on-done": `A command for everything received: --on-done CMD

  The shell runs CMD once for each message, file or folder that has come in whole. What the
  sender chose is never part of the command line:

  POSTERN_PATH         where it is: a file, or a folder; empty for a message
  POSTERN_PATHS        one path a line, when several files and folders came at once
  POSTERN_FROM         who sent it: the contact's name, else the name at the relay
  POSTERN_FINGERPRINT  the sender's key; the name is only as sure as the next says
  POSTERN_TRUST        verified, first-use, or none: no contact when it was offered, though
                       it may use the name of one
  POSTERN_KIND         message, file, directory or stream
  POSTERN_SIZE         its bytes
  POSTERN_TRANSFER     the id that the events of --json have

  The text of a message is its standard input; what it prints goes to stderr. Write variables
  in quotes: sh does not run what is in them, but it splits and expands it otherwise.
  A command that fails is said ("on-done" event) and ends nothing; one that runs holds its
  place of --capacity. Passphrases and codes are not in its environment.
`,
  security: `Security

  end-to-end  The relay sees who, when and how much; it cannot read anything. The default.
  asymmetric  The relay cannot read anything, but is trusted to say who is who.
  symmetric   The relay is trusted: it passes on the master key and could read everything.

  The last two are used only when both ends ask for them with --profile, and never again
  between two who have end-to-end keys.

  The key of a contact is kept at the first transfer and must stay the same. To be sure whose
  it is, meet by a code ("postern pair"), or compare the safety number by voice or QR code
  ("postern contacts verify NAME"). Only then is the contact verified.

  A code is good for one guess; a wrong one burns it, and both sides are told. Tell it to the
  other person in a way that the relay does not control. A code given as an argument can be
  seen by other users of this computer; --code asks for it, POSTERN_CODE holds it.

  "postern identity passphrase set" protects the keys on this device. A forgotten passphrase
  cannot be replaced: identity and keys are then lost.

  The first key that a relay shows is kept and must stay the same. Give the address with its
  fingerprint (postern://HOST:PORT#FINGERPRINT) and even the first contact is checked.

  At one relay a name belongs to the identity that used it first. That proves nothing about
  the person: compare fingerprints ("postern identity") over another way.

  Messages that begin with "postern: STOPPED" and exit codes 6 and 9 are about integrity or
  authenticity. They are never network trouble; do not simply try again.

  A text given with --text can be seen by other users of this computer while the command runs;
  --text - reads it from the standard input.
`,
};

export function isTopic(text: string): text is Topic {
  return Object.hasOwn(TOPICS, text);
}
