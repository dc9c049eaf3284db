/**
 * `vectors/end-to-end.json`: docs/protocol-end-to-end.md 7.3. Each value three times: as the file
 * has it, as the code makes it, and as `node:crypto` makes it from the text.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { hex } from "../src/bytes.ts";
import { nobleSuite as suite } from "../src/crypto/noble-suite.ts";
import { hpkeExport } from "../src/exchange/end-to-end/hpke.ts";
import { openEndToEndReceipt } from "../src/exchange/end-to-end/receipt.ts";
import { decodeResync, encodeResync } from "../src/exchange/end-to-end/resync.ts";
import { chainSink, chainSource } from "../src/exchange/end-to-end/session-chain.ts";
import { SINGLE_USE_NONCE, type TransferKeys } from "../src/exchange/transfer-keys.ts";
import { decodeKeyPackage, encodeKeyPackage } from "../src/identity.ts";
import type { WallMs } from "../src/time.ts";
import { decodeTransferEnvelope, encodeTransferEnvelope } from "../src/transfer/envelope.ts";
import { offerDigest } from "../src/exchange/end-to-end/resync.ts";
import { contextOf, identityOf, replayChannel } from "./end-to-end-replay.ts";
import { channels, vectors, type VectorChannel } from "./end-to-end-file.ts";
import { bytes, coreAnswer, coreOpens } from "./exchange-vectors.ts";
import { label, party, unhex } from "./plain-crypto.ts";
import { plainChannel, plainKemKey, plainPackage } from "./plain-end-to-end.ts";
import type { EndToEndExpected, EndToEndInputs } from "./plain-end-to-end.ts";
import { plainResync } from "./plain-receipts.ts";
import type { Replayed } from "./end-to-end-replay.ts";

const { parties, packages, resyncs, now } = vectors;
const seeds = { sender: parties.sender.seed, receiver: parties.receiver.seed };
const replayed = channels.map(({ inputs }) => replayChannel(parties, inputs));

test("end-to-end.json: identities and fingerprints are those of the seeds", () => {
  for (const { seed, id, fingerprint } of Object.values(parties)) {
    const identity = identityOf({ seed, id, fingerprint });
    assert.deepEqual([hex(identity.id), hex(identity.fingerprint)], [id, fingerprint]);
    const plain = party(unhex(seed));
    const made = [plain.id.toString("hex"), plain.fingerprint.toString("hex")];
    assert.deepEqual(made, [id, fingerprint]);
  }
});

test("end-to-end.json: key packages are made and read, by the code and by plain node:crypto", () => {
  for (const { name, inputs, expected } of packages) {
    assert.equal(plainPackage(seeds, inputs), expected.bytes, name);
    assert.equal(plainKemKey(inputs.seed).toString("hex"), expected.publicKey, name);
    const { type, profiles } = inputs;
    const { publicKey } = suite.kemFromSeed(bytes(inputs.seed));
    const times = {
      notBefore: inputs.notBefore as WallMs,
      notAfter: inputs.notAfter as WallMs,
    };
    const fields = { type, kid: bytes(inputs.kid), publicKey, ...times, profiles };
    const owner = identityOf(parties[inputs.owner]);
    assert.equal(hex(encodeKeyPackage(suite, owner, fields)), expected.bytes, name);
    for (const at of [now, inputs.notBefore - 10_000, inputs.notAfter])
      assert.deepEqual(
        decodeKeyPackage(suite, owner.id, bytes(expected.bytes), at as WallMs),
        fields,
        name,
      );
  }
  assert.deepEqual(
    packages.map(({ inputs }) => inputs.type),
    ["one-time", "last-resort", "reply"],
  );
});

for (const [i, { name, inputs, expected }] of channels.entries()) {
  test(`end-to-end.json: plain node:crypto makes every byte of ${name}`, () => {
    assert.deepEqual(plainChannel(seeds, inputs), expected);
  });

  test(`end-to-end.json: the code makes every byte of ${name}`, () => {
    for (const [n, transfer] of inputs.transfers.entries())
      assertCoreMakes(transfer, expected[n]!, replayed[i]![n]!);
  });

  test(`end-to-end.json: master keys come from HPKE's export in ${name}`, () => {
    for (const [n, { secret, transcript, masterKey }] of expected.entries())
      assert.equal(hex(masterKeyOf({ inputs, expected }, n, secret, transcript)), masterKey);
  });

  test(`end-to-end.json: the receiver reads all of ${name}`, () => {
    for (const [n, { offer, header, content }] of expected.entries()) {
      const { opened } = replayed[i]![n]!;
      assert.equal(hex(opened.offer.header), header);
      assert.equal(opened.offer.n, n);
      const { message, replyPackage } = inputs.transfers[n]!;
      assert.equal(opened.offer.message === undefined, message === null);
      assert.equal(hex(opened.replyPackage ?? bytes("")), replyPackage);
      const envelope = decodeTransferEnvelope(bytes(offer));
      assert.ok(envelope.kind === "offer");
      assert.equal(hex(envelope.content), content);
      if (opened.offer.message === undefined) continue;
      const text = opened.offer.message.content.subarray(4);
      assert.equal(Buffer.from(text).toString("utf8").replaceAll("\0", ""), message);
    }
  });
}

function assertCoreMakes(
  { answers, salt }: EndToEndInputs,
  expected: EndToEndExpected,
  { context, offer, opened, receipts }: Replayed,
): void {
  const { keys } = offer;
  const { transfer } = context;
  const { outer, sealedHeader, content } = offer;
  const envelope = encodeTransferEnvelope({
    kind: "offer",
    transfer,
    outer,
    sealedHeader,
    content,
  });
  const padded = suite.open(keys.header, SINGLE_USE_NONCE, outer, sealedHeader);
  const { answer, reverse } = opened.offer.keys;
  const made = {
    outer: hex(outer),
    transcript: hex(keys.transcript),
    keys: hexKeys(keys),
    sessionKeys: sessionKeysOf(keys),
    sealedPlaintext: padded && hex(padded),
    sealedHeader: hex(sealedHeader),
    content: hex(content),
    contentDigest: offer.digest === undefined ? "" : hex(offer.digest),
    offer: hex(envelope),
    saltedKeys: { answer: hex(answer), reverse: hex(reverse) },
    receipts: receipts.map(hex),
  };
  assert.deepEqual(made, {
    ...Object.fromEntries(Object.keys(made).map((name) => [name, expected[name as "offer"]])),
    keys: { ...expected.keys, next: undefined },
    receipts: expected.receipts.map(({ sealed }) => sealed),
  });
  assert.equal(hex(opened.offer.salt), salt);
  for (const [i, each] of answers.entries()) {
    const { sealed } = coreAnswer(opened.offer.keys, transfer, each);
    assert.equal(salt + sealed, expected.answers[i]!.sealed);
    assert.ok(coreOpens("answer", opened.offer.keys, transfer, sealed));
  }
}

function hexKeys({ header, answer, receipt, reverse, session }: TransferKeys) {
  const named = { header, answer, receipt, reverse, "session chain": session };
  const entries = Object.entries(named).map(([name, key]) => [name, hex(key)]);
  // CK_(n+1) is in no result: transfer n + 1 shows it.
  return { ...Object.fromEntries(entries), next: undefined };
}

function sessionKeysOf(keys: TransferKeys): readonly string[] {
  const source = chainSource(suite, { session: keys.session.slice() });
  return [1, 2, 3].map((j) => hex(source.next(j).key));
}

function masterKeyOf(
  { inputs, expected }: Pick<VectorChannel, "inputs" | "expected">,
  n: number,
  secret: string,
  transcript: string,
): Uint8Array {
  const pairing = inputs.pairingSecret;
  const key = n === 0 ? pairing : expected[n - 1]!.keys.next;
  const id = new Uint8Array(label(n === 0 ? "e2e pair" : "e2e chain"));
  return hpkeExport(suite, {
    sharedSecret: bytes(secret),
    info: new Uint8Array(Buffer.concat([label("e2e"), unhex(transcript)])),
    ...(key === null ? {} : { psk: { key: bytes(key), id } }),
    exporterContext: new Uint8Array(label("e2e master")),
    length: 32,
  });
}

test("end-to-end.json: the receiver's chain gives the session keys, and none twice", async () => {
  const { keys, sessionKeys } = channels[0]!.expected[2]!;
  const sink = chainSink(suite, { session: bytes(keys["session chain"]) });
  for (const [i, key] of sessionKeys.entries()) {
    assert.equal(hex((await sink.open(i + 1, bytes("")))!), key);
    sink.retire(i + 1);
    assert.equal(await sink.open(i + 1, bytes("")), undefined);
  }
});

test("end-to-end.json: receipts say what they were made of", () => {
  for (const [i, { inputs, expected }] of channels.entries())
    for (const [n, transfer] of inputs.transfers.entries())
      for (const [k, words] of transfer.receipts.entries()) {
        const { transcript, keys } = expected[n]!;
        const held = { transcript: bytes(transcript), receiptKey: bytes(keys.receipt) };
        const receiver = bytes(parties.receiver.id);
        const sealed = replayed[i]![n]!.receipts[k]!;
        const { verdict, total, number } = words;
        const { kid, seed } = inputs.keys[number - 1]!;
        assert.deepEqual(openEndToEndReceipt(suite, receiver, held, sealed), {
          verdict,
          total,
          digest: bytes(words.digest ?? expected[n]!.contentDigest),
          keyNumber: number,
          kid: bytes(kid),
          publicKey: suite.kemFromSeed(bytes(seed)).publicKey,
        });
      }
});

test("end-to-end.json: resyncs are made and read", () => {
  for (const { name, channel, transfer, epoch, expected, bytes: resync } of resyncs) {
    const offer = channels[channel]!.expected[transfer]!;
    assert.equal(plainResync(seeds, offer, { epoch, expected }), resync, name);
    const context = contextOf(parties, channels[channel]!.inputs.transfers[transfer]!.transfer);
    const said = {
      offer: offerDigest(suite, {
        outer: bytes(offer.outer),
        sealedHeader: bytes(offer.sealedHeader),
      }),
      epoch: epoch ?? 0,
      expected,
    };
    const { signing } = identityOf(parties.receiver);
    assert.equal(hex(encodeResync(context, signing, said)), resync, name);
    assert.deepEqual(decodeResync(context, bytes(resync)), said, name);
  }
});

test("end-to-end.json: envelopes are written and read", () => {
  for (const { kind, channel, transfer, resync, bytes: expected } of vectors.envelopes) {
    const envelope = decodeTransferEnvelope(bytes(expected));
    assert.equal(envelope.kind, kind);
    const { outer, sealedHeader, receipts } = channels[channel]!.expected[transfer]!;
    const rest = {
      close: { outer: bytes(outer), sealedHeader: bytes(sealedHeader) },
      receipt: { sealed: bytes(receipts[0]!.sealed) },
      resync: { resync: bytes(resyncs[resync ?? 0]!.bytes) },
    };
    const tid = bytes(channels[channel]!.inputs.transfers[transfer]!.transfer);
    assert.deepEqual(envelope, { kind, transfer: tid, ...rest[kind] });
    assert.equal(hex(encodeTransferEnvelope(envelope)), expected);
  }
});
