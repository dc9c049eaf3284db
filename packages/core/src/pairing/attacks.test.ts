/** C-14: what a relay, a stranger with a guess, and both together get out of a pairing. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  codeOf,
  contextOf,
  converse,
  drawingFirst,
  greeting,
  joiner,
  met,
  opener,
  type PairingSide,
  SLOT,
  VALID_MS,
  wrongCode,
} from "../../test/pairing-lab.ts";
import { concat, hex } from "../bytes.ts";
import { nobleSuite as suite } from "../crypto/noble-suite.ts";
import { passwordOf, parseCode } from "./code.ts";
import { agreeOnKeys, confirmationOf, drawShare } from "./keys.ts";
import { decodePairingMessage, encodePairingMessage } from "./messages.ts";

type Tamper = (body: Uint8Array) => Uint8Array;

const WORDS_RANDOM = Uint8Array.of(1, 2, 3, 4);
/** Where the parts of messages 2 and 3 begin. */
const AT = { nonce1: 1, nonce2: 1, id2: 17, share2: 52, id3: 1, share3: 36, card: 33 };
/** The draft's Invalid Y1 decodes to nothing; 0 is the identity. */
const POINTS = [
  new Uint8Array(32),
  Uint8Array.from(
    Buffer.from("2b3c6b8c4f3800e7aef6864025b4ed79bd599117e427c41bd47d93d654b4a51c", "hex"),
  ),
  new Uint8Array(32).fill(0xff),
];

function burned(side: PairingSide): boolean {
  return side.state.kind === "expect-slot" && side.events.at(-1)?.kind === "guessed";
}

function put(bytes: Uint8Array, at: number, part: Uint8Array): Uint8Array {
  const out = bytes.slice();
  out.set(part, at);
  return out;
}

/** Both ends, with message n changed on its way; what the relay then hands on by itself, too. */
function tampered(n: number, tamper: Tamper, a = opener(), b = joiner(codeOf(a))) {
  let heard = greeting(a);
  for (let said = 1, to = b; heard !== undefined; said++, to = to === a ? b : a)
    heard = to.hear(said === n ? tamper(heard) : heard);
  if (b.closed.length > 0) a.step({ kind: "closed", reason: "other-end" });
  else b.step({ kind: "closed", reason: "other-end" });
  return { a, b };
}

test("C-14 a wrong code costs the one attempt and tells both sides", () => {
  const a = opener();
  const code = codeOf(a);
  const guesser = joiner(wrongCode(a));
  converse(a, guesser);
  assert(burned(a));
  assert.equal(guesser.outcome, "pairing/wrong-code");
  assert.deepEqual(a.closed, [SLOT]);
  assert.equal(a.sent.length, 2, "nothing that depends on the words but the share");

  // The right words come too late, even if the relay gives the opener the same slot again.
  a.step({ kind: "slot", slot: SLOT, validMs: VALID_MS });
  const late = joiner(code);
  converse(a, late);
  assert(burned(a));
  assert.equal(late.outcome, "pairing/wrong-code");
});

test("C-14 two guesses at once: the second joiner burns the code for both", () => {
  for (const said of [1, 2, 3]) {
    const a = opener();
    const b = joiner(codeOf(a));
    let heard = greeting(a);
    for (let n = 1, to = b; n < said; n++, to = to === a ? b : a) heard = to.hear(heard);
    assert.deepEqual(a.step({ kind: "joined" }).at(0), { kind: "close", slot: SLOT });
    assert(burned(a), `after message ${said}`);
  }
});

test("C-14 two guesses at once: a relay that mixes two joiners into one slot gives one guess", () => {
  for (const order of ["wrong first", "right first"]) {
    const a = opener();
    const sides = [joiner(wrongCode(a), contextOf("eve")), joiner(codeOf(a))];
    if (order === "right first") sides.reverse();
    const nonce = greeting(a);
    const [two, other] = sides.map((side) => side.hear(nonce));
    const three = a.hear(two);
    for (const side of sides) side.hear(three);
    assert.equal(a.hear(other), undefined, "a second message 2");
    assert(burned(a), order);
    // What the first one goes on with finds no code.
    assert.equal(a.hear(sides[0]!.sent[1]), undefined);
    assert.equal(a.outcome, "expect-slot");
  }
});

