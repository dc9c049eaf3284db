/**
 * `vectors/pairing.json`: docs/protocol-pairing.md 10. Each value as the file has it, as the code
 * makes it, and as `node:crypto` and the bare group make it from the text.
 */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { hex } from "../src/bytes.ts";
import { nobleSuite as suite } from "../src/crypto/noble-suite.ts";
import { sha512 } from "../src/crypto/sha512.ts";
import { PosternError } from "../src/errors.ts";
import { identityFromSeed } from "../src/identity.ts";
import {
  completeWord,
  formatCode,
  parseCode,
  safetyNumber,
  safetyNumberQrText,
} from "../src/pairing.ts";
import { makeWords } from "../src/pairing/code.ts";
import { cpaceGenerator } from "../src/pairing/cpace.ts";
import { bytes, readVectors } from "./exchange-vectors.ts";
import { codeOf, drawing, greeting, joiner, opener, type PairingSide } from "./pairing-lab.ts";
import {
  plainPairing,
  plainSafetyNumber,
  type PairingInputs,
  type PairingParties,
  type PlainPairing,
  type PlainSafetyNumber,
} from "./plain-pairing.ts";

interface Run {
  readonly name: string;
  readonly parties: PairingParties;
  readonly inputs: PairingInputs & { readonly wordsRandom: string };
  readonly expected: PlainPairing;
}

interface Refused {
  readonly name: string;
  readonly body: string;
  readonly outcome: string;
}

interface Guess {
  readonly words: string;
  readonly outcome: string;
}

interface Impostor {
  readonly id: string;
  readonly outcome: string;
}

interface Vectors {
  readonly relayFingerprint: string;
  readonly runs: readonly Run[];
  readonly refused: {
    readonly openerAt2: readonly Refused[];
    readonly openerAt4: readonly Refused[];
    readonly joinerAt1: readonly Refused[];
    readonly joinerAt3: readonly Refused[];
    readonly joinerAt5: readonly Refused[];
    readonly guesses: {
      readonly joiner: Guess & { readonly message2: string; readonly message4: string };
      readonly opener: Guess & { readonly message3: string; readonly message5: string };
    };
    readonly impostors: {
      readonly joiner: Impostor & { readonly message2: string; readonly message4: string };
      readonly opener: Impostor & { readonly message3: string; readonly message5: string };
    };
  };
  readonly codes: {
    readonly wordlistSha256: string;
    readonly made: readonly { readonly random: string; readonly words: readonly string[] }[];
    readonly taken: readonly {
      readonly text: string;
      readonly slot: number;
      readonly words: readonly string[];
    }[];
    readonly refused: readonly {
      readonly text: string;
      readonly reason: string;
      readonly word?: number;
    }[];
    readonly completed: readonly (
      | { readonly prefix: string; readonly words: readonly string[] }
      | {
          readonly prefix: string;
          readonly count: number;
          readonly first: string;
          readonly last: string;
        }
    )[];
  };
  readonly safetyNumbers: readonly (PlainSafetyNumber & {
    readonly a: string;
    readonly b: string;
  })[];
}

const vectors = readVectors("pairing.json") as Vectors;
const [first] = vectors.runs;
assert(first !== undefined);

test("pairing.json: plain node:crypto makes its bytes", () => {
  for (const { name, parties, inputs, expected } of vectors.runs)
    assert.deepEqual(plainPairing(vectors.relayFingerprint, parties, inputs), expected, name);
});

test("pairing.json: the parties are what their seeds make", () => {
  for (const { parties } of vectors.runs)
    for (const { seed, id, fingerprint } of Object.values(parties)) {
      const identity = identityFromSeed(suite, bytes(seed));
      assert.deepEqual([hex(identity.id), hex(identity.fingerprint)], [id, fingerprint]);
    }
});

