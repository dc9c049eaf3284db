/** Values that options take: rates, durations, seconds, names, addresses. @module */
import {
  RELAY_PORT_DEFAULT,
  formatRelayAddress,
  isName,
  parseRelayAddress,
} from "@postern/core/identity";
import {
  SESSION_SECONDS_MAX,
  SESSION_SECONDS_MIN,
  TRANSFERS_AT_ONCE_MAX,
} from "@postern/core/limits";
import { usageFailure } from "./failures.ts";
import { safeText } from "./terminal/safe-text.ts";

const RATE_FACTORS: Readonly<Record<string, number>> = { "": 1, k: 1e3, m: 1e6, g: 1e9 };
const SIZE_FACTORS: Readonly<Record<string, number>> = { ...RATE_FACTORS, t: 1e12 };
const DURATION_FACTORS: Readonly<Record<string, number>> = {
  ms: 1,
  "": 1e3,
  s: 1e3,
  m: 60e3,
  h: 3_600e3,
};
const AGE_FACTORS: Readonly<Record<string, number>> = { ...DURATION_FACTORS, d: 86_400e3 };
/** Timers hold 31 bits of milliseconds. */
const DURATION_MS_MAX = 2 ** 31 - 1;

/** `500K`, `2.5M`, `1G`, `300`: bytes per second. */
export function parseRate(text: string): number {
  const match = /^(\d{1,9}(?:\.\d{1,6})?)([kmg]?)$/i.exec(text);
  const rate = match === null ? 0 : Number(match[1]) * RATE_FACTORS[match[2]!.toLowerCase()]!;
  if (rate >= 1) return Math.floor(rate);
  throw wrongValue("--limit", text, "a rate in bytes per second", "500K, 5M or 1G");
}

/** `10G`, `300M`, `1.5T`, `1000`: bytes, of the disk's units. */
export function parseSize(option: string, text: string): number {
  const match = /^(\d{1,9}(?:\.\d{1,6})?)([kmgt]?)b?$/i.exec(text);
  const bytes = match === null ? 0 : Number(match[1]) * SIZE_FACTORS[match[2]!.toLowerCase()]!;
  if (bytes >= 1 && bytes <= Number.MAX_SAFE_INTEGER) return Math.floor(bytes);
  throw wrongValue(option, text, "a size in bytes", "300M, 10G or 1T");
}

/** `30s`, `5m`, `1h`, `250ms`; a bare number is seconds. Milliseconds. */
export function parseDuration(text: string): number {
  const ms = milliseconds(text, DURATION_FACTORS);
  if (ms >= 1 && ms <= DURATION_MS_MAX) return ms;
  throw wrongValue("--timeout", text, "a duration", "30s, 5m or 1h");
}

/** `7d`, `12h`: how long ago. Milliseconds. */
export function parseAge(option: string, text: string): number {
  const ms = milliseconds(text, AGE_FACTORS);
  if (ms >= 0) return ms;
  throw wrongValue(option, text, "an age", "7d, 12h or 30m");
}

/** -1 when it is no duration. */
function milliseconds(text: string, factors: Readonly<Record<string, number>>): number {
  const match = /^(\d{1,9}(?:\.\d{1,3})?)([a-z]{0,2})$/.exec(text);
  const factor = match === null || !Object.hasOwn(factors, match[2]!) ? -1 : factors[match[2]!]!;
  return factor < 0 ? -1 : Math.round(Number(match![1]) * factor);
}

/** Transfers at once. */
export function parseCapacity(text: string): number {
  const count = /^\d{1,3}$/.test(text) ? Number(text) : 0;
  if (count >= 1 && count <= TRANSFERS_AT_ONCE_MAX) return count;
  throw wrongValue("--capacity", text, "a number of transfers", `1 to ${TRANSFERS_AT_ONCE_MAX}`);
}

/** `ann,ben,cy`: each once. */
export function parseNames(option: string, text: string): readonly string[] {
  const names = text.split(",").map((name) => parseName(option, name.trim()));
  return [...new Set(names)];
}

export function parseSessionSeconds(text: string): number {
  const seconds = /^\d{1,3}$/.test(text) ? Number(text) : 0;
  if (seconds >= SESSION_SECONDS_MIN && seconds <= SESSION_SECONDS_MAX) return seconds;
  const range = `${SESSION_SECONDS_MIN} to ${SESSION_SECONDS_MAX}`;
  throw wrongValue("--session-seconds", text, "a number of seconds", range);
}

/** @param option what to blame: `--to`, `--name`, ... */
export function parseName(option: string, text: string): string {
  if (isName(text)) return text;
  throw wrongValue(option, text, "a name", "1 to 32 of a-z 0-9 . _ -");
}

/** A relay in full form, and how messages call it. */
export interface RelayOption {
  readonly address: string;
  /** `HOST:PORT` */
  readonly shown: string;
}

export function parseRelay(text: string): RelayOption {
  try {
    const address = parseRelayAddress(text);
    const { host, port } = address;
    return { address: formatRelayAddress(address), shown: shownAddress(host, port) };
  } catch {
    const form = "HOST:PORT or postern://HOST:PORT#FINGERPRINT";
    throw wrongValue("--relay", text, "a relay's address", form);
  }
}

/** `HOST:PORT`, `:PORT` or `HOST`; port 0 lets the system choose. */
export function parseListen(text: string): { readonly host: string; readonly port: number } {
  const match = /^(\[[0-9a-f:.]+\]|[^\s:/[\]#@?]*)(?::(\d{1,5}))?$/i.exec(text);
  const port = match?.[2] === undefined ? RELAY_PORT_DEFAULT : Number(match[2]);
  if (match === null || text === "" || port > 65_535)
    throw wrongValue("--listen", text, "a place to listen", "127.0.0.1:9999 or 0.0.0.0:9999");
  const host = match[1]!.replace(/^\[|\]$/g, "");
  return { host: host === "" ? "0.0.0.0" : host, port };
}

export function shownAddress(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

function wrongValue(option: string, text: string, wanted: string, examples: string): Error {
  return usageFailure(
    `${option} does not understand "${safeText(text.slice(0, 80))}"`,
    `it takes ${wanted}`,
    `write ${examples}`,
  );
}
