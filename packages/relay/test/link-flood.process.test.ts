import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { test, type TestContext } from "node:test";
import { LINK_QUEUE_BYTES_MAX, RECEIVERS_PER_PAGE } from "@postern/core/limits";
import {
  startClientLink,
  stepLink,
  type ClientFrame,
  type LinkEffect,
  type LinkFrame,
  type LinkInput,
  type RelayFrame,
} from "@postern/core/link";
import type { InstantMs } from "@postern/core/time";
import { LinkSocket, type LinkSocketPorts } from "../src/link-socket.ts";
import { Wheel } from "../src/wheel.ts";
import { person, suite } from "./test-client.ts";
import { TestClock } from "./test-relay.ts";
import { within } from "./within.ts";

const NOW = 0 as InstantMs;

async function socketPair(t: TestContext): Promise<{ near: Socket; far: Socket }> {
  const server = createServer({ pauseOnConnect: true, allowHalfOpen: true }).listen(0, "127.0.0.1");
  t.after(() => server.close());
  await once(server, "listening");
  const far = connect((server.address() as AddressInfo).port, "127.0.0.1");
  t.after(() => far.destroy());
  far.on("error", () => far.destroy());
  const [near] = (await once(server, "connection")) as [Socket];
  return { near, far };
}

/** A link whose client says `asked` when it may; `hear` gets that until the link is gone. */
async function linked(
  t: TestContext,
  asked: readonly ClientFrame[],
  hear: (link: LinkSocket, frame: LinkFrame) => void,
): Promise<string> {
  const { near, far } = await socketPair(t);
  const clock = new TestClock();
  const wheel = new Wheel(clock);
  t.after(() => wheel.stop());
  const gone = Promise.withResolvers<string>();
  let isGone = false;
  const ports: LinkSocketPorts = {
    suite,
    clock,
    wheel,
    onWaiting: () => undefined,
    onEvent: (link, event) => {
      if (event.kind === "login")
        link.decide({ kind: "decide", status: "welcome", retryAfterMs: 0 });
      else if (event.kind === "frame" && !isGone) hear(link, event.frame);
    },
    onGone: (_link, reason) => {
      isGone = true;
      gone.resolve(reason);
    },
    onClosed: () => undefined,
  };
  const options = { staticKey: suite.generateKem(), time: clock.wall() };
  const link = new LinkSocket("1", { socket: near, head: new Uint8Array(0), options }, ports);
  t.after(() => link.destroy());
  speak(far, asked);
  return await within("the link to end", gone.promise);
}

/** A client that seals all of `asked` as one. */
function speak(socket: Socket, asked: readonly ClientFrame[]): void {
  const first = startClientLink(suite, { ...person("flood"), pin: undefined }, NOW);
  let state = first.state;
  const perform = (effects: readonly LinkEffect[]): void => {
    for (const effect of effects) if (effect.kind === "write") socket.write(effect.bytes);
    if (!effects.some((effect) => effect.kind === "emit" && effect.event.kind === "established"))
      return;
    for (const frame of asked) step({ kind: "queue", frame });
    step({ kind: "flush" });
  };
  const step = (input: LinkInput): void => {
    const next = stepLink(state, input, NOW);
    state = next.state;
    perform(next.effects);
  };
  socket.on("data", (bytes: Buffer) => step({ kind: "received", bytes }));
  perform(first.effects);
}

const QUESTION: ClientFrame = { kind: "list-receivers", request: 1, after: "" };
const ID = person("somebody").identity.id;
/** The longest answer to the shortest question. */
const PAGE: RelayFrame = {
  kind: "receivers",
  request: 1,
  more: false,
  receivers: Array.from({ length: RECEIVERS_PER_PAGE }, (_, n) => ({
    name: `${n}`.padStart(32, "a"),
    id: ID,
    free: 1,
    profiles: 4,
  })),
};
const PAGE_BYTES = 1 + 7 + RECEIVERS_PER_PAGE * (1 + 32 + 35 + 2 + 1);

test("a bundle of 8,000 questions is answered up to LINK_QUEUE_BYTES_MAX alone (R-10)", async (t) => {
  const asked = Array.from({ length: 8_000 }, () => QUESTION);
  let answers = 0;
  const reason = await linked(t, asked, (link) => {
    answers++;
    link.send(PAGE);
  });
  assert.equal(reason, "too slow");
  assert.equal(answers, 1 + Math.floor(LINK_QUEUE_BYTES_MAX / PAGE_BYTES));
});
