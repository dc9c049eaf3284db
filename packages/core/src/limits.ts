/**
 * Every number that bounds the protocol, with its unit in its name and its reason beside it.
 *
 * @module
 */

// Link (docs/protocol.md 5)
/** Before login only the exact handshake lengths are read; nothing is allocated from a claim. */
export const HANDSHAKE_TIMEOUT_MS = 10_000;
/** A sealed link frame, tag included: small frames keep one client from holding up the others. */
export const LINK_FRAME_BYTES_MAX = 65_536;
/** Common proxies cut idle connections at 60 s. */
export const PING_INTERVAL_MS = 25_000;
export const LINK_DEAD_MS = 60_000;
/** The shortest ping interval a client grants a relay: no relay keeps its clients busy. */
export const LINK_PING_MS_MIN = 1_000;
/** Noise Rekey() on both ends after this many frames of one direction. */
export const LINK_REKEY_FRAMES = 2 ** 20;

// Names and directory (3, 6)
export const NAME_BYTES_MAX = 32;
/** Text of a relay address: a DNS name has at most 253, scheme, port and pin take 80. */
export const ADDRESS_LENGTH_MAX = 340;
/** Entries of one `receivers` page: 256 x about 72 bytes stay far below a frame. */
export const RECEIVERS_PER_PAGE = 256;

// Relay service (6)
/** Body of one envelope: a 48 KiB message with its header, record and padding fits. */
export const ENVELOPE_BYTES_MAX = 61_440;
/** Requests of one client that wait for an answer. */
export const REQUESTS_PENDING_MAX = 256;
/** Clients that one client has spoken with lately and is told about when they go. */
export const WATCHED_PEERS_MAX = 256;
/**
 * Questions of one identity in a minute, and at once: who has a name, its certificate, who could
 * not be sent to. 10,000 messages in a minute, each to somebody else, take a sixth of it; the
 * relay's processor can answer many times as many.
 */
export const QUESTIONS_PER_MINUTE = 60_000;
/** A page of receivers takes the place of so many: it has 256 names. */
export const QUESTIONS_OF_PAGE = 64;
/**
 * A `found` that serves for the next end-to-end transfer to the same contact: so much later at most
 * another key under the name is noticed. Programs that talk ask once in that time.
 */
export const FOUND_VALID_MS = 2_000;
/** How late a receiver may tell a change of its free places that neither frees nor fills it. */
export const PRESENCE_LATE_MS = 1_000;
export const PIPE_TICKET_MS = 30_000;
/** No byte moved in either direction for this long: the pipe is dead. */
export const PIPE_IDLE_MS = 120_000;
export const PIPES_PER_CLIENT_MAX = 64;
/** Handshakes under way: 1,024 in all, 64 from one address, each holding a few KiB. */
export const HANDSHAKES_MAX = 1_024;
export const HANDSHAKES_PER_ADDRESS_MAX = 64;
export const LINKS_MAX = 20_000;
/** A request line, a Host and the upgrade; anything larger is not ours. */
export const HTTP_HEADERS_BYTES_MAX = 4_096;
export const HTTP_HEADERS_TIMEOUT_MS = 5_000;
/** A client reads the last frames of a link that the relay ends; then the socket goes. */
export const LINK_CLOSING_MS = 1_000;
/** Read buffer of one direction of a pipe; larger ones gain nothing, half costs 1.1 of the CPU. */
export const PIPE_BUFFER_BYTES = 524_288;
/** Until a read fills it: most directions carry little. */
export const PIPE_FIRST_BUFFER_BYTES = 16_384;
/** Read buffer that all links of a relay share. */
export const LINK_READ_BYTES = 65_536;
/** Bytes queued towards one slow client before its link is closed. */
export const LINK_QUEUE_BYTES_MAX = 1_048_576;
/** From here on others' envelopes are refused as overloaded: nobody else can get a link closed. */
export const LINK_CONGESTED_BYTES = LINK_QUEUE_BYTES_MAX / 2;
/** Master keys that wait to be wrapped again, of all clients: about 3 ms of RSA each. */
export const REWRAPS_PENDING_MAX = 1_024;
/** What nobody waits for goes with the next frame to its link: at the latest then, or so many. */
export const FRAMES_LATE_MS = 100;
export const FRAMES_WAITING_MAX = 16;
/** Names claimed at one relay, and by one identity: the table stays below some 200 MiB. */
export const NAMES_MAX = 1_000_000;
export const NAMES_PER_IDENTITY_MAX = 16;
/** Sent after `overloaded` and `restarting`: when to come back. */
export const RETRY_AFTER_MS = 2_000;

