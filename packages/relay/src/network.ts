/**
 * What counts as one network address when a limit is for each: a whole IPv4 address, and of IPv6
 * the /64 that a network hands to one of its users, who may take any address in it.
 *
 * @module
 */
import { isIPv6 } from "node:net";

const IPV6_GROUPS = 8;
const PREFIX_GROUPS = 4;
/** An IPv6 address may end in dots; they stand for two groups. */
const DOTTED_END = /\d+\.\d+\.\d+\.\d+$/;
const MAPPED_IPV4 = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i;

/** A key for `address` as a socket says it; equal for addresses that count as one. */
export function networkOf(address: string): string {
  const mapped = MAPPED_IPV4.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  if (!isIPv6(address)) return address;
  const [withoutZone = ""] = address.split("%");
  const [head = "", tail] = withoutZone.replace(DOTTED_END, "0:0").split("::");
  const groups = groupsOf(head);
  if (tail !== undefined) {
    const behind = groupsOf(tail);
    const gap = IPV6_GROUPS - groups.length - behind.length;
    groups.push(...Array.from({ length: gap }, () => "0"), ...behind);
  }
  const prefix = groups.slice(0, PREFIX_GROUPS);
  return `${prefix.map((group) => parseInt(group, 16).toString(16)).join(":")}::/64`;
}

function groupsOf(text: string): string[] {
  return text === "" ? [] : text.split(":");
}
