/**
 * Codes that one person tells another: `37-crystal-velvet`. docs/protocol-pairing.md 10.1.
 *
 * The slot is public; the words are the secret. Words are of BIP-39's English list: 2,048, each of
 * 3 to 8 letters, each told apart by its first four.
 *
 * @module
 */
import { wordlist } from "@scure/bip39/wordlists/english.js";
import { utf8, wipe } from "../bytes.ts";
import type { Suite } from "../crypto.ts";
import { PosternError } from "../errors.ts";
import { PAIR_CODE_LENGTH_MAX, PAIR_WORDS_MAX, PAIR_WORDS_MIN } from "../limits.ts";

export interface PairingCode {
  /** A u32, where to meet. */
  readonly slot: number;
  /** Whole, in lower case. */
  readonly words: readonly string[];
}

const WORDS: readonly string[] = wordlist;
const WORD_LETTERS_MAX = 8;
/** As many letters tell any two words apart. */
const LETTERS_THAT_TELL = 4;
const SLOT = /^\d{1,10}$/;
const U32_MAX = 0xffff_ffff;
/** Blanks and dashes of any kind: people's keyboards and messengers change both. */
const BETWEEN = /[\s\p{Dash_Punctuation}]+/u;

/**
 * Words for a new code, each with 11 random bits.
 *
 * @throws {@link PosternError} `usage/invalid-argument` unless `count` is one of 2 to 6.
 */
export function makeWords(suite: Suite, count: number): readonly string[] {
  requireWordCount(count);
  const chance = suite.random(2 * count);
  // 2,048 divides 65,536: the low 11 bits of two bytes are as uniform as the bytes.
  const words = Array.from(
    { length: count },
    (_, i) => WORDS[((chance[2 * i]! << 8) | chance[2 * i + 1]!) % WORDS.length]!,
  );
  wipe(chance);
  return words;
}

export function formatCode({ slot, words }: PairingCode): string {
  return [slot, ...words].join("-");
}

/**
 * Takes a code as people type it: any case, blanks for hyphens, words cut to four letters or more.
 *
 * @throws {@link PosternError} `pairing/invalid-code`. `details.reason` is `slot`, `words` (too few
 *   or too many) or `unknown-word`; then `details.word` is the word's place, 1 for the first. What
 *   was typed is nearly the secret, so it is not in the error.
 */
export function parseCode(text: string): PairingCode {
  if (text.length > PAIR_CODE_LENGTH_MAX) throw invalidCode("words");
  const parts = text
    .normalize("NFKC")
    .toLowerCase()
    .split(BETWEEN)
    .filter((part) => part !== "");
  const [first = "", ...typed] = parts;
  const slot = Number(first);
  if (!SLOT.test(first) || slot > U32_MAX) throw invalidCode("slot");
  if (typed.length < PAIR_WORDS_MIN || typed.length > PAIR_WORDS_MAX) throw invalidCode("words");
  return { slot, words: typed.map((word, i) => wholeWord(word) ?? unknownWord(i + 1)) };
}

/** What a word that begins like this can become, in the list's order; all for the empty prefix. */
export function completeWord(prefix: string): readonly string[] {
  if (prefix.length > WORD_LETTERS_MAX) return [];
  const start = prefix.toLowerCase();
  return WORDS.filter((word) => word.startsWith(start));
}

/** PRS of 10.2: the words joined by `-`. */
export function passwordOf(words: readonly string[]): Uint8Array {
  return utf8(words.join("-"));
}

/** @throws {@link PosternError} `usage/invalid-argument` unless it is one of 2 to 6. */
export function requireWordCount(count: number): void {
  if (Number.isInteger(count) && count >= PAIR_WORDS_MIN && count <= PAIR_WORDS_MAX) return;
  const details = { field: "words", min: PAIR_WORDS_MIN, max: PAIR_WORDS_MAX };
  throw new PosternError("usage/invalid-argument", "words: out of range", details);
}

function wholeWord(typed: string): string | undefined {
  const candidates = completeWord(typed);
  // A word may be the start of others, as `add` is of `address`: it stands for itself.
  if (candidates.includes(typed)) return typed;
  return typed.length >= LETTERS_THAT_TELL ? candidates[0] : undefined;
}

function unknownWord(word: number): never {
  throw invalidCode("unknown-word", { word });
}

function invalidCode(reason: string, where: { readonly word?: number } = {}) {
  return new PosternError("pairing/invalid-code", `no pairing code: ${reason}`, {
    reason,
    ...where,
  });
}
