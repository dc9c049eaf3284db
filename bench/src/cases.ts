/** Every case, in the order in which they run. @module */
import type { BenchCase } from "./bench-case.ts";
import { coldStart } from "./cases/cold-start.ts";
import { connects } from "./cases/connects.ts";
import { fileCase } from "./cases/file.ts";
import { folderCase } from "./cases/folder.ts";
import { idleLinks } from "./cases/idle-links.ts";
import { longLink } from "./cases/long-link.ts";
import { messageCpu } from "./cases/message-cpu.ts";
import { relayMessages } from "./cases/relay-messages.ts";
import { roundTrip } from "./cases/round-trip.ts";
import { tenAtOnce } from "./cases/ten-at-once.ts";

export const CASES: readonly BenchCase[] = [
  fileCase,
  tenAtOnce,
  folderCase,
  longLink,
  coldStart,
  roundTrip,
  messageCpu,
  relayMessages,
  connects,
  idleLinks,
];
