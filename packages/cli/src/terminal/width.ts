/** Columns a text takes on a terminal: wide East Asian characters and emoji take two. @module */
const WIDE = new RegExp(
  `[${[
    String.raw`\p{Emoji_Presentation}\u{1100}-\u{115f}\u{2e80}-\u{303e}\u{3041}-\u{a4cf}`,
    String.raw`\u{a960}-\u{a97f}\u{ac00}-\u{d7a3}\u{f900}-\u{faff}\u{fe30}-\u{fe6f}`,
    String.raw`\u{ff01}-\u{ff60}\u{ffe0}-\u{ffe6}\u{20000}-\u{3fffd}`,
  ].join("")}]`,
  "u",
);
const MARK = /[\p{M}\u{200c}\u{200d}]/u;

export function displayWidth(text: string): number {
  let width = 0;
  for (const character of text) width += widthOf(character);
  return width;
}

/** Shortens in the middle, so that the beginning and the extension of a file name stay. */
export function fitWidth(text: string, columns: number): string {
  if (displayWidth(text) <= columns) return text;
  if (columns < 3) return columns > 0 ? "…".slice(0, columns) : "";
  const characters = Array.from(text);
  const tail = takeWhile(characters.toReversed(), Math.floor((columns - 1) / 2)).toReversed();
  const head = takeWhile(characters, columns - 1 - displayWidth(tail.join("")));
  return `${head.join("")}…${tail.join("")}`;
}

/** Fills up with blanks. */
export function padWidth(text: string, columns: number): string {
  return text + " ".repeat(Math.max(0, columns - displayWidth(text)));
}

function takeWhile(characters: readonly string[], columns: number): string[] {
  const taken: string[] = [];
  let width = 0;
  for (const character of characters) {
    width += widthOf(character);
    if (width > columns) break;
    taken.push(character);
  }
  return taken;
}

function widthOf(character: string): number {
  if (MARK.test(character)) return 0;
  return WIDE.test(character) ? 2 : 1;
}
