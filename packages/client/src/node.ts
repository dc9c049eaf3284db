/** Door of `@postern/client/node`: files, streams and the client's home on a device. @module */
export { type CheckedReceipt, checkReceipt } from "./node/check-receipt.ts";
export { connectNode, type ConnectNodeOptions } from "./node/connect-node.ts";
export {
  type AskAboutDirectory,
  directorySink,
  type DirectorySink,
} from "./node/directory-sink.ts";
export type { RenamedEntry, SkippedEntry, SkipReason } from "./node/directory-listing.ts";
export {
  directorySource,
  type DirectorySource,
  type DirectorySourceOptions,
} from "./node/directory-source.ts";
export { type FileSink, fileSink, fileSinkAt } from "./node/file-sink.ts";
export { fileSource } from "./node/file-source.ts";
export { freeSpace } from "./node/free-space.ts";
export { storeError } from "./node/fs-error.ts";
export { defaultHome, type Home, type HomeOptions, openHome, readHome } from "./node/home.ts";
export { keptFileSink } from "./node/kept-file-sink.ts";
export { nodePorts } from "./node/node-ports.ts";
export { removeTree } from "./node/remove-tree.ts";
export { type SealableStore, sqliteStore } from "./node/sqlite-store.ts";
export { keptStreamSink, streamSink } from "./node/stream-sink.ts";
export { keptStream, type KeptStream, streamSource } from "./node/stream-source.ts";
export type { Passphrase } from "./node/unlock-state.ts";
