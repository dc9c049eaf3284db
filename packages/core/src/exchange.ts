/** Door of the `exchange` room. @module */
export type { Party } from "./exchange/context.ts";
export type { ExchangeContext } from "./exchange/context.ts";
export type {
  ChannelPlace,
  ExchangeInput,
  OfferedBytes,
  KeptKey,
  KeySource,
  KeyUse,
  RequestStatus,
} from "./exchange/steps.ts";
export type { Verdict } from "./exchange/verdict.ts";
export type { SenderReady, TransferKeys } from "./exchange/transfer-keys.ts";
export { wipeTransferKeys } from "./exchange/transfer-keys.ts";
export { chainSink, chainSource } from "./exchange/end-to-end/session-chain.ts";
export { describeChannel, type ChannelDescription } from "./exchange/end-to-end/channel-record.ts";
export {
  mayBeLost,
  performChannelJob,
  type AllowedLoss,
  type ChannelJob,
  type ChannelMaterial,
  type ChannelSave,
  type ChannelStep,
  type SlottedReceipt,
} from "./exchange/end-to-end/channel-jobs.ts";
export {
  makePackage,
  planStock,
  type HeldPackage,
  type MadePackage,
  type StockPlan,
} from "./exchange/end-to-end/package-stock.ts";
export { ReadyKeys } from "./exchange/end-to-end/ready-keys.ts";
export { packageWanted } from "./exchange/end-to-end/receiver-channel.ts";
export { wrappingSink, wrappingSource } from "./exchange/symmetric/wrapped-session-keys.ts";
export {
  startClientAuth,
  stepClientAuth,
  wipeClientAuth,
  type ClientAuthContext,
  type ClientAuthEffect,
  type ClientAuthInput,
  type ClientAuthState,
} from "./exchange/relay-auth/client.ts";
export {
  decryptingSink,
  encryptingSource,
  sessionSecretLabel,
  type EncryptedSecret,
} from "./exchange/asymmetric/oaep-session-keys.ts";
