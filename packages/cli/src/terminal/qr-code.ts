/**
 * A QR code for a terminal, two rows of modules in one line of half blocks. With colours it brings
 * its own black and white, so that it can be scanned on dark and light backgrounds; without them it
 * is drawn for a dark one.
 *
 * @module
 */
import { encode } from "uqr";

/** Light modules around the code: ISO/IEC 18004 asks for four. */
const QUIET_MODULES = 4;
/** Black on white of the 256 colours: the first 16 are what a theme makes of them. */
const BLACK_ON_WHITE = "\u001b[38;5;16;48;5;231m";
const RESET = "\u001b[0m";

/** Lines without a line feed; each is as many columns wide as the first has blocks. */
export function renderQrCode(text: string, hasColor: boolean): string[] {
  const { data } = encode(text, { ecc: "L", border: QUIET_MODULES });
  const lines: string[] = [];
  for (let row = 0; row < data.length; row += 2) {
    const upper = data[row] ?? [];
    // An odd number of rows ends with one of light modules.
    const lower = data[row + 1] ?? upper.map(() => false);
    const blocks = upper.map((isDark, column) => block(isDark, lower[column] === true, hasColor));
    lines.push(hasColor ? `${BLACK_ON_WHITE}${blocks.join("")}${RESET}` : blocks.join(""));
  }
  return lines;
}

/** @param hasColor ink is dark; else ink is the light of a dark terminal */
function block(upper: boolean, lower: boolean, hasColor: boolean): string {
  const top = upper === hasColor;
  const bottom = lower === hasColor;
  if (top) return bottom ? "█" : "▀";
  return bottom ? "▄" : " ";
}
