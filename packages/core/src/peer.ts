/** Door of the `peer` room. @module */
export { Peer, transferKey } from "./peer/peer.ts";
export type {
  DirectoryAnswer,
  DirectoryQuery,
  DriverEffect,
  PeerEffect,
  PeerInput,
  PeerOptions,
  ReceivePolicy,
  TransferKey,
} from "./peer/steps.ts";
