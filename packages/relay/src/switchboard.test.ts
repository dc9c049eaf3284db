import assert from "node:assert/strict";
import { test } from "node:test";
import { LINKS_MAX, NAMES_PER_IDENTITY_MAX, RECEIVERS_PER_PAGE } from "@postern/core/limits";
import { encodeLinkFrame, PROFILE_BITS } from "@postern/core/link";
import { LINK_FRAME_BYTES_MAX, WATCHED_PEERS_MAX } from "@postern/core/limits";
import { BoardDriver } from "../test/board-driver.ts";
import { person } from "../test/test-client.ts";
import type { SwitchboardInput } from "./switchboard-io.ts";

const body = Uint8Array.of(1, 2, 3);

test("stepSwitchboard() keeps a name for the identity that claimed it first (S-03)", () => {
  const driver = new BoardDriver();
  const alice = driver.login("alice");
  const thief = driver.login("alice");
  assert.equal(thief.status, "name-taken");
  assert.equal(alice.closed, undefined);
  alice.leave();
  assert.equal(driver.login("alice").status, "name-taken", "also while its owner is away");
  assert.equal(driver.login(alice.who).status, "welcome");
});

test("stepSwitchboard() lets nobody but its owner displace a link (R-01)", () => {
  const driver = new BoardDriver();
  const alice = driver.login("alice");
  driver.login("alice");
  driver.step({ kind: "established", link: "link-2" });
  driver.login({ ...person("mallory"), name: "alice" });
  assert.equal(alice.closed, undefined);
  assert.deepEqual(alice.take(), []);
});

test("stepSwitchboard() gives a proven login the place of its old link (R-02)", () => {
  const driver = new BoardDriver();
  const old = driver.login("alice");
  const bob = driver.login("bob");
  old.present();
  const fresh = driver.login(old.who);
  assert.equal(old.only("notice").notice, "superseded");
  assert.equal(old.closed, "superseded");
  old.leave();
  bob.send({ kind: "envelope", request: 1, to: old.fingerprint, body });
  assert.equal(bob.only("result").status, "done");
  assert.deepEqual(fresh.only("delivery").body, body);
  bob.send({ kind: "list-receivers", request: 2, after: "" });
  assert.equal(bob.only("receivers").receivers.length, 0, "presence went with the old link");
});

test("stepSwitchboard() survives login flapping: one link of an identity lives (R-02)", () => {
  const driver = new BoardDriver();
  const who = person("alice");
  const links = Array.from({ length: 50 }, () => driver.login(who));
  assert.equal(driver.board.links.size, 1);
  assert.deepEqual(
    links.map((link) => link.closed),
    [...Array.from({ length: 49 }, () => "superseded"), undefined],
  );
});

test("stepSwitchboard() never loses a receiver, whoever dies when (S-17)", () => {
  const driver = new BoardDriver();
  const bob = driver.login("bob");
  bob.present(2);
  const asker = driver.login("asker");
  const listed = (): number => {
    asker.send({ kind: "list-receivers", request: 1, after: "" });
    return asker.only("receivers").receivers.filter(({ name }) => name === "bob").length;
  };
  const sender = driver.login("sender");
  sender.send({ kind: "envelope", request: 1, to: bob.fingerprint, body });
  assert.equal(listed(), 1, "the relay changes nobody's free places");
  sender.send({ kind: "open-pipe", request: 2, to: bob.fingerprint, transfer: new Uint8Array(16) });
  assert.equal(listed(), 1);
  sender.leave();
  assert.equal(listed(), 1);
  bob.present(0);
  assert.equal(listed(), 0);
  bob.present(1);
  assert.equal(listed(), 1);
  bob.leave();
  assert.equal(listed(), 0);
});

