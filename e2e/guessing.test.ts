/**
 * Guesses at codes (C-14, R-03): each costs its code, both are told, and however many guess, those
 * who know a code still meet. docs/protocol-pairing.md 10.1.
 *
 * @module
 */
import assert from "node:assert/strict";
import { connect as connectSocket, createServer, type Socket } from "node:net";
import { join } from "node:path";
import process from "node:process";
import { after, test } from "node:test";
import { connect, memoryStore, type Client, type Pairing } from "@postern/client";
import { nodePorts } from "@postern/client/node";
import { PosternError } from "@postern/core/errors";
import { parseRelayAddress } from "@postern/core/identity";
import { PAIR_CODES_MAX, PAIR_JOINS_PER_LINK } from "@postern/core/limits";
import { chooseSuite } from "@postern/node";
import { relayLogger, startRelay } from "@postern/relay";
import { Scene } from "./scene.ts";

const PAIRS = 100;
const GUESSES = 1_000;
/** Links that are made at once: fewer than a relay allows to one address. */
const AT_ONCE = 32;

const scene = await Scene.open({ after });
const relay = await startRelay({
  host: "127.0.0.1",
  port: 0,
  dataDir: join(scene.folder, "relay"),
  logger: relayLogger("silent"),
});
const clients: Client[] = [];
after(async () => {
  await Promise.all(clients.map(async (client) => await client.close()));
  await relay.close();
});

test("C-14 of guesses at one code one is heard: it fails, both are told, and the code is gone", async () => {
  const opener = new Opening(await person("opener"));
  const code = await opener.next();
  const guessers = await people("guesser", 8);
  const outcomes = await Promise.all(guessers.map(async (guesser) => await guess(guesser, code)));
  assert.equal(outcomes.filter((outcome) => outcome === "pairing/wrong-code").length, 1);
  assert.equal(outcomes.filter((outcome) => outcome === "pairing/unknown-code").length, 7);
  const renewed = await opener.next();
  assert.equal(opener.guessed, 1, "the opener is told");
  assert.notEqual(renewed, code);
  const [late] = await people("late", 1);
  assert.equal(
    await outcomeOf(late!.pair({ code })),
    "pairing/unknown-code",
    "even the right words",
  );
  assert.equal(await outcomeOf(late!.pair({ code: renewed })), "paired");
  assert.equal(await outcomeOf(opener.pairing), "paired");
});

test("C-14 an opening burns no more codes than it may, and says so", async () => {
  const opener = new Opening(await person("unlucky"));
  const guessers = await people("spiteful", PAIR_CODES_MAX);
  for (const guesser of guessers)
    assert.equal(await guess(guesser, await opener.next()), "pairing/wrong-code");
  assert.equal(await outcomeOf(opener.pairing), "pairing/wrong-code");
  assert.equal(opener.guessed, PAIR_CODES_MAX - 1, "the last guess is the end");
});

const LINUX_ONLY = process.platform !== "linux" && "one machine with many loopback addresses";

test(
  "C-14 R-03 a thousand guesses at a hundred codes: all who know a code meet",
  {
    skip: LINUX_ONLY,
  },
  async () => {
    const openers = (await people("open", PAIRS)).map((client) => new Opening(client));
    const joiners = await people("join", PAIRS, await addresses("127.0.2."));
    const guessers = await people(
      "guess",
      GUESSES / PAIR_JOINS_PER_LINK,
      await addresses("127.0.3."),
    );
    const codes = await Promise.all(openers.map(async (opener) => await opener.next()));

    // Ten at each code, all at once; and those who know it join meanwhile.
    const guessing = guessers.flatMap((guesser, at) =>
      Array.from({ length: PAIR_JOINS_PER_LINK }, async (_, i) => {
        const target = codes[(at * PAIR_JOINS_PER_LINK + i) % PAIRS]!;
        return await guess(guesser, target);
      }),
    );
    const meeting = joiners.map(async (joiner, at) => await openers[at]!.meet(joiner));
    const guessed = await Promise.all(guessing);
    const met = await Promise.all(meeting);

    assert.equal(guessed.length, GUESSES);
    for (const outcome of guessed)
      assert.match(outcome, /^pairing\/(?:wrong-code|unknown-code|limited)$/);
    assert.equal(
      guessed.includes("pairing/limited"),
      false,
      "the attacker keeps within its limits",
    );
    const heard = guessed.filter((outcome) => outcome === "pairing/wrong-code").length;
    assert.ok(heard > 0 && heard <= PAIRS, `${heard} guesses were heard: one for each code`);
    assert.deepEqual(new Set(met), new Set(["paired"]));
    for (const opener of openers) assert.equal(await outcomeOf(opener.pairing), "paired");
    const told = openers.reduce((sum, { guessed: count }) => sum + count, 0);
    assert.equal(told, heard, "each opener is told of each guess");
  },
);

