/**
 * Arbitrary frames of every kind, for properties.
 *
 * @module
 */
import fc from "fast-check";
import type { ClientFrame, PingFrame, PongFrame, RelayFrame } from "@postern/core/link";

/** Frames are plain objects, as the decoder makes them. */
function record<T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> {
  return fc.record<T>(model, { noNullPrototype: true });
}

const u8 = (max: number): fc.Arbitrary<number> => fc.integer({ min: 0, max });
const u32 = fc.integer({ min: 0, max: 0xffff_ffff });
const request = fc.integer({ min: 1, max: 0xffff_ffff });
const bytes = (length: number): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength: length, maxLength: length });
const some = (maxLength: number): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength: 1, maxLength });
const name = fc.stringMatching(/^[a-z0-9._-]{1,32}$/);
const id = bytes(32).map((key) => Uint8Array.of(1, 0, 1, ...key));
const use = fc.constantFrom("this" as const, "next" as const);
const transfer = bytes(16);
const free = u8(0xffff);
const profiles = u8(7);
const keyPackage = u8(0xff).map((value) => new Uint8Array(1352).fill(value));

export const anyClientFrame: fc.Arbitrary<ClientFrame> = fc.oneof(
  record({ kind: fc.constant("presence" as const), free, listed: fc.boolean(), profiles }),
  record({
    kind: fc.constant("list-receivers" as const),
    request,
    after: fc.oneof(fc.constant(""), name),
  }),
  record({ kind: fc.constant("find" as const), request, name }),
  record({ kind: fc.constant("envelope" as const), request, to: bytes(32), body: some(300) }),
  record({ kind: fc.constant("open-pipe" as const), request, to: bytes(32), transfer }),
  record({ kind: fc.constant("rsa-certificate" as const), certificate: some(588) }),
  record({
    kind: fc.constant("key-up" as const),
    request,
    to: bytes(32),
    transfer,
    use,
    ciphertext: bytes(384),
  }),
  record({ kind: fc.constant("auth-open" as const), nonce: bytes(32), certificate: some(588) }),
  record({
    kind: fc.constant("auth-response" as const),
    ciphertext: bytes(384),
    mac: bytes(32),
  }),
  record({ kind: fc.constant("fetch-certificate" as const), request, of: bytes(32) }),
  record({
    kind: fc.constant("publish-packages" as const),
    request,
    replace: fc.boolean(),
    packages: fc.array(keyPackage, { maxLength: 3 }),
  }),
  record({ kind: fc.constant("fetch-package" as const), request, of: bytes(32) }),
  record({ kind: fc.constant("pair-open" as const), request }),
  record({ kind: fc.constant("pair-join" as const), request, slot: u32 }),
  record({ kind: fc.constant("pair-send" as const), slot: u32, body: some(512) }),
  record({ kind: fc.constant("pair-close" as const), slot: u32 }),
);

const heldType = fc.constantFrom("one-time" as const, "last-resort" as const);
const foundStatus = fc.constantFrom("free" as const, "busy" as const);

export const anyRelayFrame: fc.Arbitrary<RelayFrame> = fc.oneof(
  fc
    .array(record({ name, id, free, profiles }), { minLength: 1, maxLength: 5 })
    .chain((receivers) =>
      record({
        kind: fc.constant("receivers" as const),
        request,
        more: fc.boolean(),
        receivers: fc.constant(receivers),
      }),
    ),
  record({ kind: fc.constant("found" as const), request, status: foundStatus, id, profiles }),
  record({
    kind: fc.constant("found" as const),
    request,
    status: fc.constant("absent" as const),
    id,
    profiles: fc.constant(0),
  }),
  record({
    kind: fc.constant("found" as const),
    request,
    status: fc.constant("unknown" as const),
    id: fc.constant(new Uint8Array(35)),
    profiles: fc.constant(0),
  }),
  record({
    kind: fc.constant("result" as const),
    request,
    status: fc.constantFrom("done", "absent", "unknown", "overloaded", "refused", "failed"),
  }),
  record({ kind: fc.constant("delivery" as const), from: id, name, body: some(300) }),
  record({
    kind: fc.constant("pipe-ticket" as const),
    peer: bytes(32),
    transfer,
    ticket: bytes(32),
  }),
  record({ kind: fc.constant("rsa-key" as const), spki: some(512) }),
  record({
    kind: fc.constant("key-down" as const),
    from: id,
    transfer,
    use,
    ciphertext: bytes(384),
  }),
  record({ kind: fc.constant("peer-gone" as const), peer: bytes(32) }),
  record({
    kind: fc.constant("notice" as const),
    notice: fc.constantFrom("superseded", "restarting", "overloaded"),
    afterMs: u32,
  }),
  record({
    kind: fc.constant("auth-challenge" as const),
    spki: some(512),
    ciphertext: bytes(384),
  }),
  record({ kind: fc.constant("auth-confirm" as const), mac: bytes(32) }),
  record({ kind: fc.constant("policy" as const), profiles: fc.integer({ min: 0, max: 7 }) }),
  record({
    kind: fc.constant("certificate" as const),
    request,
    certificate: fc.uint8Array({ maxLength: 588 }),
  }),
  record({
    kind: fc.constant("packages-held" as const),
    request,
    held: fc.array(record({ kid: bytes(16), type: heldType }), { maxLength: 33 }),
  }),
  record({
    kind: fc.constant("package" as const),
    request,
    keyPackage: fc.oneof(fc.constant(new Uint8Array(0)), keyPackage),
  }),
  record({ kind: fc.constant("pair-slot" as const), request, slot: u32, validMs: u32 }),
  record({ kind: fc.constant("pair-joined" as const), slot: u32 }),
  record({ kind: fc.constant("pair-message" as const), slot: u32, body: some(512) }),
  record({
    kind: fc.constant("pair-closed" as const),
    slot: u32,
    reason: fc.constantFrom("closed", "expired", "gone"),
  }),
);

export const anyPing: fc.Arbitrary<PingFrame | PongFrame> = record({
  kind: fc.constantFrom("ping", "pong"),
  token: fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
});
