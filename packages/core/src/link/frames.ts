/**
 * Every frame that crosses an established link: the index of this folder (docs/protocol.md 5.1).
 *
 * ```text
 *   0        1
 *   +--------+------------------+
 *   | type   | body             |     sealed as one; from 0x80 on an unknown type is ignored
 *   +--------+------------------+
 * ```
 *
 * @module
 */
import { ByteReader, ByteWriter } from "../bytes.ts";
import { PosternError, unreachable } from "../errors.ts";
import * as certificate from "./certificate.ts";
import * as directory from "./directory.ts";
import * as envelope from "./envelope.ts";
import * as keyPackages from "./key-packages.ts";
import * as masterKey from "./master-key.ts";
import * as notice from "./notice.ts";
import * as pairing from "./pairing.ts";
import * as ping from "./ping.ts";
import * as pipe from "./pipe.ts";
import * as policy from "./policy.ts";
import * as presence from "./presence.ts";
import * as relayAuth from "./relay-auth.ts";
import * as rsaKey from "./rsa-key.ts";

/** Only a client sends these. */
export type ClientFrame =
  | presence.PresenceFrame
  | directory.ListReceiversFrame
  | directory.FindFrame
  | envelope.EnvelopeFrame
  | pipe.OpenPipeFrame
  | rsaKey.RsaCertificateFrame
  | masterKey.KeyUpFrame
  | relayAuth.AuthOpenFrame
  | relayAuth.AuthResponseFrame
  | certificate.FetchCertificateFrame
  | keyPackages.PublishPackagesFrame
  | keyPackages.FetchPackageFrame
  | pairing.PairOpenFrame
  | pairing.PairJoinFrame
  | pairing.PairSendFrame
  | pairing.PairCloseFrame;

/** Only a relay sends these. */
export type RelayFrame =
  | directory.ReceiversFrame
  | directory.FoundFrame
  | envelope.ResultFrame
  | envelope.DeliveryFrame
  | pipe.PipeTicketFrame
  | rsaKey.RsaKeyFrame
  | masterKey.KeyDownFrame
  | notice.PeerGoneFrame
  | notice.NoticeFrame
  | relayAuth.AuthChallengeFrame
  | relayAuth.AuthConfirmFrame
  | certificate.CertificateFrame
  | policy.PolicyFrame
  | keyPackages.PackagesHeldFrame
  | keyPackages.PackageFrame
  | pairing.PairSlotFrame
  | pairing.PairJoinedFrame
  | pairing.PairMessageFrame
  | pairing.PairClosedFrame;

export type LinkFrame = ClientFrame | RelayFrame | ping.PingFrame | ping.PongFrame;

export type LinkRole = "client" | "relay";

/** Types from here on may be added within a version; who does not know one ignores it. */
const IGNORABLE_TYPE_MIN = 0x80;

/**
 * The type and body to seal, as one fresh buffer.
 *
 * @throws {@link PosternError} `usage/invalid-argument` for values that no frame can carry.
 */
export function encodeLinkFrame(frame: LinkFrame): Uint8Array {
  return writeLinkFrame(frame).bytes();
}

/** The same, to be written where it is sealed. Until then the frame's bytes must not change. */
export function writeLinkFrame(frame: LinkFrame): ByteWriter {
  const writer = new ByteWriter().u8(TYPES[frame.kind]);
  encodeBody(writer, frame);
  return writer;
}

/**
 * Decodes what `from` sent. Byte fields of the frame are views into `bytes`, which must not change.
 * `undefined` for an unknown type that must be ignored.
 *
 * @throws {@link PosternError} `link/unexpected-frame` for an unknown type below 0x80 or one that
 * this side may not send; `link/malformed` for bytes that are not exactly a frame.
 */
export function decodeLinkFrame(bytes: Uint8Array, from: LinkRole): LinkFrame | undefined {
  const reader = new ByteReader(bytes);
  try {
    const type = reader.u8("type");
    if (type >= IGNORABLE_TYPE_MIN) return undefined;
    const decode = DECODERS.both.get(type) ?? DECODERS[from].get(type);
    if (decode === undefined)
      throw new PosternError("link/unexpected-frame", `type ${type} from a ${from}`, { type });
    const frame = decode(reader);
    reader.end();
    return frame;
  } catch (error) {
    throw asLinkError(error);
  }
}

/** True for what a client sends: narrows the frames that a relay's link emits. */
export function isClientFrame(frame: LinkFrame): frame is ClientFrame {
  return Object.hasOwn(CLIENT_TYPES, frame.kind);
}

/** True for what a relay sends: narrows the frames that a client's link emits. */
export function isRelayFrame(frame: LinkFrame): frame is RelayFrame {
  return Object.hasOwn(RELAY_TYPES, frame.kind);
}