/** One who opens codes, and the person beside it who tells them on. */
class Opening {
  readonly pairing: Pairing;
  guessed = 0;
  readonly #codes: string[] = [];
  #changed = Promise.withResolvers<void>();

  constructor(client: Client) {
    this.pairing = client.pair();
    void this.#read();
  }

  /** The next code that was not told yet. */
  async next(): Promise<string> {
    for (;;) {
      const code = this.#codes.shift();
      if (code !== undefined) return code;
      await this.#changed.promise;
    }
  }

  /** The joiner is told each new code, until one holds. */
  async meet(joiner: Client): Promise<string> {
    for (let code = this.#first; ; code = await this.next()) {
      const outcome = await outcomeOf(joiner.pair({ code }));
      if (outcome !== "pairing/unknown-code") return outcome;
    }
  }

  #first = "";

  async #read(): Promise<void> {
    for await (const event of this.pairing) {
      if (event.type === "guessed") this.guessed++;
      else {
        this.#first ||= event.code;
        this.#codes.push(event.code);
      }
      this.#changed.resolve();
      this.#changed = Promise.withResolvers();
    }
  }
}

/** Another's words for the slot of a code. */
async function guess(guesser: Client, code: string): Promise<string> {
  const [slot] = code.split("-");
  return await outcomeOf(guesser.pair({ code: `${slot}-zebra-zoo` }));
}

async function outcomeOf({ paired }: Pairing): Promise<string> {
  try {
    await paired;
    return "paired";
  } catch (error) {
    if (error instanceof PosternError) return error.code;
    throw error;
  }
}

async function people(
  name: string,
  count: number,
  port: number = relay.port,
): Promise<readonly Client[]> {
  const made: Client[] = [];
  for (let start = 0; start < count; start += AT_ONCE) {
    const numbers = Array.from({ length: Math.min(AT_ONCE, count - start) }, (_, i) => start + i);
    const batch = numbers.map(async (number) => await person(`${name}-${number}`, port));
    made.push(...(await Promise.all(batch)));
  }
  return made;
}

async function person(name: string, port: number = relay.port): Promise<Client> {
  const suite = chooseSuite();
  const seeds = { signingSeed: suite.random(32), linkSeed: suite.random(32) };
  const ports = nodePorts(suite, memoryStore({ name, ...seeds }));
  const client = await connect(ports, { address: parseRelayAddress(`127.0.0.1:${port}`) });
  clients.push(client);
  return client;
}

/** A way to the relay on which each ten links come from an address of their own. */
async function addresses(network: string): Promise<number> {
  let links = 0;
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const localAddress = `${network}${1 + Math.floor(links++ / 10)}`;
    const onward = connectSocket({ host: "127.0.0.1", port: relay.port, localAddress });
    for (const [from, to] of [
      [client, onward],
      [onward, client],
    ] as const) {
      sockets.add(from);
      from.setNoDelay().on("error", () => to.destroy());
      from.pipe(to);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new TypeError("no port");
  return address.port;
}