test("stepSwitchboard() pages the list in the order of names, each page in a frame (S-13)", () => {
  const driver = new BoardDriver();
  const count = 2 * RECEIVERS_PER_PAGE + 3;
  const names = Array.from({ length: count }, (_, i) => `receiver.${String(i).padStart(23, "x")}`);
  const who = person(names[0] ?? "");
  for (const name of names.toReversed()) {
    // One key for all would be one identity; the ids differ, the signatures are not asked for.
    const fingerprint = crypto.getRandomValues(new Uint8Array(32));
    driver.login({ ...who, name, identity: { ...who.identity, fingerprint } }).present(3, 5);
  }
  const asker = driver.login("asker");
  const seen: string[] = [];
  const pages: number[] = [];
  for (let after = "", more = true; more;) {
    asker.send({ kind: "list-receivers", request: 7, after });
    const page = asker.only("receivers");
    assert.equal(page.request, 7);
    assert(encodeLinkFrame(page).length + 16 <= LINK_FRAME_BYTES_MAX);
    pages.push(page.receivers.length);
    seen.push(...page.receivers.map(({ name }) => name));
    more = page.more;
    after = page.receivers.at(-1)?.name ?? "";
  }
  assert.deepEqual(pages, [RECEIVERS_PER_PAGE, RECEIVERS_PER_PAGE, 3]);
  assert.deepEqual(seen, names.toSorted());
});

test("stepSwitchboard() lists only who chose to be listed and has room (R-04)", () => {
  const driver = new BoardDriver();
  driver.login("hidden").present(1, 1, false);
  driver.login("busy").present(0);
  driver.login("silent");
  const open = driver.login("open");
  open.present(1, 5);
  const asker = driver.login("asker");
  asker.send({ kind: "list-receivers", request: 1, after: "" });
  assert.deepEqual(asker.only("receivers").receivers, [
    { name: "open", id: open.who.identity.id, free: 1, profiles: 5 },
  ]);
  open.present(1, 1, false);
  asker.send({ kind: "list-receivers", request: 2, after: "" });
  assert.equal(asker.only("receivers").receivers.length, 0);
});

test("stepSwitchboard() finds a name as free, busy, absent or unknown", () => {
  const driver = new BoardDriver();
  const bob = driver.login("bob");
  const asker = driver.login("asker");
  const find = (name: string): { status: string; id: Uint8Array; profiles: number } => {
    asker.send({ kind: "find", request: 1, name });
    const { status, id, profiles } = asker.only("found");
    return { status, id, profiles };
  };
  const { id } = bob.who.identity;
  assert.deepEqual(find("bob"), { status: "busy", id, profiles: 0 });
  bob.present(1, 5, false);
  assert.deepEqual(find("bob"), { status: "free", id, profiles: 5 });
  driver.login({ ...bob.who, name: "bobby" }).present();
  assert.deepEqual(find("bob"), { status: "absent", id, profiles: 0 }, "here as another");
  bob.leave();
  assert.deepEqual(find("nobody"), { status: "unknown", id: new Uint8Array(35), profiles: 0 });
});

test("stepSwitchboard() refuses envelopes to the absent, the unknown and the congested", () => {
  const driver = new BoardDriver();
  const alice = driver.login("alice");
  const bob = driver.login("bob");
  const status = (to: Uint8Array): string => {
    alice.send({ kind: "envelope", request: 3, to, body });
    return alice.only("result").status;
  };
  assert.equal(status(bob.fingerprint), "done");
  driver.congested.add(bob.link);
  assert.equal(status(bob.fingerprint), "overloaded");
  assert.equal(bob.take().length, 1);
  bob.leave();
  assert.equal(alice.only("peer-gone").kind, "peer-gone");
  assert.equal(status(bob.fingerprint), "absent");
  assert.equal(status(new Uint8Array(32)), "unknown");
});

test("stepSwitchboard() names the sender by what it proved, not by what it wrote", () => {
  const driver = new BoardDriver();
  const alice = driver.login("alice");
  const bob = driver.login("bob");
  alice.send({ kind: "envelope", request: 1, to: bob.fingerprint, body });
  const { id } = alice.who.identity;
  assert.deepEqual(bob.only("delivery"), { kind: "delivery", from: id, name: "alice", body });
});

test("stepSwitchboard() tells both ends of an envelope when the other goes (S-17)", () => {
  const driver = new BoardDriver();
  const [alice, bob, carol] = ["alice", "bob", "carol"].map((name) => driver.login(name));
  assert(alice && bob && carol);
  alice.send({ kind: "envelope", request: 1, to: bob.fingerprint, body });
  carol.send({ kind: "envelope", request: 1, to: bob.fingerprint, body });
  for (const player of [alice, bob, carol]) player.take();
  alice.leave();
  assert.deepEqual(bob.only("peer-gone").peer, alice.fingerprint);
  assert.deepEqual(carol.take(), []);
  driver.login(bob.who);
  assert.deepEqual(carol.only("peer-gone").peer, bob.fingerprint, "a new link knows no transfer");
});

