/** Door of the `link` room. @module */
export type { CertificateFrame, FetchCertificateFrame } from "./link/certificate.ts";
export type {
  FindFrame,
  FoundFrame,
  FoundStatus,
  ListReceiversFrame,
  ReceiverEntry,
  ReceiversFrame,
} from "./link/directory.ts";
export type { DeliveryFrame, EnvelopeFrame, ResultFrame, ResultStatus } from "./link/envelope.ts";
export { PROFILE_BITS } from "./link/fields.ts";
export {
  decodeLinkFrame,
  encodeLinkFrame,
  isClientFrame,
  isRelayFrame,
  type ClientFrame,
  type LinkFrame,
  type LinkRole,
  type RelayFrame,
} from "./link/frames.ts";
export type {
  FetchPackageFrame,
  HeldPackage,
  HeldPackageType,
  PackageFrame,
  PackagesHeldFrame,
  PublishPackagesFrame,
} from "./link/key-packages.ts";
export { startClientLink } from "./link/client-handshake.ts";
export { linkDeadline, linkQueuedBytes, stepLink } from "./link/link.ts";
export type {
  ClientLinkOptions,
  EstablishedRelay,
  LinkEffect,
  LinkEvent,
  LinkInput,
  LinkState,
  LinkStep,
  RelayLinkOptions,
} from "./link/link-state.ts";
export { startRelayLink } from "./link/relay-handshake.ts";
export type { LinkLimits } from "./link/hello.ts";
export type { LoginStatus } from "./link/login-result.ts";
export type { KeyDownFrame, KeyUpFrame, KeyUse } from "./link/master-key.ts";
export type { Notice, NoticeFrame, PeerGoneFrame } from "./link/notice.ts";
export type {
  PairClosedFrame,
  PairClosedReason,
  PairCloseFrame,
  PairJoinedFrame,
  PairJoinFrame,
  PairMessageFrame,
  PairOpenFrame,
  PairSendFrame,
  PairSlotFrame,
} from "./link/pairing.ts";
export type { PingFrame, PongFrame } from "./link/ping.ts";
export type { OpenPipeFrame, PipeTicketFrame } from "./link/pipe.ts";
export type { PolicyFrame } from "./link/policy.ts";
export type { PresenceFrame } from "./link/presence.ts";
export type {
  AuthChallengeFrame,
  AuthConfirmFrame,
  AuthOpenFrame,
  AuthResponseFrame,
} from "./link/relay-auth.ts";
export type { RsaCertificateFrame, RsaKeyFrame } from "./link/rsa-key.ts";