const CLIENT_TYPES = {
  presence: presence.PRESENCE_TYPE,
  "list-receivers": directory.LIST_RECEIVERS_TYPE,
  find: directory.FIND_TYPE,
  envelope: envelope.ENVELOPE_TYPE,
  "open-pipe": pipe.OPEN_PIPE_TYPE,
  "rsa-certificate": rsaKey.RSA_CERTIFICATE_TYPE,
  "key-up": masterKey.KEY_UP_TYPE,
  "auth-open": relayAuth.AUTH_OPEN_TYPE,
  "auth-response": relayAuth.AUTH_RESPONSE_TYPE,
  "fetch-certificate": certificate.FETCH_CERTIFICATE_TYPE,
  "publish-packages": keyPackages.PUBLISH_PACKAGES_TYPE,
  "fetch-package": keyPackages.FETCH_PACKAGE_TYPE,
  "pair-open": pairing.PAIR_OPEN_TYPE,
  "pair-join": pairing.PAIR_JOIN_TYPE,
  "pair-send": pairing.PAIR_SEND_TYPE,
  "pair-close": pairing.PAIR_CLOSE_TYPE,
} as const satisfies Record<ClientFrame["kind"], number>;

const RELAY_TYPES = {
  receivers: directory.RECEIVERS_TYPE,
  found: directory.FOUND_TYPE,
  result: envelope.RESULT_TYPE,
  delivery: envelope.DELIVERY_TYPE,
  "pipe-ticket": pipe.PIPE_TICKET_TYPE,
  "rsa-key": rsaKey.RSA_KEY_TYPE,
  "key-down": masterKey.KEY_DOWN_TYPE,
  "peer-gone": notice.PEER_GONE_TYPE,
  notice: notice.NOTICE_TYPE,
  "auth-challenge": relayAuth.AUTH_CHALLENGE_TYPE,
  "auth-confirm": relayAuth.AUTH_CONFIRM_TYPE,
  certificate: certificate.CERTIFICATE_TYPE,
  policy: policy.POLICY_TYPE,
  "packages-held": keyPackages.PACKAGES_HELD_TYPE,
  package: keyPackages.PACKAGE_TYPE,
  "pair-slot": pairing.PAIR_SLOT_TYPE,
  "pair-joined": pairing.PAIR_JOINED_TYPE,
  "pair-message": pairing.PAIR_MESSAGE_TYPE,
  "pair-closed": pairing.PAIR_CLOSED_TYPE,
} as const satisfies Record<RelayFrame["kind"], number>;

const TYPES = {
  ping: ping.PING_TYPE,
  pong: ping.PONG_TYPE,
  ...CLIENT_TYPES,
  ...RELAY_TYPES,
} as const satisfies Record<LinkFrame["kind"], number>;

type Decoder = (reader: ByteReader) => LinkFrame;

const DECODERS: Record<LinkRole | "both", ReadonlyMap<number, Decoder>> = {
  both: new Map<number, Decoder>([
    [ping.PING_TYPE, ping.decodePing],
    [ping.PONG_TYPE, ping.decodePong],
  ]),
  client: new Map<number, Decoder>([
    [CLIENT_TYPES.presence, presence.decodePresence],
    [CLIENT_TYPES["list-receivers"], directory.decodeListReceivers],
    [CLIENT_TYPES.find, directory.decodeFind],
    [CLIENT_TYPES.envelope, envelope.decodeEnvelope],
    [CLIENT_TYPES["open-pipe"], pipe.decodeOpenPipe],
    [CLIENT_TYPES["rsa-certificate"], rsaKey.decodeRsaCertificateFrame],
    [CLIENT_TYPES["key-up"], masterKey.decodeKeyUp],
    [CLIENT_TYPES["auth-open"], relayAuth.decodeAuthOpen],
    [CLIENT_TYPES["auth-response"], relayAuth.decodeAuthResponse],
    [CLIENT_TYPES["fetch-certificate"], certificate.decodeFetchCertificate],
    [CLIENT_TYPES["publish-packages"], keyPackages.decodePublishPackages],
    [CLIENT_TYPES["fetch-package"], keyPackages.decodeFetchPackage],
    [CLIENT_TYPES["pair-open"], pairing.decodePairOpen],
    [CLIENT_TYPES["pair-join"], pairing.decodePairJoin],
    [CLIENT_TYPES["pair-send"], pairing.decodePairSend],
    [CLIENT_TYPES["pair-close"], pairing.decodePairClose],
  ]),
  relay: new Map<number, Decoder>([
    [RELAY_TYPES.receivers, directory.decodeReceivers],
    [RELAY_TYPES.found, directory.decodeFound],
    [RELAY_TYPES.result, envelope.decodeResult],
    [RELAY_TYPES.delivery, envelope.decodeDelivery],
    [RELAY_TYPES["pipe-ticket"], pipe.decodePipeTicket],
    [RELAY_TYPES["rsa-key"], rsaKey.decodeRsaKey],
    [RELAY_TYPES["key-down"], masterKey.decodeKeyDown],
    [RELAY_TYPES["peer-gone"], notice.decodePeerGone],
    [RELAY_TYPES.notice, notice.decodeNotice],
    [RELAY_TYPES["auth-challenge"], relayAuth.decodeAuthChallenge],
    [RELAY_TYPES["auth-confirm"], relayAuth.decodeAuthConfirm],
    [RELAY_TYPES.certificate, certificate.decodeCertificate],
    [RELAY_TYPES.policy, policy.decodePolicy],
    [RELAY_TYPES["packages-held"], keyPackages.decodePackagesHeld],
    [RELAY_TYPES.package, keyPackages.decodePackage],
    [RELAY_TYPES["pair-slot"], pairing.decodePairSlot],
    [RELAY_TYPES["pair-joined"], pairing.decodePairJoined],
    [RELAY_TYPES["pair-message"], pairing.decodePairMessage],
    [RELAY_TYPES["pair-closed"], pairing.decodePairClosed],
  ]),
};

