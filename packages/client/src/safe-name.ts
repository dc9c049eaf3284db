/**
 * A file name chosen by a peer, made into one name that every common system stores as it stands and
 * every terminal shows as it is (docs/protocol.md 9).
 *
 * Invariants: a name that points somewhere is refused, never repaired. What is dangerous to store
 * or to show becomes `%XX` of its UTF-8 bytes, and `%` that would read as one becomes `%25`:
 * decoding gives the peer's name back, unless it was too long. Letters of every script stay as they
 * are, in the normalization form they came in.
 *
 * @module
 */
import { utf8 } from "@postern/core/bytes";
import { PosternError } from "@postern/core/errors";
import { FILE_NAME_BYTES_MAX, STORED_NAME_BYTES_MAX } from "@postern/core/limits";

/** Two characters may still become three bytes each after a name was shortened. */
const SHORTENED_BYTES_MAX = STORED_NAME_BYTES_MAX - 4;

/**
 * The name to store, at most `STORED_NAME_BYTES_MAX` bytes. Not idempotent: `%` is escaped.
 *
 * @throws {@link PosternError} `store/unsafe-name` for a path, `.`, `..`, a drive, an empty or
 * overlong name, or one with NUL or half a surrogate pair; `details.reason` says which.
 */
export function safeFileName(name: string): string {
  if (PLAIN.test(name) && !RESERVED.test(name)) return name;
  refuseUnsafe(name);
  const characters = Array.from(name);
  const mapped = characters
    .map((character, at) => (isPlain(characters, at) ? character : escaped(character)))
    .join("");
  const whole = mapEnds(mapped);
  if (utf8(whole).length <= STORED_NAME_BYTES_MAX) return whole;
  return mapEnds(shortenName(mapped, SHORTENED_BYTES_MAX));
}

/** Most names need no look at each character: there may be hundreds of thousands of them. */
const PLAIN = /^(?:\w|\.(?=[\w-]))(?:[\w .()+,;=@#&-]{0,252}[\w()+,;=@#&-])?$/u;

/** `report (1).pdf`: the n-th other name for a file whose own name is taken. */
export function numberedName(name: string, n: number): string {
  const mark = ` (${n})`;
  const { stem, extension } = split(shortenName(name, STORED_NAME_BYTES_MAX - mark.length));
  return stem + mark + extension;
}

/** Cuts the stem at a character border, keeping the extension. */
export function shortenName(name: string, bytesMax: number): string {
  const { stem, extension } = split(name);
  const characters = stem.match(/%[0-9A-F]{2}|./gsu) ?? [];
  let bytes = utf8(name).length;
  while (bytes > bytesMax && characters.length > 1) bytes -= utf8(characters.pop() ?? "").length;
  return characters.join("") + extension;
}

function refuseUnsafe(name: string): void {
  if (name === "") throw unsafe("empty");
  if (!name.isWellFormed()) throw unsafe("half a surrogate pair");
  // Bounds the work below before anything looks at the characters.
  if (utf8(name).length > FILE_NAME_BYTES_MAX) throw unsafe(`over ${FILE_NAME_BYTES_MAX} bytes`);
  if (name === "." || name === "..") throw unsafe("a directory");
  const character = /[/\\\0]/u.exec(name)?.[0];
  if (character !== undefined)
    throw unsafe(character === "\0" ? "a NUL" : "a path separator", character);
  if (/^[a-z]:/iu.test(name)) throw unsafe("a drive", ":");
}

function unsafe(reason: string, character?: string): PosternError {
  const codePoint = character?.codePointAt(0)?.toString(16).toUpperCase().padStart(4, "0");
  return new PosternError("store/unsafe-name", `unsafe file name: ${reason}`, {
    reason,
    ...(codePoint !== undefined && { character: `U+${codePoint}` }),
  });
}

/** What Windows refuses in a name; `:` also opens a stream of the file. */
const FORBIDDEN = /[<>:"|?*]/u;
/**
 * Controls, line and paragraph separators, bidi and other invisible format characters, and fillers
 * that show nothing.
 */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\u034F\u3164\uFFA0]/u;
/** Format characters that are drawn: Arabic and Kaithi number signs, Egyptian joiners. */
const DRAWN = /[\u0600-\u0605\u06DD\u070F\u0890\u0891\u08E2\u{110BD}\u{110CD}\u{13430}-\u{1343F}]/u;
/** Zero-width joiner and non-joiner: spelling in Persian, the Indic scripts and emoji. */
const JOINER = /[\u200C\u200D]/u;
const JOINED = /[\p{L}\p{M}\p{Extended_Pictographic}\p{Emoji_Modifier}]/u;
/** Scripts that are never spelt with joiners: there one only hides. */
const UNJOINED = /[\p{Script=Latin}\p{Script=Greek}\p{Script=Cyrillic}]/u;

function isPlain(characters: readonly string[], at: number): boolean {
  const character = characters[at] ?? "";
  const before = characters[at - 1] ?? "";
  const next = characters[at + 1] ?? "";
  if (character === "%") return !/^[0-9a-f]{2}/iu.test(next + (characters[at + 2] ?? ""));
  if (FORBIDDEN.test(character)) return false;
  if (JOINER.test(character))
    return JOINED.test(before) && JOINED.test(next) && !UNJOINED.test(before + next);
  return !INVISIBLE.test(character) || DRAWN.test(character);
}

/** Device names of Windows, with any extension and spaces before it. */
const RESERVED = /^(?:con|prn|aux|nul|clock\$|conin\$|conout\$|(?:com|lpt)[0-9¹²³]) *(?:\.|$)/iu;

/** Windows drops dots and spaces at the end, and takes some names for devices. */
function mapEnds(name: string): string {
  const ended = name.replace(/[.\p{Zs}]$/u, escaped);
  return RESERVED.test(ended) ? escaped(ended.charAt(0)) + ended.slice(1) : ended;
}

function escaped(character: string): string {
  let text = "";
  for (const byte of utf8(character))
    text += `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  return text;
}

/** `.bashrc` is all stem; `.tar.gz` is one extension. */
function split(name: string): { readonly stem: string; readonly extension: string } {
  const match = /^(.+?)((?:\.tar)?\.[^.\s]{1,32})$/su.exec(name);
  return { stem: match?.[1] ?? name, extension: match?.[2] ?? "" };
}