// Exchange (7)
export const HEADER_VALID_MS = 60_000;
export const HEADER_AHEAD_MS = 10_000;
export const RSA_MODULUS_BITS = 3_072;
export const RSA_CIPHERTEXT_BYTES = 384;
export const RSA_SPKI_BYTES_MAX = 512;
/** lv(SPKI), notAfter and an Ed25519 signature. */
export const RSA_CERTIFICATE_BYTES_MAX = 4 + RSA_SPKI_BYTES_MAX + 8 + 64;
export const RSA_KEY_VALID_MS = 90 * 86_400_000;

// End-to-end exchange (7.3)
export const KEY_PACKAGE_BYTES = 1_352;
/** One-time packages a receiver keeps at its relay: so many may write while it is away. */
export const PACKAGES_ONE_TIME = 32;
/** Fewer than this left: the receiver adds to them. */
export const PACKAGES_LOW = 16;
/** So many were used: the receiver asks what is left. Not after each, for it reads all secrets. */
export const PACKAGES_ASKED_AFTER = 4;
/** After a store that failed, here or there, until packages are made again. Nobody can write. */
export const PACKAGES_RETRY_MS = 30_000;
/**
 * So often a receiver looks at its stock, whoever writes to it: a link may last for weeks, packages
 * do not, and a clock that is set makes them useless at once.
 */
export const PACKAGES_LOOKED_AT_MS = 30 * 60_000;
/**
 * What a client makes in an hour beyond those that somebody used: eight full stocks. A relay that
 * lost its table gets another one; one that says so each time keeps nobody's processor busy.
 */
export const PACKAGES_MADE_PER_HOUR = 264;
/** What a relay keeps of one identity: the one-time packages and the one of last resort. */
export const PACKAGES_PER_IDENTITY_MAX = PACKAGES_ONE_TIME + 1;
/** Packages of all identities at one relay: about 1.4 GiB on its disk. */
export const PACKAGES_MAX = 1_000_000;
/** Fetches of one identity in a minute: nobody can empty the others' stocks alone. */
export const PACKAGE_FETCHES_PER_MINUTE = 60;
/** Each makes the relay's disk write: once when a client comes, and after strangers wrote to it. */
export const PACKAGE_PUBLICATIONS_PER_MINUTE = 30;
export const ONE_TIME_PACKAGE_VALID_MS = 30 * 86_400_000;
export const LAST_RESORT_PUBLISHED_MS = 7 * 86_400_000;
/** Its secret outlives its publication, for what was under way. */
export const LAST_RESORT_KEPT_MS = 14 * 86_400_000;
/** Transfers of one channel without receipt; a receiver keeps as many receipts. */
export const OUTBOX_MAX = 32;
/**
 * What an epoch may be ahead of the clock of who is told it. Whoever makes an `INIT` has a package
 * that is still valid, so an honest clock is less ahead; and whoever had an identity key for a
 * while cannot use up the pair's epochs with it.
 */
export const EPOCH_AHEAD_MS = 30 * 86_400_000;
/** And of the last known: `INIT`s lost in a row by a pair whose clocks were set back. */
export const EPOCHS_SKIPPED_MAX = 64;
/** Times that one transfer starts over because the receiver lost its place in the channel. */
export const RESYNCS_PER_TRANSFER_MAX = 3;
/** A sealed header is padded to a multiple of this, so that its length says nothing of a name. */
export const SEALED_HEADER_PADDING_BYTES = 256;
/** A receipt as a receiver keeps it: 1,442 bytes now, and never in need of more than a page. */
export const RECEIPT_BYTES_MAX = 2_048;
/**
 * A stored record keeps its length from message to message: one offer, or in twice this 32
 * transfers, fit. With what a store adds it fits a page of 4 KiB.
 */