function encodeBody(writer: ByteWriter, frame: LinkFrame): void {
  switch (frame.kind) {
    case "ping":
    case "pong":
      return ping.encodePing(writer, frame);
    case "receivers":
      return directory.encodeReceivers(writer, frame);
    case "found":
      return directory.encodeFound(writer, frame);
    case "result":
      return envelope.encodeResult(writer, frame);
    case "delivery":
      return envelope.encodeDelivery(writer, frame);
    case "pipe-ticket":
      return pipe.encodePipeTicket(writer, frame);
    case "rsa-key":
      return rsaKey.encodeRsaKey(writer, frame);
    case "key-down":
      return masterKey.encodeKeyDown(writer, frame);
    case "peer-gone":
      return notice.encodePeerGone(writer, frame);
    case "notice":
      return notice.encodeNotice(writer, frame);
    case "auth-challenge":
      return relayAuth.encodeAuthChallenge(writer, frame);
    case "auth-confirm":
      return relayAuth.encodeAuthConfirm(writer, frame);
    case "certificate":
      return certificate.encodeCertificate(writer, frame);
    case "policy":
      return policy.encodePolicy(writer, frame);
    case "packages-held":
      return keyPackages.encodePackagesHeld(writer, frame);
    case "package":
      return keyPackages.encodePackage(writer, frame);
    case "pair-slot":
      return pairing.encodePairSlot(writer, frame);
    case "pair-joined":
      return pairing.encodePairMark(writer, frame);
    case "pair-message":
      return pairing.encodePairBody(writer, frame);
    case "pair-closed":
      return pairing.encodePairClosed(writer, frame);
    default:
      return encodeClientBody(writer, frame);
  }
}

function encodeClientBody(writer: ByteWriter, frame: ClientFrame): void {
  switch (frame.kind) {
    case "presence":
      return presence.encodePresence(writer, frame);
    case "list-receivers":
      return directory.encodeListReceivers(writer, frame);
    case "find":
      return directory.encodeFind(writer, frame);
    case "envelope":
      return envelope.encodeEnvelope(writer, frame);
    case "open-pipe":
      return pipe.encodeOpenPipe(writer, frame);
    case "rsa-certificate":
      return rsaKey.encodeRsaCertificateFrame(writer, frame);
    case "key-up":
      return masterKey.encodeKeyUp(writer, frame);
    case "auth-open":
      return relayAuth.encodeAuthOpen(writer, frame);
    case "auth-response":
      return relayAuth.encodeAuthResponse(writer, frame);
    case "fetch-certificate":
      return certificate.encodeFetchCertificate(writer, frame);
    case "publish-packages":
      return keyPackages.encodePublishPackages(writer, frame);
    case "fetch-package":
      return keyPackages.encodeFetchPackage(writer, frame);
    case "pair-open":
      return pairing.encodePairOpen(writer, frame);
    case "pair-join":
      return pairing.encodePairJoin(writer, frame);
    case "pair-send":
      return pairing.encodePairBody(writer, frame);
    case "pair-close":
      return pairing.encodePairMark(writer, frame);
    default:
      return unreachable(frame);
  }
}

/** Readers say `peer/malformed`; across a link that is the link's failure. */
export function asLinkError(error: unknown): unknown {
  if (!(error instanceof PosternError) || error.code !== "peer/malformed") return error;
  return new PosternError("link/malformed", error.message, error.details);
}
