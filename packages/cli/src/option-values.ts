/** Values that options take: rates, durations, seconds, names, addresses. @module */
import {
  RELAY_PORT_DEFAULT,
  formatRelayAddress,
  isName,
  parseRelayAddress,
} from "@postern/core/identity";
import { SESSION_SECONDS_MAX, SESSION_SECONDS_MIN } from "@postern/core/limits";
import { usageFailure } from "./failures.ts";
import { safeText } from "./terminal/safe-text.ts";

const RATE_FACTORS: Readonly<Record<string, number>> = { "": 1, k: 1e3, m: 1e6, g: 1e9 };
const DURATION_FACTORS: Readonly<Record<string, number>> = {
  ms: 1,
  "": 1e3,
  s: 1e3,
  m: 60e3,
  h: 3_600e3,
};
/** Timers hold 31 bits of milliseconds. */
const DURATION_MS_MAX = 2 ** 31 - 1;

/** `500K`, `2.5M`, `1G`, `300`: bytes per second. */
export function parseRate(text: string): number {
  const match = /^(\d{1,9}(?:\.\d{1,6})?)([kmg]?)$/i.exec(text);
  const rate = match === null ? 0 : Number(match[1]) * RATE_FACTORS[match[2]!.toLowerCase()]!;
  if (rate >= 1) return Math.floor(rate);
  throw wrongValue("--limit", text, "a rate in bytes per second", "500K, 5M or 1G");
}

/** `30s`, `5m`, `1h`, `250ms`; a bare number is seconds. Milliseconds. */
export function parseDuration(text: string): number {
  const match = /^(\d{1,9}(?:\.\d{1,3})?)(ms|s|m|h|)$/.exec(text);
  const ms = match === null ? 0 : Math.round(Number(match[1]) * DURATION_FACTORS[match[2]!]!);
  if (ms >= 1 && ms <= DURATION_MS_MAX) return ms;
  throw wrongValue("--timeout", text, "a duration", "30s, 5m or 1h");
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
