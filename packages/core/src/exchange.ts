/** Door of the `exchange` room. @module */
export type { Party } from "./exchange/context.ts";
export type { ExchangeInput, KeptKey, KeySource, KeyUse, RequestStatus } from "./exchange/steps.ts";
export type { TransferKeys } from "./exchange/transfer-keys.ts";
export { wipeTransferKeys } from "./exchange/transfer-keys.ts";
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