export const RECORD_PADDING_BYTES = 3_840;
/** Channels whose newest keys a receiver keeps expanded in memory: some 15 KiB each. */
export const READY_CHANNELS_MAX = 64;
/** A channel's state at rest: an outbox full of messages is 1.6 MiB. */
export const CHANNEL_RECORD_BYTES_MAX = 4 * 1_048_576;

// Pairing (10)
export const PAIR_SLOT_MS = 10 * 60_000;
/** Slots are drawn among these at least: a guess at one mostly meets nobody. */
export const PAIR_SLOTS_MIN = 999;
export const PAIR_SLOTS_MAX = 10_000;
export const PAIR_SLOTS_PER_LINK_MAX = 4;
/** One source cannot take all slots: it would need forty addresses. */
export const PAIR_SLOTS_PER_ADDRESS_MAX = 256;
export const PAIR_JOINS_PER_LINK = 5;
export const PAIR_JOINS_PER_ADDRESS = 60;
export const PAIR_JOINS_WINDOW_MS = 60_000;
export const PAIR_MESSAGE_BYTES_MAX = 512;
/** A pairing partner answers each step without a person. */
export const PAIR_STEP_TIMEOUT_MS = 20_000;
/** Words of a code: 22 bits, which one guess a code makes enough, up to 66. */
export const PAIR_WORDS_MIN = 2;
export const PAIR_WORDS_MAX = 6;
/** A code as it is typed: ten digits, six words of eight letters, and room for stray blanks. */
export const PAIR_CODE_LENGTH_MAX = 128;
/** Codes that one opening may burn: eight guesses at 22 bits stay below one in 500,000. */
export const PAIR_CODES_MAX = 8;

// Session and records (8)
export const SESSION_SECONDS_DEFAULT = 5;
export const SESSION_SECONDS_MIN = 1;
export const SESSION_SECONDS_MAX = 60;
/** Grace of the receiver over the sender's clock: one record may be sealed at the last moment. */
export const SESSION_GRACE_MS = 250;
/** By the receiver's own clock, on a live pipe: the session's life and a minute of buffers. */
export const SESSION_ARRIVAL_MS_MAX = 65_000;
export const SESSION_RECORDS_MAX = 65_536;
export const SESSION_BYTES_MAX = 2 ** 32;
export const RECORD_BYTES_MAX = 1_048_576;
/** Smallest record a slow path is cut to, so that one record never takes longer than a session. */
export const RECORD_BYTES_MIN = 16_384;
export const SESSION_BODY_BYTES_MAX = 1_024;
export const REVERSE_BODY_BYTES_MAX = 256;
/** What a side signs of a content, beside the last digest: a digest, a time and a signature. */
export const STATEMENT_BYTES_MAX = 128;
export const DAMAGED_PER_SESSION_MAX = 16;
/** And one more for each `RECORD_BYTES_MAX` verified: a long file meets more than a short one. */
export const DAMAGED_PER_TRANSFER_MAX = 64;
/**
 * Pipes that one transfer may use up, each after the one before broke. A path that breaks more of
 * them will not be better for the next; a person is told.
 */
export const PIPES_PER_TRANSFER_MAX = 4;
/** No byte came for this long in the middle of a frame: its length was a wrong one. */
export const FRAME_STALL_MS_MAX = 10_000;
/**
 * Nothing new is verified for this long, though something is under way and no `pause` is in force,
 * or the receiver says nothing at all: the sender takes the pipe for broken. A path on which one
 * record takes longer outlives no session key either.
 */
export const PIPE_STALLED_MS = 120_000;
/**
 * A receiver gives a transfer up whose sender says that it is there and brings nothing new for this
 * long, though nobody here is asked and no disk is waited for: it may have room for one alone. What
 * is sent may sleep for ever only where it has no end: `tail -f`. What came is kept.
 */