test("pairing.json: both machines say its messages and get its secret", () => {
  for (const run of vectors.runs) {
    const { expected, parties } = run;
    const { a, b } = sidesOf(run);
    assert.equal(codeOf(a), expected.code);
    const said = [greeting(a)];
    for (const to of [b, a, b, a]) said.push(to.hear(said.at(-1)));
    assert.deepEqual(
      said.map((body) => body && hex(body)),
      expected.messages,
      run.name,
    );
    b.hear(said.at(-1));
    for (const [side, peer] of [
      [a, parties.joiner],
      [b, parties.opener],
    ] as const) {
      const { id, fingerprint, name, secret } = side.last("paired");
      assert.deepEqual(
        { id: hex(id), fingerprint: hex(fingerprint), name, secret: hex(secret) },
        {
          id: peer.id,
          fingerprint: peer.fingerprint,
          name: peer.name,
          secret: expected.keys.secret,
        },
      );
    }
  }
});

test("pairing.json: the code makes generator, transcript and keys", () => {
  for (const run of vectors.runs) {
    const { expected } = run;
    const generator = cpaceGenerator({
      password: bytes(expected.password),
      channel: bytes(expected.channel),
      session: bytes(expected.session),
    });
    assert.equal(hex(generator), expected.generator);
    const { a, b } = sidesOf(run);
    b.hear(a.hear(b.hear(greeting(a))));
    for (const { state } of [a, b]) {
      assert("keys" in state, state.kind);
      const { transcript, openerConfirm, joinerConfirm, openerCard, joinerCard, secret } =
        state.keys;
      assert.equal(hex(transcript), expected.transcript);
      assert.deepEqual(
        [openerConfirm, joinerConfirm, openerCard, joinerCard, secret].map(hex),
        Object.values(expected.keys),
      );
    }
  }
});

test("C-14 pairing.json: what must be refused is, at each place", () => {
  const { refused } = vectors;
  for (const { name, body, outcome } of refused.openerAt2) {
    const { a } = sidesOf(first);
    greeting(a);
    assert.equal(a.hear(bytes(body)), undefined, name);
    assert.equal(verdictOf(a), outcome, name);
  }
  for (const { name, body, outcome } of refused.openerAt4) {
    const { a, b } = sidesOf(first);
    a.hear(b.hear(greeting(a)));
    assert.equal(a.hear(bytes(body)), undefined, name);
    assert.equal(verdictOf(a), outcome, name);
  }
  for (const { name, body, outcome } of refused.joinerAt1) {
    const { b } = sidesOf(first);
    assert.equal(b.hear(bytes(body)), undefined, name);
    assert.equal(b.outcome, outcome, name);
  }
  for (const { name, body, outcome } of refused.joinerAt3) {
    const { a, b } = sidesOf(first);
    b.hear(greeting(a));
    assert.equal(b.hear(bytes(body)), undefined, name);
    assert.equal(b.outcome, outcome, name);
  }
  for (const { name, body, outcome } of refused.joinerAt5) {
    const { a, b } = sidesOf(first);
    b.hear(a.hear(b.hear(greeting(a))));
    b.hear(bytes(body));
    assert.equal(b.outcome, outcome, name);
    assert.deepEqual(b.closed, [first.inputs.slot], name);
  }
});

test("C-14 pairing.json: one guess at either end, with shares of other words, fails", () => {
  const guesses = vectors.refused.guesses;
  const { a } = sidesOf(first);
  greeting(a);
  assert(a.hear(bytes(guesses.joiner.message2)) !== undefined, "it cannot know yet");
  assert.equal(a.hear(bytes(guesses.joiner.message4)), undefined);
  assert.equal(verdictOf(a), guesses.joiner.outcome);

  const { b } = sidesOf(first);
  b.hear(bytes(first.expected.messages[0]!));
  assert(b.hear(bytes(guesses.opener.message3)) !== undefined, "it cannot know yet");
  b.hear(bytes(guesses.opener.message5));
  assert.equal(b.outcome, guesses.opener.outcome);
});