test("C-14 an opener refuses what it said itself", () => {
  const { a: done } = met();
  for (const body of done.sent) {
    const waitsForShare = opener();
    greeting(waitsForShare);
    waitsForShare.hear(body);
    assert(burned(waitsForShare));
  }
  const a = opener();
  const b = joiner(codeOf(a));
  a.hear(b.hear(greeting(a)));
  const [, share] = a.sent;
  a.hear(share);
  assert(burned(a));
});

test("C-14 a joiner refuses what it said itself, as it is and as the opener's", () => {
  const retyped = (body: Uint8Array, type: number) => put(body, 0, Uint8Array.of(type));
  const reflections: readonly (readonly [number, (b: PairingSide) => Uint8Array])[] = [
    [3, (b) => b.sent[0]!],
    [3, (b) => concat(Uint8Array.of(3), b.sent[0]!.subarray(AT.id2))],
    [5, (b) => b.sent[1]!],
    [5, (b) => retyped(b.sent[1]!, 5)],
  ];
  for (const [n, reflect] of reflections) {
    const a = opener();
    const b = joiner(codeOf(a));
    tampered(n, () => reflect(b), a, b);
    assert.notEqual(b.outcome, "paired");
    assert.deepEqual(b.closed, [SLOT]);
  }
});

test("C-14 nobody pairs with himself, though he knows the words", () => {
  const context = contextOf("alice");
  const a = opener(context);
  const b = joiner(codeOf(a), context);
  converse(a, b);
  assert(burned(a));
  assert.notEqual(b.outcome, "paired");
  // Nor is a joiner told its own ID by one who knows the words.
  const other = tampered(3, (body) => put(body, AT.id3, contextOf("bob").self.id));
  assert.equal(other.b.outcome, "pairing/failed");
});

test("C-14 invalid points and the identity are refused at both ends", () => {
  for (const point of POINTS) {
    const atOpener = tampered(2, (body) => put(body, AT.share2, point));
    assert(burned(atOpener.a));
    assert.equal(atOpener.a.sent.length, 1, "no share in answer");
    const atJoiner = tampered(3, (body) => put(body, AT.share3, point));
    assert.equal(atJoiner.b.outcome, "pairing/failed");
    assert.equal(atJoiner.b.sent.length, 1, "no confirmation in answer");
    assert(burned(atJoiner.a));
  }
});

test("C-14 C-01 any byte of any message changed by the relay, and nobody is paired", () => {
  const lengths = met().a.sent.length + met().b.sent.length;
  assert.equal(lengths, 5);
  for (let n = 1; n <= 4; n++) {
    const { a, b } = met();
    const length = (n % 2 === 1 ? a : b).sent[(n - 1) >> 1]!.length;
    for (let at = 0; at < length; at += 7) {
      const changed = tampered(n, (body) => put(body, at, Uint8Array.of(body[at]! ^ 0x10)));
      assert.notEqual(changed.a.outcome, "paired", `message ${n}, byte ${at}`);
      assert.notEqual(changed.b.outcome, "paired", `message ${n}, byte ${at}`);
    }
  }
  const last = met().a.sent[2]!.length;
  for (let at = 0; at < last; at += 7) {
    const { a, b } = tampered(5, (body) => put(body, at, Uint8Array.of(body[at]! ^ 0x10)));
    assert.notEqual(b.outcome, "paired", `message 5, byte ${at}`);
    assert.equal(a.outcome, "paired", "it cannot know: the pair's first transfer shows it");
  }
});