export const IDLE_TRANSFER_MS = 10 * 60_000;
/** Sent and not yet reported as verified: what a stream's sender must be able to repeat. */
export const UNVERIFIED_BYTES_MAX = 64 * 1_048_576;
/** The same in records: a stream may come in records of one byte, and each keeps its tag. */
export const UNVERIFIED_RECORDS_MAX = 65_536;
export const PROGRESS_EVERY_RECORDS = 4_096;
/** Session keys that may be under way when damage is met; the next one is beyond them all. */
export const SESSIONS_UNDER_WAY_MAX = 64;
/**
 * On a fast path little more than this is under way, so that a cut costs little: of 2 GiB cut fifty
 * times a twentieth goes twice. Each report costs three programs a wake-up.
 */
export const PROGRESS_EVERY_BYTES = 3 * 1_048_576;
export const PROGRESS_EVERY_MS = 250;
/** A slow path is given records that take about this long. */
export const RECORD_TARGET_MS = 500;
/** What the receiver may have and not have reported: on a slow path by time, else by bytes. */
export const UNREPORTED_TARGET_MS = 2 * PROGRESS_EVERY_MS;
export const UNREPORTED_BYTES_MAX = PROGRESS_EVERY_BYTES + RECORD_BYTES_MAX;
/** First record and first window of a transfer: little, until the path has shown what it takes. */
export const RECORD_BYTES_START = 65_536;
export const WINDOW_BYTES_MIN = 262_144;
/** A sink that takes nothing for this long: the sender is asked to wait. */
export const PAUSE_AFTER_MS = 1_000;
/** The other side has gone: how long what it sent before is still taken. */
export const LAST_BYTES_MS = 1_000;
/** After the last word on a pipe, how long the other end has to close it. */
export const PIPE_LINGER_MS = 5_000;

// Transfers (9)
/** A message that rides in the envelope; a longer one goes through a pipe. */
export const MESSAGE_INLINE_BYTES_MAX = 49_152;
/** The longest message shown to a person; anything longer is a file. */
export const MESSAGE_BYTES_MAX = 1_048_576;
export const FILE_NAME_BYTES_MAX = 1_024;
export const HEADER_BYTES_MAX = 4_096;
/** A directory's list of entries: both ends hold it in memory whole. */
export const MANIFEST_BYTES_MAX = 64 * 1_048_576;
/** A signed receipt as text: names take up to six characters a byte, all else less than 1 KiB. */
export const SIGNED_RECEIPT_LENGTH_MAX = 16_384;
/** Five times what a large folder has; each costs both ends some 300 bytes while it is judged. */
export const MANIFEST_ENTRIES_MAX = 500_000;
/** Directories above an entry, and itself: what a system's path of 4 KiB can hardly exceed. */
export const MANIFEST_DEPTH_MAX = 128;
/** A whole path in it, and the target of a link: what Linux takes. */
export const MANIFEST_PATH_BYTES_MAX = 4_096;
export const MANIFEST_LINK_BYTES_MAX = 4_096;
/** The end of the year 9999: every later time is a mistake, and most systems cannot store it. */
export const MODIFIED_MS_MAX = 253_402_300_799_999;
export const TRANSFERS_AT_ONCE_MAX = 64;
/** Of them with one peer, so that one stranger cannot fill the table. */
export const TRANSFERS_OF_PEER_MAX = 16;
/**
 * Transfer ids a receiver remembers against replay; older ones are refused by their time. Beyond
 * 936 new ones a second, for all the 70 s that each stays, it says `busy`. Some 15 MiB when full.
 */
export const SEEN_TRANSFERS_MAX = 65_536;
/** A person decides about an offer. */
export const CONSENT_TIMEOUT_MS = 10 * 60_000;
/** A client answers a protocol step that needs no person. */
export const ANSWER_TIMEOUT_MS = 20_000;
/**
 * Before content goes on its sender reads and hashes what the receiver holds: it may take as long
 * as a busy memory card takes at 16 MiB a second.
 */
export const HELD_CHECK_BYTES_PER_MS = 16_384;
/**
 * The pair's next master key after the content has arrived; without it the next one goes by RSA.
 */
export const CLOSING_TIMEOUT_MS = 5_000;
/** A pipe ended: how long the relay has to say which side is gone. */
export const LOSS_REASON_MS = 1_500;

