/** Door of the `peer` room. @module */
export { transferKey } from "./peer/entries.ts";
export { Peer } from "./peer/peer.ts";
export type {
  DirectoryAnswer,
  DirectoryQuery,
  DriverEffect,
  PeerAdmission,
  PeerEffect,
  PeerInput,
  PeerOptions,
  ReceivePolicy,
  StrayEnvelope,
  TransferKey,
} from "./peer/steps.ts";
export { SeenTransfers } from "./peer/seen-transfers.ts";
