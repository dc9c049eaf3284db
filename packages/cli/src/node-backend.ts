/** {@link Backend} by the real parts. Each is loaded when a command first needs it. @module */
import { formatFingerprint } from "@postern/core/identity";
import type { Backend } from "./backend.ts";

export const nodeBackend: Backend = {
  async connect(options) {
    const { connectNode } = await import("@postern/client/node");
    return await connectNode(options);
  },
  async openHome(options) {
    const { openHome } = await import("@postern/client/node");
    const home = await openHome(options);
    return {
      name: home.name,
      fingerprint: home.fingerprint,
      directory: home.directory,
      isProtected: home.isProtected,
      contacts: home.contacts,
      close: async () => await home.close(),
      setPassphrase: async (passphrase) => await home.setPassphrase(passphrase),
      async relayPins() {
        const pins = await home.store.relayPins();
        return pins.map((pin) => ({ ...pin, fingerprint: formatFingerprint(pin.fingerprint) }));
      },
    };
  },
  async defaultHome() {
    const { defaultHome } = await import("@postern/client/node");
    return defaultHome(process.env, process.platform);
  },
  async fileSource(path) {
    const { fileSource } = await import("@postern/client/node");
    return await fileSource(path);
  },
  async streamSource(readable, name) {
    const { streamSource } = await import("@postern/client/node");
    return streamSource(readable, name);
  },
  async messageSource(text) {
    const { messageSource } = await import("@postern/client");
    return messageSource(text);
  },
  async fileSink(directory, name) {
    const { fileSink } = await import("@postern/client/node");
    return await fileSink(directory, name);
  },
  async streamSink(writable) {
    const { streamSink } = await import("@postern/client/node");
    return streamSink(writable);
  },
  async messageSink() {
    const { messageSink } = await import("@postern/client");
    return messageSink();
  },
  async freeSpace(directory) {
    const { statfs } = await import("node:fs/promises");
    const { bavail, bsize } = await statfs(directory);
    return bavail * bsize;
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
