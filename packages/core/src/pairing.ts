/** Door of the `pairing` room. @module */
export { completeWord, formatCode, parseCode, type PairingCode } from "./pairing/code.ts";
export {
  pairingDeadline,
  pairingSlot,
  startPairing,
  stepPairing,
  type PairingStart,
} from "./pairing/pairing.ts";
export { safetyNumber, safetyNumberQrText } from "./pairing/safety-number.ts";
export type {
  PairingContext,
  PairingEffect,
  PairingEvent,
  PairingInput,
  PairingState,
  PairingStep,
} from "./pairing/steps.ts";
