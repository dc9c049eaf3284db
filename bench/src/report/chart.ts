/** Bars of text, in eighths of a character. @module */

export interface Bar {
  readonly name: string;
  readonly value: number;
  /** As the table shows it. */
  readonly shown: string;
}

const WIDTH = 40;
const EIGHTHS = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"] as const;

/** A line for each; the longest bar takes the whole width. */
export function renderChart(bars: readonly Bar[]): string[] {
  const largest = Math.max(...bars.map(({ value }) => value));
  const nameWidth = Math.max(...bars.map(({ name }) => name.length));
  return bars.map(({ name, value, shown }) => {
    const eighths = largest > 0 ? Math.round((value / largest) * WIDTH * 8) : 0;
    const bar = "█".repeat(Math.floor(eighths / 8)) + EIGHTHS[eighths % 8];
    return `${name.padEnd(nameWidth)} ${bar} ${shown}`;
  });
}
