/** C-13: somebody who was told the code and names an ID whose key they do not hold. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  codeOf,
  contextOf,
  greeting,
  joiner,
  opener,
  type PairingSide,
  SLOT,
} from "../../test/pairing-lab.ts";
import { ByteReader, ByteWriter, label } from "../bytes.ts";
import type { SigningKeyPair } from "../crypto.ts";
import { nobleSuite as suite } from "../crypto/noble-suite.ts";
import { openCard, sealCard } from "./card.ts";
import { passwordOf, parseCode } from "./code.ts";
import {
  agreeOnKeys,
  checkConfirmation,
  confirmationOf,
  drawShare,
  type PairingKeys,
  type PairingRole,
} from "./keys.ts";
import { decodePairingMessage, encodePairingMessage } from "./messages.ts";
import type { PairingContext } from "./steps.ts";

/** What a liar writes for its signature; `heard` is the honest side's, if it said one. */
type Forge = (keys: PairingKeys, heard?: Uint8Array) => Uint8Array;

const CODE = `${SLOT}-crystal-velvet`;
const ROLE = { opener: 1, joiner: 2 } as const;
const mallory = contextOf("mallory");
const carol = contextOf("carol");

function sign(signing: SigningKeyPair, role: PairingRole, { transcript }: PairingKeys) {
  const facts = new ByteWriter().raw(label("pairing identity")).u8(ROLE[role]).raw(transcript);
  return suite.sign(signing, facts.bytes());
}

/** The card of somebody who has the keys and may write into it what they like. */
function forgedCard(keys: PairingKeys, role: PairingRole, signature: Uint8Array): Uint8Array {
  const plaintext = new ByteWriter().text("carol").raw(signature).bytes();
  const key = role === "opener" ? keys.openerCard : keys.joinerCard;
  return suite.seal(key, new Uint8Array(12), keys.transcript, plaintext);
}

/** The signature in a card, for a liar who has the keys. */
function signatureIn(keys: PairingKeys, role: PairingRole, card: Uint8Array): Uint8Array {
  const key = role === "opener" ? keys.openerCard : keys.joinerCard;
  const plaintext = suite.open(key, new Uint8Array(12), keys.transcript, card);
  assert(plaintext !== undefined);
  const reader = new ByteReader(plaintext);
  reader.text("name", 32);
  return reader.rest().slice();
}

/** An honest opener, and a joiner who knows the words and names `id`. */
function falseJoiner(id: Uint8Array, forge: Forge): PairingSide {
  const a = opener();
  const { relayFingerprint } = a.context;
  const { nonce: openerNonce } = decodePairingMessage("nonce", greeting(a)!)!;
  const place = { relayFingerprint, slot: SLOT, openerNonce, joinerNonce: suite.random(16) };
  const { scalar, share } = drawShare(suite, place, passwordOf(parseCode(codeOf(a)).words));
  const own = { id, share };
  const said = { kind: "joiner-share", nonce: place.joinerNonce, ...own } as const;
  const heard = decodePairingMessage("opener-share", a.hear(encodePairingMessage(said))!)!;
  const keys = agreeOnKeys(suite, place, { opener: heard, joiner: own }, scalar, "joiner")!;
  const confirmation = confirmationOf(suite, keys, "joiner");
  const card = forgedCard(keys, "joiner", forge(keys));
  a.hear(encodePairingMessage({ kind: "joiner-confirmation", confirmation, card }));
  return a;
}

/** An honest joiner, and an opener who knows the words and names `id`. */
function falseOpener(id: Uint8Array, forge: Forge, b = joiner(CODE)): PairingSide {
  const { relayFingerprint } = b.context;
  const openerNonce = suite.random(16);
  const two = b.hear(encodePairingMessage({ kind: "nonce", nonce: openerNonce }));
  const heard = decodePairingMessage("joiner-share", two!)!;
  const place = { relayFingerprint, slot: SLOT, openerNonce, joinerNonce: heard.nonce };
  const { scalar, share } = drawShare(suite, place, passwordOf(parseCode(CODE).words));
  const own = { id, share };
  const four = b.hear(encodePairingMessage({ kind: "opener-share", ...own }));
  const keys = agreeOnKeys(suite, place, { opener: own, joiner: heard }, scalar, "opener")!;
  const said = decodePairingMessage("joiner-confirmation", four!)!;
  const forged = forge(keys, signatureIn(keys, "joiner", said.card));
  const confirmation = confirmationOf(suite, keys, "opener");
  const card = forgedCard(keys, "opener", forged);
  b.hear(encodePairingMessage({ kind: "opener-confirmation", confirmation, card }));
  return b;
}

const LIARS = { joiner: falseJoiner, opener: falseOpener } as const;
const ROLES = ["joiner", "opener"] as const;

/** Keys of a run that is over; a liar may copy what they had. */
function keysOfAnotherRun(): PairingKeys {
  let kept: PairingKeys | undefined;
  falseJoiner(mallory.self.id, (keys) => {
    kept = keys;
    return new Uint8Array(64);
  });
  assert(kept !== undefined);
  return kept;
}

