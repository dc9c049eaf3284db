/**
 * A client on Node: home, sockets, files, native cryptography.
 *
 * @module
 */
import { parseRelayAddress } from "@postern/core/identity";
import { chooseSuite } from "@postern/node";
import type { Client } from "../api.ts";
import { connect } from "../client.ts";
import { openHome } from "./home.ts";
import { nodePorts } from "./node-ports.ts";
import type { Passphrase } from "./unlock-state.ts";

export interface ConnectNodeOptions {
  /** `HOST:PORT` or `postern://HOST:PORT#FINGERPRINT`. */
  readonly relay: string;
  /** Directory of all identities, see `defaultHome`. */
  readonly home: string;
  /** Name at the relay; absent: this device's default identity. */
  readonly name?: string | undefined;
  /** Of an identity that has one, see `HomeOptions`. */
  readonly passphrase?: Passphrase | undefined;
}

/**
 * Opens the identity and connects it. `close()` of the client closes both.
 *
 * @throws {@link PosternError} as `openHome` and `connect`
 */
export async function connectNode(options: ConnectNodeOptions): Promise<Client> {
  const address = parseRelayAddress(options.relay);
  const suite = chooseSuite();
  const { home: directory, name, passphrase } = options;
  const home = await openHome({ home: directory, name, suite, passphrase });
  try {
    const ports = nodePorts(suite, home.store);
    return await connect(ports, { address, onClosed: () => home.close() });
  } catch (error) {
    await home.close();
    throw error;
  }
}
