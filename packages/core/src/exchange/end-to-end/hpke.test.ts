import assert from "node:assert/strict";
import { test } from "node:test";
import { bytes } from "../../../test/exchange-vectors.ts";
import { allDifferent, assertWiped, RememberingSuite, secret } from "../../../test/exchange-lab.ts";
import {
  hpkeFileMissing,
  hpkeXwingVectors,
  RFC_9180_A_3_2,
  suiteNamed,
} from "../../../test/hpke-vectors.ts";
import { hex, utf8 } from "../../bytes.ts";
import { nobleSuite as suite } from "../../crypto/noble-suite.ts";
import { hpkeExport, type HpkeInputs } from "./hpke.ts";

const INPUTS: HpkeInputs = {
  sharedSecret: secret("shared"),
  info: utf8("info"),
  psk: { key: secret("psk"), id: utf8("id") },
  exporterContext: utf8("context"),
  length: 32,
};

test("hpkeExport() gives what others publish for X-Wing", { skip: hpkeFileMissing }, () => {
  const vectors = hpkeXwingVectors();
  assert.ok(vectors.length > 0);
  for (const vector of vectors) {
    assert.equal(vector.mode, 0);
    const named = suiteNamed(vector.kem_id, vector.kdf_id, vector.aead_id);
    const pair = suite.kemFromSeed(bytes(vector.skRm));
    const sharedSecret = suite.decapsulate(pair, bytes(vector.enc))!;
    assert.equal(hex(sharedSecret), vector.shared_secret);
    for (const { exporter_context: context, L: length, exported_value: value } of vector.exports) {
      const inputs = { sharedSecret, info: bytes(vector.info), length };
      const exported = hpkeExport(named, { ...inputs, exporterContext: bytes(context) });
      assert.equal(hex(exported), value);
    }
  }
});

test("hpkeExport() gives what RFC 9180 A.3.2 does in mode_psk", () => {
  const { ids, sharedSecret, info, psk, pskId, exporterContext, exported } = RFC_9180_A_3_2;
  const made = hpkeExport(suiteNamed(...ids), {
    sharedSecret: bytes(sharedSecret),
    info: bytes(info),
    psk: { key: bytes(psk), id: bytes(pskId) },
    exporterContext: bytes(exporterContext),
    length: 32,
  });
  assert.equal(hex(made), exported);
});

test("C-09 C-12 hpkeExport() depends on every input, and on whether there is a psk", () => {
  const { psk: _, ...base } = INPUTS;
  const others: readonly HpkeInputs[] = [
    INPUTS,
    base,
    { ...INPUTS, sharedSecret: secret("another") },
    { ...INPUTS, info: utf8("infos") },
    { ...INPUTS, exporterContext: utf8("contexts") },
    { ...INPUTS, psk: { key: secret("another"), id: utf8("id") } },
    { ...INPUTS, psk: { key: secret("psk"), id: utf8("ids") } },
    { ...INPUTS, length: 33 },
  ];
  assert.ok(allDifferent(others.map((inputs) => hpkeExport(suite, inputs).subarray(0, 32))));
  assert.equal(hpkeExport(suite, { ...INPUTS, length: 33 }).length, 33);
});

test("C-20 hpkeExport() wipes what it makes on the way, and leaves what it was given", () => {
  const memory = new RememberingSuite();
  const exported = hpkeExport(memory.suite, INPUTS);
  const [, , extracted] = memory.extracted;
  const [exporterSecret, last] = memory.expanded;
  assertWiped(extracted, exporterSecret);
  assert.equal(last, exported);
  assert.deepEqual(exported, hpkeExport(suite, INPUTS));
  assert.deepEqual(INPUTS.sharedSecret, secret("shared"));
  assert.deepEqual(INPUTS.psk?.key, secret("psk"));
});
