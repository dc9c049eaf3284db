/**
 * Text chosen by others (names, file names, messages, whatever a relay says) made safe to print.
 * A terminal obeys control characters and reorders text at bidi controls, so none of them gets
 * through: each is shown as `\u{...}`. Everything else, in every script, passes unchanged.
 *
 * @module
 */

/** Marks that follow one character: no script needs more, more of them run over other lines. */
const MARKS_IN_A_ROW_MAX = 16;

/**
 * Unseen or obeyed: Cc (C0, DEL, C1), Cf and Cs by hand, so that the joiners inside emoji and
 * Persian words (U+200C, U+200D) remain, and the line separators.
 */
const DANGEROUS = new RegExp(
  `[${[
    String.raw`\p{Cc}\p{Cs}\u{ad}\u{61c}\u{180e}\u{200b}\u{200e}\u{200f}\u{2028}-\u{202e}`,
    String.raw`\u{2060}-\u{206f}\u{feff}\u{fff9}-\u{fffb}\u{1d173}-\u{1d17a}\u{e0000}-\u{e0fff}`,
  ].join("")}]`,
  "gu",
);

const MARK_HEAP = new RegExp(`(\\p{M}{${MARKS_IN_A_ROW_MAX}})\\p{M}+`, "gu");

/** One line: line breaks and tabs are shown as well. */
export function safeText(text: string): string {
  return text.replace(MARK_HEAP, "$1…").replace(DANGEROUS, visible);
}

/** A message on a terminal: keeps line feeds and tabs, shows every other control character. */
export function safeLines(text: string): string {
  return text
    .replaceAll("\r\n", "\n")
    .split("\n")
    .map((line) => line.split("\t").map(safeText).join("\t"))
    .join("\n");
}

/** JSON that is inert on a terminal too: what {@link safeText} shows is written as `\uXXXX`. */
export function safeJson(value: unknown): string {
  return JSON.stringify(value).replace(DANGEROUS, (character) => {
    let escaped = "";
    for (let i = 0; i < character.length; i++)
      escaped += `\\u${character.charCodeAt(i).toString(16).padStart(4, "0")}`;
    return escaped;
  });
}

function visible(character: string): string {
  return `\\u{${character.codePointAt(0)!.toString(16)}}`;
}