test("C-13 pairing.json: whoever knows the words but names another's ID fails at either end", () => {
  const { joiner: falseJoiner, opener: falseOpener } = vectors.refused.impostors;
  const { a } = sidesOf(first);
  greeting(a);
  assert(a.hear(bytes(falseJoiner.message2)) !== undefined, "it cannot know yet");
  assert.equal(a.hear(bytes(falseJoiner.message4)), undefined);
  assert.equal(verdictOf(a), falseJoiner.outcome);

  const { b } = sidesOf(first);
  b.hear(bytes(first.expected.messages[0]!));
  assert(b.hear(bytes(falseOpener.message3)) !== undefined, "it cannot know yet");
  b.hear(bytes(falseOpener.message5));
  assert.equal(b.outcome, falseOpener.outcome);

  // Nothing else is wrong with them: the same bytes come of a party that signs with its own key.
  for (const [role, { id }, said] of [
    ["joiner", falseJoiner, [falseJoiner.message2, falseJoiner.message4]],
    ["opener", falseOpener, [falseOpener.message3, falseOpener.message5]],
  ] as const) {
    const parties = { ...first.parties, [role]: { ...first.parties[role], id } };
    const { messages } = plainPairing(vectors.relayFingerprint, parties, first.inputs);
    const [, two, three, four, five] = messages;
    assert.deepEqual(role === "joiner" ? [two, four] : [three, five], said);
  }
});

test("pairing.json: the words are those of BIP-39", () => {
  const text = completeWord("").join("\n");
  const hash = createHash("sha256").update(`${text}\n`).digest("hex");
  assert.equal(hash, vectors.codes.wordlistSha256);
});

test("pairing.json: codes are made, taken, refused and completed", () => {
  const { made, taken, refused, completed } = vectors.codes;
  for (const { random, words } of made)
    assert.deepEqual(makeWords(drawing(bytes(random)), words.length), words);
  for (const { text, slot, words } of taken) {
    assert.deepEqual(parseCode(text), { slot, words }, text);
    assert.deepEqual(parseCode(formatCode({ slot, words })), { slot, words });
  }
  for (const { text, ...details } of refused)
    assert.throws(
      () => parseCode(text),
      (error) => {
        assert(error instanceof PosternError && error.code === "pairing/invalid-code", text);
        assert.deepEqual(error.details, details, text);
        return true;
      },
    );
  for (const each of completed) {
    const words = completeWord(each.prefix);
    if ("words" in each) assert.deepEqual(words, each.words);
    else
      assert.deepEqual([words.length, words[0], words.at(-1)], [each.count, each.first, each.last]);
  }
});

test("pairing.json: safety numbers, three times", () => {
  for (const { a, b, ...expected } of vectors.safetyNumbers) {
    assert.deepEqual(plainSafetyNumber(a, b), expected);
    const groups = safetyNumber(suite, bytes(a), bytes(b));
    const [lesser, greater] = [a, b].toSorted();
    const label = Buffer.from("postern safety/1\0");
    assert.equal(hex(sha512(label, bytes(lesser!), bytes(greater!))), expected.hash);
    assert.deepEqual(groups, expected.groups);
    assert.equal(safetyNumberQrText(groups), expected.qr);
  }
});

/** Both ends of a run, with everything drawn as the file says. */
function sidesOf({ parties, inputs, expected }: Run) {
  const relayFingerprint = bytes(vectors.relayFingerprint);
  const contextOf = (role: "opener" | "joiner", ...drawn: readonly string[]) => {
    const { seed, id, fingerprint, name } = parties[role];
    const self = { id: bytes(id), fingerprint: bytes(fingerprint) };
    const signing = suite.signingFromSeed(bytes(seed));
    return { suite: drawing(...drawn.map(bytes)), relayFingerprint, self, signing, name };
  };
  const { wordsRandom, openerNonce, openerRandom, joinerNonce, joinerRandom } = inputs;
  const own = contextOf("opener", wordsRandom, openerNonce, openerRandom);
  const a = opener(own, inputs.slot, inputs.words.length);
  const b = joiner(expected.code, contextOf("joiner", joinerNonce, joinerRandom));
  return { a, b };
}

/** Of an opener that may go on with another code. */
function verdictOf(side: PairingSide): string {
  const burned = side.state.kind === "expect-slot" && side.events.at(-1)?.kind === "guessed";
  return burned ? "burned" : side.outcome;
}
