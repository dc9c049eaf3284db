import assert from "node:assert/strict";
import { test } from "node:test";
import { Device, NOW } from "../../../test/channel-lab.ts";
import { nobleSuite as suite } from "../../crypto/noble-suite.ts";
import { decodeKeyPackage } from "../../identity/key-package.ts";
import { LAST_RESORT_PUBLISHED_MS, ONE_TIME_PACKAGE_VALID_MS } from "../../limits.ts";
import type { WallMs } from "../../time.ts";
import { makePackage, planStock, type HeldPackage, type MadePackage } from "./package-stock.ts";

const identity = new Device(1).identity;
type Type = HeldPackage["type"];

function made(type: Type, at: number = NOW): MadePackage {
  return makePackage(suite, identity, type, 4, at as WallMs);
}

function stock(oneTime: number): readonly MadePackage[] {
  return [...Array.from({ length: oneTime }, () => made("one-time")), made("last-resort")];
}

function asHeld(packages: readonly MadePackage[]): readonly HeldPackage[] {
  return packages.map(({ kid, type }) => ({ kid, type: type as Type }));
}

function counts({ make }: { readonly make: readonly Type[] }): readonly [number, number] {
  const oneTime = make.filter((type) => type === "one-time").length;
  return [oneTime, make.length - oneTime];
}

test("planStock() fills an empty relay", () => {
  const plan = planStock([], [], NOW);
  assert.deepEqual(counts(plan), [32, 1]);
  assert.equal(plan.replace, false);
});

test("planStock() tops up when fewer than 16 are left, and leaves more alone", () => {
  const few = stock(15);
  assert.deepEqual(counts(planStock(few, asHeld(few), NOW)), [17, 0]);
  const enough = stock(16);
  assert.deepEqual(counts(planStock(enough, asHeld(enough), NOW)), [0, 0]);
});

test("C-04 planStock() replaces everything when the relay holds what this client does not know", () => {
  const known = stock(20);
  const plan = planStock(known.slice(1), asHeld(known), NOW);
  assert.equal(plan.replace, true);
  assert.deepEqual(counts(plan), [32, 1]);
  assert.deepEqual(plan.forget, [], "an offer may be under way");
});

test("planStock() replaces the package of last resort after a week, and keeps its secret", () => {
  const week = (NOW + LAST_RESORT_PUBLISHED_MS) as WallMs;
  const own = stock(20);
  assert.deepEqual(counts(planStock(own, asHeld(own), (week - 1) as WallMs)), [0, 0]);
  const plan = planStock(own, asHeld(own), week);
  assert.deepEqual(counts(plan), [0, 1]);
  assert.deepEqual(plan.forget, []);
});

test("planStock() forgets secrets past their time", () => {
  const own = [made("one-time", NOW - ONE_TIME_PACKAGE_VALID_MS), ...stock(20)];
  const plan = planStock(own, asHeld(own.slice(1)), NOW);
  assert.deepEqual(plan.forget, [own[0]!.kid]);
});

test("makePackage() makes what others take as this identity's", () => {
  const { encoded, kid } = made("one-time");
  const decoded = decodeKeyPackage(suite, identity.id, encoded, NOW);
  assert.deepEqual(decoded?.kid, kid);
});

test("planStock() replaces packages that a clock ahead of time has made: nobody takes them yet", () => {
  const ahead = (NOW + 3_600_000) as WallMs;
  const own = [made("one-time", ahead), made("last-resort", ahead)];
  const plan = planStock(own, asHeld(own), NOW);
  assert.equal(plan.replace, true);
  assert.deepEqual(counts(plan), [32, 1]);
  const slightly = Array.from({ length: 20 }, () => made("one-time", NOW + 9_000));
  assert.equal(planStock(slightly, asHeld(slightly), NOW).replace, false);
});
