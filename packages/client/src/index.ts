/** Door of `@postern/client`: what runs in Node and in browsers alike. @module */
export type {
  Client,
  ClientEvent,
  ContentInfo,
  ContentKind,
  ContentSink,
  ContentSource,
  DeclineReason,
  DeliverOptions,
  Delivery,
  DeliveryEvent,
  ErrorReport,
  HeldContent,
  ManifestSize,
  Offer,
  LinkListing,
  PartJournal,
  PartNote,
  ProfileName,
  Receipt,
  ReceiveEvent,
  ReceiveOptions,
  Receiver,
  RelayInfo,
  SendOptions,
  Transfer,
  TransferEvent,
  Unfinished,
  UnfinishedContents,
} from "./api.ts";
export type {
  ChannelInfo,
  Contact,
  Contacts,
  Paired,
  Pairing,
  PairingEvent,
  PairingOptions,
  PeerName,
  Trust,
} from "./people.ts";
export {
  type Manifest,
  ManifestPlaces,
  type ManifestSummary,
  summarizeManifest,
} from "@postern/core/transfer";
export { connect, type ConnectOptions } from "./client.ts";
export { contactBook, type ContactBook, type ContactOwner, type ContactPorts } from "./contacts.ts";
export { memoryStore } from "./memory-store.ts";
export { type MessageSink, messageSink, messageSource } from "./message.ts";
export { safeFileName } from "./safe-name.ts";
export type { ClientPorts, LinkSocket, LinkSocketEvents, Transport } from "./ports.ts";
export { unfinishedContents } from "./unfinished.ts";
export type { PairKey, PairKeyId, Store, StoredIdentity, StoredRsaKey } from "./store.ts";
