import assert from "node:assert/strict";
import { test } from "node:test";
import { CommandFailure } from "./failures.ts";
import {
  parseAge,
  parseCapacity,
  parseDuration,
  parseListen,
  parseName,
  parseNames,
  parseRate,
  parseRelay,
  parseSessionSeconds,
  parseSize,
} from "./option-values.ts";

function refused(read: () => unknown, option: RegExp): void {
  assert.throws(read, (error) => {
    assert.ok(error instanceof CommandFailure);
    assert.equal(error.exitCode, 2);
    assert.match(error.explanation.what, option);
    return true;
  });
}

test("parseRate() takes bytes per second with decimal units", () => {
  assert.deepEqual(["300", "500K", "2.5m", "1G"].map(parseRate), [300, 500_000, 2_500_000, 1e9]);
  for (const text of ["", "0", "0.2", "-5", "5MB", "fast", "1e9", "1".repeat(10)])
    refused(() => parseRate(text), /^--limit/);
});

test("parseDuration() takes a number and a unit", () => {
  assert.deepEqual(
    ["30", "30s", "250ms", "5m", "1.5h"].map(parseDuration),
    [30_000, 30_000, 250, 300_000, 5_400_000],
  );
  for (const text of ["", "0s", "-1s", "5 s", "5d", "999999h"])
    refused(() => parseDuration(text), /^--timeout/);
});

test("parseSessionSeconds() takes 1 to 60", () => {
  assert.deepEqual(["1", "5", "60"].map(parseSessionSeconds), [1, 5, 60]);
  for (const text of ["0", "61", "5s", "2.5", ""])
    refused(() => parseSessionSeconds(text), /^--session-seconds/);
});

test("T-01 parseName() names the option and shows the text without control characters", () => {
  assert.equal(parseName("--to", "bob"), "bob");
  for (const text of ["", "Bob", "a".repeat(33), "a/b"])
    refused(() => parseName("--to", text), /^--to/);
  refused(() => parseName("--to", "a\u001b[2J"), /a\\u\{1b\}\[2J/);
});

test("parseRelay() fills in scheme and port and shows host and port", () => {
  assert.deepEqual(parseRelay("relay.example"), {
    address: "postern://relay.example:9999",
    shown: "relay.example:9999",
  });
  assert.equal(parseRelay("[::1]:80").shown, "[::1]:80");
  for (const text of ["", "a b", "http://x", "x#tooshort", "x:99999"])
    refused(() => parseRelay(text), /^--relay/);
});

test("parseListen() takes host and port, either may be left out", () => {
  assert.deepEqual(parseListen("127.0.0.1:0"), { host: "127.0.0.1", port: 0 });
  assert.deepEqual(parseListen(":8080"), { host: "0.0.0.0", port: 8080 });
  assert.deepEqual(parseListen("[::1]:8080"), { host: "::1", port: 8080 });
  assert.deepEqual(parseListen("localhost"), { host: "localhost", port: 9999 });
  for (const text of ["", "a:b", "a:70000", "http://x", "a b"])
    refused(() => parseListen(text), /^--listen/);
});

test("parseSize() takes a number and a unit of the disk's, and nothing else", () => {
  assert.equal(parseSize("--max-size", "10G"), 10e9);
  assert.equal(parseSize("--max-size", "1.5kB"), 1_500);
  assert.equal(parseSize("--max-size", "7"), 7);
  for (const text of ["", "0", "-1", "1e3", "10 G", "1P", "99999999999", "9999999T"])
    refused(() => parseSize("--max-size", text), /^--max-size/);
});

test("parseAge() knows days, parseCapacity() its bounds, parseNames() takes each name once", () => {
  assert.equal(parseAge("--older-than", "7d"), 604_800_000);
  assert.equal(parseAge("--older-than", "0d"), 0);
  refused(() => parseAge("--older-than", "d"), /^--older-than/);
  assert.equal(parseCapacity("64"), 64);
  for (const text of ["0", "65", "1.5", "x"]) refused(() => parseCapacity(text), /^--capacity/);
  assert.deepEqual(parseNames("--to", "ann, ben,ann"), ["ann", "ben"]);
  refused(() => parseNames("--to", "ann,,ben"), /^--to/);
});
