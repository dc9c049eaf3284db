/**
 * Where session keys come from and go to: the one thing in docs/protocol.md 8 that a profile (7)
 * decides. j starts at 1 and only grows; after damage it jumps, so it is no count.
 *
 * @module
 */

/** The sender's half. */
export interface SessionKeySource {
  /**
   * Makes session key j (32 bytes, owned by the caller, who wipes it) and the profile's body, which
   * brings it to the receiver. Never asked twice for one j.
   */
  next(j: number): { readonly key: Uint8Array; readonly body: Uint8Array };
  wipe(): void;
}

/** The receiver's half. Asynchronous: one profile opens the body with RSA. */
export interface SessionKeySink {
  /**
   * Session key j (32 bytes, owned by the caller, who wipes it), or `undefined` when the body does
   * not open. j and body are not yet authenticated: a call must not spoil a later one with another
   * j. `body` is only valid until the promise ends.
   */
  open(j: number, body: Uint8Array): Promise<Uint8Array | undefined>;
  /** Session j has proved authentic: nothing up to j will be asked for again. */
  retire(j: number): void;
  /** Length of every body, at most `SESSION_BODY_BYTES_MAX`. */
  readonly bodyBytes: number;
  wipe(): void;
}
