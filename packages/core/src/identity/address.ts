/**
 * Where a relay is and, when known, which key it has: `postern://HOST:PORT#FP`.
 * docs/protocol.md 3.
 *
 * Invariant: a text that carries a pin never gives an address without one. A pin that is cut
 * short, mistyped or empty is refused, or a relay would be trusted on first use unnoticed.
 *
 * @module
 */
import { PosternError } from "../errors.ts";
import { ADDRESS_LENGTH_MAX } from "../limits.ts";
import { formatFingerprint, parseFingerprint } from "./fingerprint.ts";

export interface RelayAddress {
  /** A name or an address as `net.connect` takes it: lower case, IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
  /** The pin, 32 bytes. */
  readonly fingerprint?: Uint8Array;
}

export const RELAY_PORT_DEFAULT = 9_999;

const SCHEME = "postern://";
/** URL drops blanks and line ends silently; names in other scripts are written in Punycode. */
const VISIBLE_ASCII = /^[\x21-\x7e]+$/;

/**
 * Takes `HOST`, `HOST:PORT`, `[IPV6]:PORT`, each with or without `postern://` and `#FP`.
 *
 * @throws {@link PosternError} `usage/invalid-argument`
 */
export function parseRelayAddress(text: string): RelayAddress {
  if (text.length > ADDRESS_LENGTH_MAX || !VISIBLE_ASCII.test(text)) throw invalid("text");
  const url = parseUrl(text.includes("://") ? text : SCHEME + text);
  if (url.protocol !== "postern:") throw invalid("scheme");
  if (!["", "/"].includes(url.pathname) || /[?@]/.test(text)) throw invalid("path or user");
  const address = { host: canonicalHost(url.hostname), port: parsePort(url.port) };
  if (!text.includes("#")) return address;
  const fingerprint = parseFingerprint(url.hash.slice(1));
  if (fingerprint === undefined) throw invalid("fingerprint");
  return { ...address, fingerprint };
}

/** The full form; {@link parseRelayAddress} gives the same address back. */
export function formatRelayAddress(address: RelayAddress): string {
  const host = address.host.includes(":") ? `[${address.host}]` : address.host;
  const pin = address.fingerprint && `#${formatFingerprint(address.fingerprint)}`;
  return `${SCHEME}${host}:${address.port}${pin ?? ""}`;
}

function parseUrl(text: string): URL {
  const url = URL.parse(text);
  if (url === null) throw invalid("form");
  return url;
}

/** Only for schemes that URL knows does it check and canonicalise the host. */
function canonicalHost(host: string): string {
  if (host === "" || host.includes("%")) throw invalid("host");
  const canonical = parseUrl(`http://${host}`).hostname;
  return canonical.startsWith("[") ? canonical.slice(1, -1) : canonical;
}

function parsePort(text: string): number {
  const port = text === "" ? RELAY_PORT_DEFAULT : Number(text);
  if (port === 0) throw invalid("port");
  return port;
}

function invalid(field: string): PosternError {
  return new PosternError("usage/invalid-argument", `relay address: ${field}`, { field });
}
