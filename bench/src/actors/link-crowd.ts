/**
 * Part: many clients that connect, and do nothing then. Questions: `connect` all for the first
 * time or again, `close` all, `idle` for some seconds.
 *
 * @module
 */
import { setTimeout as delay } from "node:timers/promises";
import process from "node:process";

import { parseRelayAddress } from "@postern/core/identity";
import { chooseSuite } from "@postern/node";

import { makeClients, openLinks } from "../load/load-clients.ts";
import type { LoadLink } from "../load/load-link.ts";
import { actorSetting, answerQuestions } from "./actor.ts";

export interface CrowdSetting {
  /** With fingerprint. */
  readonly relay: string;
  readonly clients: number;
}

const IDLE_MS = 5_000;
const WAKE_EVERY_MS = 1_000;

const setting = actorSetting() as CrowdSetting;
const relay = parseRelayAddress(setting.relay);
const clients = makeClients(chooseSuite(), setting.clients);
let links: LoadLink[] = [];

setInterval(() => {
  for (const link of links) link.wake();
}, WAKE_EVERY_MS).unref();

answerQuestions({
  async connect() {
    const [started, before] = [performance.now(), process.cpuUsage()];
    links = await openLinks(relay, clients);
    const seconds = (performance.now() - started) / 1_000;
    const { user, system } = process.cpuUsage(before);
    return { seconds, cpuSeconds: (user + system) / 1e6 };
  },
  async idle() {
    await delay(IDLE_MS);
    return { seconds: IDLE_MS / 1_000, open: links.filter((link) => link.isOpen).length };
  },
  async close() {
    await Promise.all(links.map((link) => link.close()));
    links = [];
    return {};
  },
});
