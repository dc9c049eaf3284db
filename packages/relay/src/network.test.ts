import assert from "node:assert/strict";
import { test } from "node:test";
import { networkOf } from "./network.ts";

const CASES: readonly (readonly [string, string])[] = [
  ["192.0.2.7", "192.0.2.7"],
  ["::ffff:192.0.2.7", "192.0.2.7"],
  ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
  ["2001:0DB8:0001:0002::1", "2001:db8:1:2::/64"],
  ["2001:db8::1", "2001:db8:0:0::/64"],
  ["2001:db8:1::", "2001:db8:1:0::/64"],
  ["2001:db8:1:2:3::6", "2001:db8:1:2::/64"],
  ["1::2:3:4:5:6:7", "1:0:2:3::/64"],
  ["::2:3:4:5:6:7:8", "0:2:3:4::/64"],
  ["::1", "0:0:0:0::/64"],
  ["fe80::1%eth0", "fe80:0:0:0::/64"],
  ["64:ff9b::192.0.2.7", "64:ff9b:0:0::/64"],
  ["", ""],
];

for (const [address, network] of CASES) {
  test(`networkOf() takes ${address === "" ? "no address" : address} for ${network}`, () => {
    assert.equal(networkOf(address), network);
  });
}

test("R-03 networkOf() is the same for all addresses that one user of IPv6 may take", () => {
  const networks = new Set<string>();
  for (let host = 1; host < 65_536; host += 251)
    networks.add(networkOf(`2001:db8:1:2:${host.toString(16)}::${host.toString(16)}`));
  assert.deepEqual([...networks], ["2001:db8:1:2::/64"]);
});