test("C-10 C-14 a relay that swaps nonces, IDs or shares for its own pairs nobody", () => {
  const mallory = contextOf("mallory").self.id;
  const nonce = new Uint8Array(16).fill(7);
  const { a: elsewhere, b: joinedElsewhere } = met();
  const shareOf = (body: Uint8Array | undefined) => body!.subarray(-32);
  const swaps: readonly (readonly [string, number, Tamper])[] = [
    ["opener's nonce", 1, (body) => put(body, AT.nonce1, nonce)],
    ["joiner's nonce", 2, (body) => put(body, AT.nonce2, nonce)],
    ["joiner's ID", 2, (body) => put(body, AT.id2, mallory)],
    ["joiner's share", 2, (body) => put(body, AT.share2, shareOf(joinedElsewhere.sent[0]))],
    ["opener's ID", 3, (body) => put(body, AT.id3, mallory)],
    ["opener's share", 3, (body) => put(body, AT.share3, shareOf(elsewhere.sent[1]))],
  ];
  for (const [name, n, swap] of swaps) {
    const { a, b } = tampered(n, swap);
    assert(burned(a), name);
    assert.equal(b.outcome, "pairing/wrong-code", name);
  }
});

test("C-14 cards are good for their own run and their own side", () => {
  const elsewhere = met();
  const cards = [elsewhere.b.sent[1]!, elsewhere.a.sent[2]!].map((body) => body.subarray(AT.card));
  for (const card of cards)
    for (const n of [4, 5]) {
      const { a, b } = tampered(n, (body) => concat(body.subarray(0, AT.card), card));
      assert.equal((n === 4 ? a : b).outcome, "pairing/failed");
    }
  const a = opener();
  const b = joiner(codeOf(a));
  // The joiner's own card as the opener's, in the same run.
  tampered(5, (body) => concat(body.subarray(0, AT.card), b.sent[1]!.subarray(AT.card)), a, b);
  assert.equal(b.outcome, "pairing/failed");
});

test("C-14 a relay that crosses slots or relays pairs nobody, though the words are the same", () => {
  const words = () => drawingFirst(WORDS_RANDOM);
  const a = opener(contextOf("alice", "relay", words()));
  const [, ...rest] = codeOf(a).split("-");
  const elsewhere = joiner(["38", ...rest].join("-"));
  converse(a, elsewhere);
  assert(burned(a));
  assert.equal(elsewhere.outcome, "pairing/wrong-code");

  const again = opener(contextOf("alice", "relay", words()));
  const b = joiner(codeOf(again), contextOf("bob", "another relay"));
  converse(again, b);
  assert(burned(again));
  assert.equal(b.outcome, "pairing/wrong-code");
});

test("C-02 C-14 messages of another run are worth nothing, under the same words and slot too", () => {
  const first = opener(contextOf("alice", "relay", drawingFirst(WORDS_RANDOM)));
  const firstJoiner = joiner(codeOf(first));
  converse(first, firstJoiner);
  assert.equal(first.outcome, "paired");
  const [oldShare, oldConfirmation] = firstJoiner.sent;
  const [oldNonce, oldAnswer, oldLast] = first.sent;

  const a = opener(contextOf("alice", "relay", drawingFirst(WORDS_RANDOM)));
  assert.equal(codeOf(a), codeOf(first));
  greeting(a);
  assert(a.hear(oldShare) !== undefined, "it cannot know yet");
  a.hear(oldConfirmation);
  assert(burned(a));

  const b = joiner(codeOf(first));
  b.hear(oldNonce);
  b.hear(oldAnswer);
  b.hear(oldLast);
  assert.equal(b.outcome, "pairing/wrong-code");
});

test("C-14 each message is out of turn in every other one's place", () => {
  const { a, b } = met();
  const messages = [a.sent[0], b.sent[0], a.sent[1], b.sent[1], a.sent[2]];
  for (let n = 1; n <= 5; n++)
    for (const [i, other] of messages.entries()) {
      if (i + 1 === n) continue;
      const run = tampered(n, () => other!);
      const receiver = n % 2 === 1 ? run.b : run.a;
      assert.notEqual(receiver.outcome, "paired", `${i + 1} as ${n}`);
      assert.equal(receiver.sent.length, n >> 1, "no answer");
    }
});

