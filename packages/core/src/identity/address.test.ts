import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";
import { groupBase32 } from "../bytes.ts";
import { formatRelayAddress, parseRelayAddress } from "./address.ts";
import { formatFingerprint } from "./fingerprint.ts";

const PIN = Uint8Array.from({ length: 32 }, (_, i) => i * 7);
const FP = formatFingerprint(PIN);

const ACCEPTED: Readonly<Record<string, readonly [host: string, port: number]>> = {
  "relay.example": ["relay.example", 9_999],
  "relay.example:80": ["relay.example", 80],
  "Relay.EXAMPLE:65535": ["relay.example", 65_535],
  "192.0.2.7:1": ["192.0.2.7", 1],
  localhost: ["localhost", 9_999],
  "[::1]:9999": ["::1", 9_999],
  "[2001:DB8:0::1]": ["2001:db8::1", 9_999],
  "postern://relay.example": ["relay.example", 9_999],
  "postern://relay.example:4430": ["relay.example", 4_430],
  "POSTERN://relay.example:4430/": ["relay.example", 4_430],
  "xn--bcher-kva.example": ["xn--bcher-kva.example", 9_999],
};

for (const [text, [host, port]] of Object.entries(ACCEPTED))
  test(`parseRelayAddress() accepts ${text}, with and without a pin`, () => {
    assert.deepEqual(parseRelayAddress(text), { host, port });
    const pinned = { host, port, fingerprint: PIN };
    assert.deepEqual(parseRelayAddress(`${text}#${FP}`), pinned);
    assert.deepEqual(parseRelayAddress(`${text}#${groupBase32(FP).toUpperCase()}`), pinned);
  });

const REFUSED: readonly string[] = [
  "",
  " ",
  "relay.example ",
  "relay.example\n:1",
  "relay.example\u0000",
  "bücher.example",
  ":9999",
  "postern://",
  "postern://:9999",
  "relay.example:0",
  "relay.example:65536",
  "relay.example:-1",
  "relay.example:1x",
  "relay.example:1:2",
  "::1",
  "[::1",
  "[::1%25eth0]:1",
  "[relay.example]:1",
  "256.0.0.1",
  "a b",
  "a%2eb",
  "a\\b",
  "a|b",
  "user@relay.example",
  "@relay.example",
  "user:word@relay.example",
  "relay.example/path",
  "relay.example?query",
  "relay.example?",
  "http://relay.example",
  "posterns://relay.example",
  "postern:relay.example",
  "javascript://relay.example",
  "a".repeat(341),
];

for (const text of REFUSED)
  test(`parseRelayAddress() refuses ${JSON.stringify(text.slice(0, 40))}`, () => {
    const expected = { name: "PosternError", code: "usage/invalid-argument" };
    assert.throws(() => parseRelayAddress(text), expected);
    assert.throws(() => parseRelayAddress(`${text}#${FP}`), expected);
  });

test("parseRelayAddress() never drops a pin that is not whole (C-10)", () => {
  const pins = ["", FP.slice(1), FP.slice(0, 16), `${FP}a`, FP.replace("a", "1"), `${FP}#`, "?"];
  for (const pin of [...pins, `${FP}?x`, `${FP}#${FP}`])
    assert.throws(() => parseRelayAddress(`relay.example#${pin}`), {
      code: "usage/invalid-argument",
    });
});

test("parseRelayAddress() tells nothing of its input in the error (T-02)", () => {
  assert.throws(
    () => parseRelayAddress("http://secret-host"),
    (error: Error) => !inspect(error).split("at ")[0]!.includes("secret-host"),
  );
});

test("formatRelayAddress() is read back by parseRelayAddress()", () => {
  for (const host of ["relay.example", "192.0.2.7", "2001:db8::1"])
    for (const address of [
      { host, port: 80 },
      { host, port: 9_999, fingerprint: PIN },
    ])
      assert.deepEqual(parseRelayAddress(formatRelayAddress(address)), address);
  assert.equal(
    formatRelayAddress({ host: "::1", port: 9_999, fingerprint: PIN }),
    `postern://[::1]:9999#${FP}`,
  );
  assert.equal(formatRelayAddress({ host: "localhost", port: 80 }), "postern://localhost:80");
});
