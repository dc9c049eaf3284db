/** Every case, in the order in which they run. @module */
import type { BenchCase } from "./bench-case.ts";
import { connects } from "./cases/connects.ts";
import { fileCase } from "./cases/file.ts";
import { idleLinks } from "./cases/idle-links.ts";
import { messageCpu } from "./cases/message-cpu.ts";
import { relayMessages } from "./cases/relay-messages.ts";
import { roundTrip } from "./cases/round-trip.ts";

export const CASES: readonly BenchCase[] = [
  fileCase,
  roundTrip,
  messageCpu,
  relayMessages,
  connects,
  idleLinks,
];