test("C-14 one run at a joiner tests one guess: confirmations hang on ISK, not on the words", () => {
  // Mallory is the relay and plays the opener. Her share stands under the words she guessed.
  const real = ["crystal", "velvet"];
  const b = joiner(`${SLOT}-${real.join("-")}`);
  const mallory = contextOf("mallory");
  const openerNonce = new Uint8Array(16);
  b.hear(encodePairingMessage({ kind: "nonce", nonce: openerNonce }));
  const heard = decodePairingMessage("joiner-share", b.sent[0]!)!;
  const { relayFingerprint } = mallory;
  const place = { relayFingerprint, slot: SLOT, openerNonce, joinerNonce: heard.nonce };
  const own = drawShare(suite, place, passwordOf(["zoo", "zoo"]));
  const end = { id: mallory.self.id, share: own.share };
  b.hear(encodePairingMessage({ kind: "opener-share", ...end }));
  const { confirmation } = decodePairingMessage("joiner-confirmation", b.sent[1]!)!;

  // With her scalar she has one ISK, whatever words she tries afterwards: they are not in it.
  const ends = { opener: end, joiner: heard };
  const keys = agreeOnKeys(suite, place, ends, own.scalar.slice(), "opener")!;
  assert.notEqual(hex(confirmationOf(suite, keys, "joiner")), hex(confirmation));

  // Had she known them before, it would be the right one: the test above is one.
  const knowing = joiner(`${SLOT}-zoo-zoo`);
  knowing.hear(encodePairingMessage({ kind: "nonce", nonce: openerNonce }));
  const share = decodePairingMessage("joiner-share", knowing.sent[0]!)!;
  const there = { ...place, joinerNonce: share.nonce };
  const right = drawShare(suite, there, passwordOf(["zoo", "zoo"]));
  knowing.hear(
    encodePairingMessage({ kind: "opener-share", id: mallory.self.id, share: right.share }),
  );
  const said = decodePairingMessage("joiner-confirmation", knowing.sent[1]!)!;
  const all = { opener: { id: mallory.self.id, share: right.share }, joiner: share };
  const held = agreeOnKeys(suite, there, all, right.scalar, "opener")!;
  assert.equal(hex(confirmationOf(suite, held, "joiner")), hex(said.confirmation));
});

test("C-14 a watcher who learns the words afterwards has no key of the run", () => {
  const { a, b } = met();
  const [one, three] = [
    decodePairingMessage("nonce", a.sent[0]!)!,
    decodePairingMessage("opener-share", a.sent[1]!)!,
  ];
  const two = decodePairingMessage("joiner-share", b.sent[0]!)!;
  const { confirmation } = decodePairingMessage("joiner-confirmation", b.sent[1]!)!;
  const { relayFingerprint } = a.context;
  const nonces = { openerNonce: one.nonce, joinerNonce: two.nonce };
  const place = { relayFingerprint, slot: SLOT, ...nonces };
  const ends = { opener: three, joiner: two };
  // All that was on the wire, the right words, and scalars of her own: as near as she gets.
  const password = passwordOf(parseCode(codeOf(a)).words);
  for (let i = 0; i < 5; i++) {
    const { scalar } = drawShare(suite, place, password);
    const keys = agreeOnKeys(suite, place, ends, scalar, i % 2 === 0 ? "opener" : "joiner")!;
    assert.equal(hex(keys.transcript).length, 64);
    assert.notEqual(hex(confirmationOf(suite, keys, "joiner")), hex(confirmation));
  }
});

test("C-14 what is said before a confirmation is a nonce, an ID and a share, and nothing else", () => {
  const { a, b } = met();
  assert.deepEqual(
    [a.sent[0], b.sent[0], a.sent[1]].map((body) => body?.length),
    [17, 84, 68],
  );
  const words = parseCode(codeOf(a)).words.join("-");
  for (const body of [...a.sent, ...b.sent])
    assert(!Buffer.from(body).toString("latin1").includes(words));
  // Nor do two runs under the same words show that they are.
  const runs = [0, 1].map(() => {
    const side = opener(contextOf("alice", "relay", drawingFirst(WORDS_RANDOM)));
    converse(side, joiner(codeOf(side)));
    return side.sent[1]!.subarray(AT.share3);
  });
  assert.notEqual(hex(runs[0]!), hex(runs[1]!));
});
