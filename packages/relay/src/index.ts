/** Door of `@postern/relay`. @module */
export { createSwitchboard, type Switchboard, type SwitchboardPorts } from "./board.ts";
export type { RelayClock } from "./clock.ts";
export type { HandshakeLimits } from "./handshake-slots.ts";
export {
  memoryPackages,
  type KeptPackage,
  type KeyPackages,
  type NewPackage,
} from "./key-packages.ts";
export { relayLogger, type RelayLogger, type RelayLogLevel } from "./log.ts";
export { memoryNames, type NameClaims, type NameOwner } from "./names.ts";
export type { PairLimits } from "./pair-slots.ts";
export type { EndId, PipeId } from "./pipes.ts";
export { startRelay, type RelayOptions, type RunningRelay } from "./relay.ts";
export { stepSwitchboard, switchboardDeadline } from "./switchboard.ts";
export type {
  LinkId,
  Moment,
  RewrapOutcome,
  SwitchboardEffect,
  SwitchboardInput,
} from "./switchboard-io.ts";
