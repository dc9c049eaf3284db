/** Door of `@postern/client`: what runs in Node and in browsers alike. @module */
export type {
  Client,
  ClientEvent,
  ContentInfo,
  ContentKind,
  ContentSink,
  ContentSource,
  DeclineReason,
  ErrorReport,
  Offer,
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
} from "./api.ts";
export { connect, type ConnectOptions } from "./client.ts";
export { memoryStore } from "./memory-store.ts";
export { type MessageSink, messageSink, messageSource } from "./message.ts";
export { safeFileName } from "./safe-name.ts";
export type { ClientPorts, LinkSocket, LinkSocketEvents, Transport } from "./ports.ts";
export type { PairKey, PairKeyId, Store, StoredIdentity, StoredRsaKey } from "./store.ts";
