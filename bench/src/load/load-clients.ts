/** Many clients with identities of their own, and their links. @module */
import { randomBytes } from "node:crypto";

import type { Suite } from "@postern/core/crypto";
import { createIdentity, type RelayAddress } from "@postern/core/identity";

import { LoadLink, type LoadClient } from "./load-link.ts";

/**
 * They share one link key, which takes time to make and says nothing of an identity. Their names
 * are nobody's yet.
 */
export function makeClients(suite: Suite, count: number): LoadClient[] {
  const linkKey = suite.generateKem();
  const token = randomBytes(4).toString("hex");
  return Array.from({ length: count }, (_, at) => ({
    suite,
    identity: createIdentity(suite),
    linkKey,
    name: `load-${token}-${at}`,
  }));
}

/** Below what a relay takes at once from one address. */
const AT_ONCE = 32;

/** Connects all of them, some at a time. */
export async function openLinks(
  relay: RelayAddress,
  clients: readonly LoadClient[],
): Promise<LoadLink[]> {
  const links: LoadLink[] = [];
  const waiting = clients.values();
  const connectRest = async (): Promise<void> => {
    for (const client of waiting) links.push(await LoadLink.open(relay, client));
  };
  await Promise.all(Array.from({ length: AT_ONCE }, connectRest));
  return links;
}