// This device (9)
/** A stored file's name: what the common file systems take. */
export const STORED_NAME_BYTES_MAX = 255;
/** Names tried beside an existing file, `.x.1.part` or `x (1)`, before giving up. */
export const STORED_NAME_TRIES_MAX = 1_000;
/**
 * An unfinished file is brought to the disk and noted when so much has come, but not more often
 * than a disk has time for; and a slow one at the latest after this long. A computer that loses
 * its power loses what came since.
 */
export const PART_SYNC_BYTES = 64 * 1_048_576;
export const PART_SYNC_INTERVAL_MS_MIN = 1_000;
export const PART_SYNC_INTERVAL_MS_MAX = 5_000;
/** A state file is read whole when it is checked at open; a pair takes about 200 bytes. */
export const STATE_BYTES_MAX = 256 * 1_048_576;
/** An RSA-3072 secret key in PKCS#8 takes about 1,800 bytes. */
export const RSA_PKCS8_BYTES_MAX = 2_048;
/** People a device knows; their channels take some 10 KiB each, 100 KiB when full of receipts. */
export const CONTACTS_MAX = 4_096;
/** Relays a device has pinned: a person adds them one by one. */
export const RELAY_PINS_MAX = 1_024;
/**
 * Ends of channels with peers who are no contacts; the least recently used go. Losing one costs an
 * `INIT`, and without a bound strangers could fill the device.
 */
export const STRANGERS_CHANNELS_MAX = 1_024;
/** Own key packages whose secrets are kept, of all relays and replies; the oldest go. */
export const STORED_PACKAGES_MAX = 2_048;
/** A passphrase; longer input is no passphrase but a mistake. */
export const PASSPHRASE_BYTES_MAX = 1_024;
/** Argon2id as a state file may demand it: the file's word must not take the machine's memory. */
export const PASSPHRASE_MEMORY_KIB_MAX = 1_048_576;
export const PASSPHRASE_PASSES_MAX = 64;
export const PASSPHRASE_LANES_MAX = 16;
/**
 * Unfinished contents a device remembers, of each role; the latest are kept. A sender that begins
 * many and ends none must not push out what others have begun, so of one peer it keeps fewer.
 */
export const UNFINISHED_MAX = 256;
export const UNFINISHED_OF_PEER_MAX = 64;
/** What it remembers of one: names, and paths, of which one command line may give thousands. */
export const UNFINISHED_RECORD_BYTES_MAX = 262_144;
/**
 * A content that is whole here is known for a while, should its sender not have heard so: a sender
 * that still tries does so twice a minute, and has few under way at once.
 */
export const WHOLE_KEPT_MS = 86_400_000;
export const WHOLE_KEPT_MAX = 32;
/**
 * Names noted of a whole directory's entries while they get them, 64 KiB at most: a kill in between
 * costs the others no copy, but their new names are not known any more.
 */
export const PART_NAMES_MAX = 256;
/**
 * How far a content has come is remembered at most so often, for the list that is looked at after a
 * kill: some milliseconds of its sender's time, and of the figure no more than a second is missing.
 */
export const UNFINISHED_NOTED_EVERY_MS = 1_000;
/**
 * The latest transfers of a content that a sender knows as such when a receipt comes late: as many
 * as a channel may have without one (`OUTBOX_MAX`).
 */
export const UNFINISHED_TRANSFERS_MAX = 32;
/** Contents in a row, each begun in place of the one before: what is kept of all of them goes. */
export const CONTENTS_REPLACED_MAX = 16;
/** Transfers of one content that break one after the other, without one more byte delivered. */
export const DELIVERY_TRIES_MAX = 5;
/**
 * Events that wait for an application which does not read them: then the oldest go. The other side
 * says how many there are, with a session key for each byte if it likes.
 */
export const EVENTS_WAITING_MAX = 1_024;
/** A path of this device: the longest that Linux takes. */
export const PATH_BYTES_MAX = 4_096;
/** A message that rides in envelopes, from its acceptance to its last word: 48 KiB at most. */
export const INLINE_TIMEOUT_MS = 60_000;
