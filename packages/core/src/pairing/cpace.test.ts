/**
 * CPace against the vectors of draft-irtf-cfrg-cpace, which lie beside the project.
 */
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { plainCpace } from "../../test/plain-pairing.ts";
import { hex, utf8 } from "../bytes.ts";
import { nobleSuite as suite } from "../crypto/noble-suite.ts";
import { ristretto255Multiply } from "../crypto/ristretto255.ts";
import { cpaceGenerator, finishCpace, startCpace } from "./cpace.ts";

type Fields = Readonly<Record<string, string>>;

const FILE = join(import.meta.dirname, "../../../../../shared/vectors/cpace.json");
const skip = existsSync(FILE) ? false : "no ../shared/vectors";

/** In the file ristretto255 goes by the name of its family of curves. */
function draft() {
  const file = JSON.parse(readFileSync(FILE, "utf8")) as Readonly<Record<string, unknown>>;
  return {
    run: file["G_Coffee25519"] as Fields,
    points: file["G_Coffee25519_points"] as Readonly<Record<string, string | Fields>>,
  };
}

function bytes(text: string | undefined): Uint8Array {
  assert(text !== undefined);
  return Uint8Array.from(Buffer.from(text, "hex"));
}

function inputsOf(run: Fields) {
  return {
    password: bytes(run["PRS"]),
    channel: bytes(run["CI"]),
    session: bytes(run["sid"]),
  };
}

function drawing(random: Uint8Array) {
  return { ...suite, random: () => random.slice() };
}

test("startCpace() makes generator and shares of the draft", { skip }, () => {
  const { run } = draft();
  assert.equal(hex(cpaceGenerator(inputsOf(run))), run["g"]?.toLowerCase());
  for (const side of ["a", "b"]) {
    const scalar = bytes(run[`y${side}`]);
    const started = startCpace(drawing(scalar), inputsOf(run));
    assert.deepEqual(started.scalar, scalar);
    assert.deepEqual(started.share, bytes(run[`Y${side}`]));
  }
});

test("finishCpace() makes the ISK of the draft at both ends", { skip }, () => {
  const { run } = draft();
  const messages = {
    initiator: { share: bytes(run["Ya"]), data: bytes(run["ADa"]) },
    responder: { share: bytes(run["Yb"]), data: bytes(run["ADb"]) },
  };
  const session = bytes(run["sid"]);
  const initiator = finishCpace({ scalar: bytes(run["ya"]) }, session, messages, "initiator");
  const responder = finishCpace({ scalar: bytes(run["yb"]) }, session, messages, "responder");
  assert.deepEqual(initiator, bytes(run["ISK_IR"]));
  assert.deepEqual(responder, initiator);
});

test("ristretto255Multiply() agrees with the draft's points", { skip }, () => {
  const { run, points } = draft();
  assert.deepEqual(ristretto255Multiply(bytes(run["ya"]), bytes(run["Yb"])), bytes(run["K"]));
  assert.deepEqual(ristretto255Multiply(bytes(run["yb"]), bytes(run["Ya"])), bytes(run["K"]));
  const { Valid: valid, ...invalid } = points;
  assert(typeof valid === "object");
  const scalar = bytes(valid["s"]);
  const product = ristretto255Multiply(scalar, bytes(valid["X"]));
  assert.deepEqual(product, bytes(valid["G.scalar_mult_vfy(s,X)"]));
  assert.equal(Object.keys(invalid).length, 2);
  for (const [name, point] of Object.entries(invalid)) {
    assert(typeof point === "string");
    assert.equal(ristretto255Multiply(scalar, bytes(point)), undefined, name);
  }
});

test("C-14 finishCpace() aborts at the draft's invalid points and the identity", { skip }, () => {
  const { run, points } = draft();
  const own = { share: bytes(run["Ya"]), data: bytes(run["ADa"]) };
  const { Valid: _valid, ...invalid } = points;
  for (const [name, point] of Object.entries(invalid)) {
    assert(typeof point === "string");
    const peer = { share: bytes(point), data: bytes(run["ADb"]) };
    const scalar = bytes(run["ya"]);
    const session = bytes(run["sid"]);
    const here = { initiator: own, responder: peer };
    const there = { initiator: peer, responder: own };
    assert.equal(finishCpace({ scalar }, session, here, "initiator"), undefined, name);
    assert.equal(finishCpace({ scalar }, session, there, "responder"), undefined, name);
  }
});

test("plainCpace() agrees with the draft too", { skip }, () => {
  const { run } = draft();
  const given = plainCpace({
    password: run["PRS"]!,
    channel: run["CI"]!,
    session: run["sid"]!,
    initiatorScalar: run["ya"]!,
    responderScalar: run["yb"]!,
    initiatorData: run["ADa"]!,
    responderData: run["ADb"]!,
  });
  const { generatorString: _text, ...values } = given;
  const expected = {
    generator: run["g"],
    initiatorShare: run["Ya"],
    responderShare: run["Yb"],
    point: run["K"],
    isk: run["ISK_IR"],
  };
  assert.deepEqual(
    values,
    Object.fromEntries(Object.entries(expected).map(([name, text]) => [name, text?.toLowerCase()])),
  );
});

test("startCpace() clears the scalar's top bits and refuses the scalar 0", () => {
  const inputs = { password: utf8("a"), channel: utf8("b"), session: utf8("c") };
  const random = new Uint8Array(32).fill(0xff);
  assert.equal(startCpace(drawing(random), inputs).scalar[31], 0x0f);
  assert.throws(() => startCpace(drawing(new Uint8Array(32)), inputs), {
    code: "platform/crypto-unusable",
  });
});

test("startCpace() depends on each of its inputs, and on where one ends", () => {
  const inputs = { password: utf8("ab"), channel: utf8("cd"), session: utf8("ef") };
  const others = [
    inputs,
    { ...inputs, password: utf8("ac") },
    { ...inputs, channel: utf8("ce") },
    { ...inputs, session: utf8("eg") },
    { ...inputs, password: utf8("abc"), channel: utf8("d") },
    { ...inputs, channel: utf8("cde"), session: utf8("f") },
    { ...inputs, password: new Uint8Array(200) },
    { ...inputs, password: new Uint8Array(201) },
  ];
  const generators = new Set(others.map((each) => hex(cpaceGenerator(each))));
  assert.equal(generators.size, others.length);
});
