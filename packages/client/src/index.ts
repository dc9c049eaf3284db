/** Door of `@postern/client`: what runs in Node and in browsers alike. @module */
export type {
  ChannelInfo,
  Client,
  ClientEvent,
  Contact,
  Contacts,
  ContentInfo,
  ContentKind,
  ContentSink,
  ContentSource,
  DeclineReason,
  ErrorReport,
  Offer,
  Paired,
  Pairing,
  PairingEvent,
  PairingOptions,
  PeerName,
  ProfileName,
  Receipt,
  ReceiveEvent,
  ReceiveOptions,
  Receiver,
  RelayInfo,
  SendOptions,
  Transfer,
  TransferEvent,
  Trust,
} from "./api.ts";
export { connect, type ConnectOptions } from "./client.ts";
export { contactBook, type ContactBook, type ContactOwner, type ContactPorts } from "./contacts.ts";
export { memoryStore } from "./memory-store.ts";
export { type MessageSink, messageSink, messageSource } from "./message.ts";
export { safeFileName } from "./safe-name.ts";
export type { ClientPorts, LinkSocket, LinkSocketEvents, Transport } from "./ports.ts";
export type { PairKey, PairKeyId, Store, StoredIdentity, StoredRsaKey } from "./store.ts";
