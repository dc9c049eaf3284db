/** Door of the `identity` room. @module */
export {
  formatRelayAddress,
  parseRelayAddress,
  RELAY_PORT_DEFAULT,
  type RelayAddress,
} from "./identity/address.ts";
export {
  fingerprintOf,
  formatFingerprint,
  parseFingerprint,
  relayFingerprint,
} from "./identity/fingerprint.ts";
export { decodeId, encodeId, ID_BYTES } from "./identity/id.ts";
export { createIdentity, identityFromSeed, type Identity } from "./identity/identity.ts";
export {
  decodeKeyPackage,
  encodeKeyPackage,
  keyPackageFacts,
  type KeyPackage,
  type PackageFacts,
  type PackageType,
} from "./identity/key-package.ts";
export { isName } from "./identity/name.ts";
export { decodeRsaCertificate, encodeRsaCertificate } from "./identity/rsa-certificate.ts";
