/** {@link Backend} by the real parts. Each is loaded when a command first needs it. @module */
import { formatFingerprint } from "@postern/core/identity";
import type { Home } from "@postern/client/node";
import type { Backend, HomeView } from "./backend.ts";

export const nodeBackend: Backend = {
  async connect(options) {
    const { connectNode } = await import("@postern/client/node");
    return await connectNode(options);
  },
  async openHome(options) {
    const { openHome } = await import("@postern/client/node");
    return viewOf(await openHome(options));
  },
  async readHome(options) {
    const { readHome } = await import("@postern/client/node");
    return viewOf(await readHome(options));
  },
  async defaultHome() {
    const { defaultHome } = await import("@postern/client/node");
    return defaultHome(process.env, process.platform);
  },
  async fileSource(path) {
    const { fileSource } = await import("@postern/client/node");
    return await fileSource(path);
  },
  async directorySink(directory, content, journal, ask) {
    const { directorySink } = await import("@postern/client/node");
    return await directorySink(directory, content, journal, ask);
  },
  async directorySource(paths, options) {
    const { directorySource } = await import("@postern/client/node");
    return await directorySource(paths, options);
  },
  async streamSource(readable, name) {
    const { keptStream } = await import("@postern/client/node");
    return keptStream(readable, name);
  },
  async messageSource(text) {
    const { messageSource } = await import("@postern/client");
    return messageSource(text);
  },
  async fileSink(directory, name, journal, size) {
    const { keptFileSink } = await import("@postern/client/node");
    return await keptFileSink(directory, name, journal, { size });
  },
  async streamSink(writable) {
    const { keptStreamSink } = await import("@postern/client/node");
    return keptStreamSink(writable);
  },
  async messageSink() {
    const { messageSink } = await import("@postern/client");
    return messageSink();
  },
  async checkReceipt(text) {
    const { checkReceipt } = await import("@postern/client/node");
    return checkReceipt(text);
  },
  async storedName(name) {
    const { safeFileName } = await import("@postern/client");
    return safeFileName(name);
  },
  async freeSpace(directory) {
    const { freeSpace } = await import("@postern/client/node");
    return await freeSpace(directory);
  },
  async runCommand(command, options) {
    const { runCommand } = await import("./run-command.ts");
    return await runCommand(command, options);
  },
  async startRelay({ isLogging, ...options }) {
    const { relayLogger, startRelay } = await import("@postern/relay");
    // A person at the terminal wants to see the address, not a line for each connection.
    return await startRelay({ ...options, logger: relayLogger(isLogging ? "info" : "error") });
  },
};

function viewOf(home: Home): HomeView {
  return {
    name: home.name,
    fingerprint: home.fingerprint,
    directory: home.directory,
    isProtected: home.isProtected,
    contacts: home.contacts,
    unfinished: home.unfinished,
    close: async () => await home.close(),
    setPassphrase: async (passphrase) => await home.setPassphrase(passphrase),
    async relayPins() {
      const pins = await home.store.relayPins();
      return pins.map((pin) => ({ ...pin, fingerprint: formatFingerprint(pin.fingerprint) }));
    },
  };
}