/** It knew the words, so nobody is told of a guess; nothing of the run is kept. */
function assertRefused(side: PairingSide, what: string): void {
  assert.equal(side.outcome, "pairing/failed", what);
  assert.deepEqual(side.closed, [SLOT], what);
  assert(!side.events.some(({ kind }) => kind === "paired" || kind === "guessed"), what);
  for (const state of side.states) {
    if (!("keys" in state)) continue;
    const { transcript: _, ...secrets } = state.keys;
    for (const [name, key] of Object.entries(secrets))
      assert(
        key.every((byte: number) => byte === 0),
        `${what} ${name}`,
      );
  }
}

test("C-13 these liars pair under the ID whose key they hold", () => {
  for (const role of ROLES) {
    const honest = LIARS[role](mallory.self.id, (keys) => sign(mallory.signing, role, keys));
    assert.equal(honest.outcome, "paired", role);
    assert.deepEqual(honest.last("paired").id, mallory.self.id);
  }
});

test("C-13 who knows the words but names another's ID is refused at either end", () => {
  for (const role of ROLES) {
    const forgeries: readonly (readonly [string, Forge])[] = [
      ["their own signature", (keys) => sign(mallory.signing, role, keys)],
      ["zeros", () => new Uint8Array(64)],
      ["chance", () => suite.random(64)],
    ];
    for (const [what, forge] of forgeries)
      assertRefused(LIARS[role](carol.self.id, forge), `${role}: ${what}`);
  }
});

test("C-13 the machine itself, with another's ID for its own, pairs nobody", () => {
  const lying: PairingContext = { ...carol, signing: mallory.signing };
  const a = opener();
  const liar = joiner(codeOf(a), lying);
  liar.hear(a.hear(liar.hear(greeting(a))));
  a.hear(liar.sent.at(-1));
  assertRefused(a, "joiner");
  const shows = opener(lying);
  const b = joiner(codeOf(shows));
  b.hear(shows.hear(b.hear(shows.hear(b.hear(greeting(shows))))));
  assertRefused(b, "opener");
});

test("C-13 a reflected signature is worth nothing", () => {
  // The joiner's, in the opener's card: under a third person's ID, and under the opener's own.
  for (const { id } of [carol.self, mallory.self]) {
    const b = falseOpener(id, (_keys, heard) => heard!);
    assertRefused(b, "the joiner's own signature");
  }
  // Nor is it good for the ID that made it, in the other role.
  for (const role of ROLES) {
    const other = role === "opener" ? "joiner" : "opener";
    const side = LIARS[role](mallory.self.id, (keys) => sign(mallory.signing, other, keys));
    assertRefused(side, `${role} signs as ${other}`);
  }
});

test("C-12 C-13 a signature over another transcript, or for another use, is worth nothing", () => {
  const elsewhere = keysOfAnotherRun();
  for (const role of ROLES) {
    const { signing } = mallory;
    const forgeries: readonly (readonly [string, Forge])[] = [
      ["another run", () => sign(signing, role, elsewhere)],
      ["no label and no role", ({ transcript }) => suite.sign(signing, transcript)],
      [
        "another label",
        ({ transcript }) =>
          suite.sign(
            signing,
            new ByteWriter().raw(label("pairing")).u8(ROLE[role]).raw(transcript).bytes(),
          ),
      ],
    ];
    for (const [what, forge] of forgeries)
      assertRefused(LIARS[role](mallory.self.id, forge), `${role}: ${what}`);
  }
});

test("C-02 C-13 what carol once signed for the liar is no good towards anybody else", () => {
  // Carol pairs with mallory, who has the keys of that run and so reads her card.
  const signatures: Uint8Array[] = [];
  const keep: Forge = (keys, heard) => {
    signatures.push(heard!);
    return sign(mallory.signing, "opener", keys);
  };
  const carolJoined = falseOpener(mallory.self.id, keep, joiner(CODE, carol));
  assert.deepEqual([carolJoined.outcome, signatures.length], ["paired", 1]);
  for (const role of ROLES)
    for (const signature of signatures)
      assertRefused(
        LIARS[role](carol.self.id, () => signature),
        role,
      );
});

test("openCard() takes what sealCard() makes, for that role and that ID alone", () => {
  const keys = keysOfAnotherRun();
  const confirmed = checkConfirmation(
    suite,
    keys,
    "joiner",
    confirmationOf(suite, keys, "joiner"),
  )!;
  const own = { name: "mallory", signing: mallory.signing };
  for (const role of ROLES) {
    const card = sealCard(suite, keys, role, own);
    const { id } = mallory.self;
    assert.equal(openCard(suite, confirmed, { role, id }, card)?.name, "mallory");
    const other = role === "opener" ? "joiner" : "opener";
    assert.equal(openCard(suite, confirmed, { role: other, id }, card), undefined);
    assert.equal(openCard(suite, confirmed, { role, id: carol.self.id }, card), undefined);
    assert.equal(openCard(suite, confirmed, { role, id: id.subarray(1) }, card), undefined);
  }
});
