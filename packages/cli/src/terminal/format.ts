/** Numbers as people read them: decimal units, as disks and networks are sold. @module */
const UNITS = ["B", "KB", "MB", "GB", "TB", "PB", "EB"];

/** `3.1 GB`, `84 MB`, `512 B`. */
export function formatBytes(bytes: number): string {
  const unit = unitFor(bytes);
  return `${scaled(bytes, unit)} ${UNITS[unit]}`;
}

/** `1.9/3.1 GB`: both in the unit of the total. */
export function formatPart(bytes: number, total: number): string {
  const unit = unitFor(total);
  return `${scaled(bytes, unit)}/${scaled(total, unit)} ${UNITS[unit]}`;
}

export function formatRate(bytesPerSecond: number): string {
  return `${formatBytes(bytesPerSecond)}/s`;
}

/** `0:14`, `12:05`, `3:02:11`. */
export function formatClock(milliseconds: number): string {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  const two = (value: number): string => String(value).padStart(2, "0");
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor(seconds / 60) % 60;
  const rest = two(seconds % 60);
  return hours > 0 ? `${hours}:${two(minutes)}:${rest}` : `${minutes}:${rest}`;
}

/** `0.4 s`, `12 s`, `3:05 min`. */
export function formatSeconds(milliseconds: number): string {
  const seconds = milliseconds / 1000;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  return seconds < 100 ? `${Math.round(seconds)} s` : `${formatClock(milliseconds)} min`;
}

/** `3 days`, `2 hours`, `12 seconds`; never negative, though a clock may be set back. */
export function formatAge(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  for (const [unit, noun] of AGES)
    if (seconds >= 2 * unit) return plural(Math.floor(seconds / unit), noun);
  return plural(seconds, "second");
}

const AGES = [
  [86_400, "day"],
  [3_600, "hour"],
  [60, "minute"],
] as const;

export function plural(count: number, noun: string, nouns = `${noun}s`): string {
  return `${count} ${count === 1 ? noun : nouns}`;
}

/** `45 %`, of the unknown nothing; 100 only when all of it is there. */
export function formatShare(bytes: number, total: number | undefined): string | undefined {
  return total === undefined || total === 0 || bytes > total
    ? undefined
    : `${Math.floor((100 * bytes) / total)} %`;
}

function unitFor(bytes: number): number {
  let unit = 0;
  // 999.5 would be shown as 1000 of the smaller unit.
  while (bytes >= 999.5 * 1000 ** unit && unit < UNITS.length - 1) unit++;
  return unit;
}

function scaled(bytes: number, unit: number): string {
  const value = bytes / 1000 ** unit;
  if (unit === 0) return String(Math.round(value));
  return value < 9.95 ? value.toFixed(1) : String(Math.round(value));
}