test("stepSwitchboard() watches the latest WATCHED_PEERS_MAX peers of a client", () => {
  const driver = new BoardDriver();
  const alice = driver.login("alice");
  const template = person("peer");
  const peers = Array.from({ length: WATCHED_PEERS_MAX + 1 }, (_, i) => {
    const fingerprint = crypto.getRandomValues(new Uint8Array(32));
    const identity = { ...template.identity, fingerprint };
    return driver.login({ ...template, identity, name: `peer-${i}` });
  });
  for (const [i, peer] of peers.entries())
    alice.send({ kind: "envelope", request: i + 1, to: peer.fingerprint, body });
  alice.take();
  peers[0]?.leave();
  assert.deepEqual(alice.take(), [], "the oldest is watched no more");
  peers[1]?.leave();
  assert.equal(alice.only("peer-gone").kind, "peer-gone");
  for (const peer of peers) peer.take();
  alice.leave();
  assert.equal(peers[2]?.only("peer-gone").kind, "peer-gone");
});

test("stepSwitchboard() admits LINKS_MAX links, and then only who is connected already", () => {
  const driver = new BoardDriver();
  const who = person("alice");
  const alice = driver.login(who);
  const { links } = driver.board;
  const client = links.get(alice.link);
  assert(client);
  for (let i = links.size; i < LINKS_MAX; i++) links.set(`filler-${i}`, client);
  assert.equal(driver.login("bob").status, "overloaded");
  assert.equal(driver.login(who).status, "welcome");
});

test("stepSwitchboard() counts a login that is not established as a place", () => {
  const driver = new BoardDriver();
  const { logins } = driver.board;
  const { identity, name } = person("x");
  const welcome = { ...identity, name, address: undefined };
  for (let i = 0; i < LINKS_MAX; i++) logins.set(`filler-${i}`, welcome);
  assert.equal(driver.login("bob").status, "overloaded");
  driver.step({ kind: "gone", link: "filler-0" });
  assert.equal(driver.login("bob").status, "welcome");
});

test("stepSwitchboard() gives one identity NAMES_PER_IDENTITY_MAX names (R-03)", () => {
  const driver = new BoardDriver();
  const who = person("a");
  const statuses = Array.from(
    { length: NAMES_PER_IDENTITY_MAX + 1 },
    (_, i) => driver.login({ ...who, name: `name-${i}` }).status,
  );
  assert.equal(statuses.pop(), "refused");
  assert(statuses.every((status) => status === "welcome"));
});

test("stepSwitchboard() ignores inputs about links, jobs and pipes that it does not know", () => {
  const driver = new BoardDriver();
  const inputs: SwitchboardInput[] = [
    { kind: "established", link: "?" },
    { kind: "gone", link: "?" },
    { kind: "frame", link: "?", frame: { kind: "find", request: 1, name: "x" } },
    { kind: "rewrapped", job: 7, outcome: { kind: "failed" } },
    { kind: "pipe-left", end: "?" },
    { kind: "pipe-ended", pipe: 3 },
    { kind: "woke" },
  ];
  for (const input of inputs) driver.step(input);
  assert.deepEqual(driver.pipes, []);
});

test("stepSwitchboard() says its policy first and lists nobody against it", () => {
  const driver = new BoardDriver(undefined, PROFILE_BITS["end-to-end"]);
  const alice = driver.login("alice");
  assert.deepEqual(alice.take(), [{ kind: "policy", profiles: PROFILE_BITS["end-to-end"] }]);
  alice.present(1, PROFILE_BITS.symmetric | PROFILE_BITS["end-to-end"]);
  const bob = driver.login("bob");
  bob.take();
  bob.send({ kind: "list-receivers", request: 1, after: "" });
  assert.deepEqual(
    bob.only("receivers").receivers.map(({ name, profiles }) => [name, profiles]),
    [["alice", PROFILE_BITS["end-to-end"]]],
  );
});

test("stepSwitchboard() that allows everything says no policy", () => {
  assert.deepEqual(new BoardDriver().login("alice").take(), []);
});
